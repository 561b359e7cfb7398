"""Log lines without what varies in them, and which of the templates came, went, grew or shrank.

The masks are data that RE2 (DuckDB's `regexp_replace(text, pattern, replacement, 'g')`, in this
order) and Python's `re` read alike: no look-around, no back-reference, ASCII classes only. A pass
over a line costs about as much whatever it looks for, so what is replaced alike is one pattern.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from agent.analysis.distributions import benjamini_hochberg
from agent.analysis.experiments import poisson_rates

_CLOCK = r"[0-9]{2}:[0-9]{2}:[0-9]{2}([.,][0-9]+)?"
_ZONE = r"( ?(Z|UTC|[+-][0-9]{2}:?[0-9]{2}))?"
_MONTH = r"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_POD = r"[bcdfghjklmnpqrstvwxz2456789]"  # Kubernetes' random suffixes: no vowels, so no words


def _any_of(*patterns: str) -> str:
    return "|".join(patterns)


MASKS: tuple[tuple[str, str], ...] = (
    (
        _any_of(
            rf"[0-9]{{4}}[-/][0-9]{{2}}[-/][0-9]{{2}}([T ]{_CLOCK}{_ZONE})?",
            rf"[0-9]{{1,2}}/{_MONTH}/[0-9]{{4}}:{_CLOCK}{_ZONE}",
            rf"\b{_MONTH} +[0-9]{{1,2}},? ([0-9]{{4}} )?{_CLOCK}",
            rf"\b{_CLOCK}{_ZONE}",
        ),
        "<time>",
    ),
    (r"\b(status|code|HTTP/[0-9.]+)([\" =:]+)([45])[0-9]{2}\b", r"\1\2<\3xx>"),
    (_any_of(r'"[^"]*"', r"(^|[^0-9A-Za-z_])'[^']*'"), r"\1<str>"),
    (r"\?[^ =&?]+=[^ ]*", "?<query>"),
    (
        _any_of(
            r"\b[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}",
            r"\b0[xX][0-9a-fA-F]+\b",
            rf"(-){_POD}{{8,10}}-{_POD}{{5}}\b",
        ),
        r"\2<id>",
    ),
    (
        _any_of(
            r"\b([0-9]{1,3}\.){3}[0-9]{1,3}(:[0-9]+)?\b",
            r"\b([0-9a-fA-F]{1,4}::?){2,7}[0-9a-fA-F]{1,4}\b",
        ),
        "<ip>",
    ),
    (
        _any_of(
            r"\b([0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h|d))+\b",
            r"\b[0-9]+(\.[0-9]+)*([eE][+-]?[0-9]+)?\b",
        ),
        "<num>",
    ),
    (
        _any_of(
            r"\b[0-9a-fA-F]{8,}\b",
            r"\b[0-9A-Za-z]*[0-9][A-Za-z]+[0-9][0-9A-Za-z]*\b",
        ),
        "<id>",
    ),
    (r"(^|[^<0-9])[0-9]+", r"\1<num>"),
)
"""Patterns and what stands for them, in order: times, strings, ids, addresses, numbers.

Whose fault an HTTP status is stays visible, since that is what such a line is about.
"""

_COMPILED = tuple((re.compile(pattern, re.ASCII), stands) for pattern, stands in MASKS)


def mask(text: str) -> str:
    """The template of a log line: the line with all that varies from one to the next masked."""
    for pattern, stands in _COMPILED:
        text = pattern.sub(stands, text)
    return text


_HELD = re.compile(r"<(?:num|id|ip|time|str|query)>")
_SIGN = re.compile(r"(^|[^0-9A-Za-z_<>])[-+](?=<num>)")
_ADJOINING = re.compile(r"<\*>(?:[-,:./_~@ ]*<\*>)+")
_BARE = re.compile(r"[(\[{](?:<\*>)?[)\]}]")
_CUT = re.compile(r"[(\[{](?=[^()\[\]{}]*[=,])[^)\]}]*$")
_WORD = r"[^\s()\[\]{},;]+"
_FEW_WORDS = rf"\s*{_WORD}(?:\s+{_WORD}){{0,3}}\s*"
_DATA = re.compile(
    _any_of(
        *(
            rf"{opens}(?=[^()\[\]{{}}]*[=:,]){_FEW_WORDS}(?:[,;]{_FEW_WORDS})*[,;]?{closes}"
            for opens, closes in ((r"\(", r"\)"), (r"\[", r"\]"), (r"\{", r"\}"))
        )
    )
)
_DEEPEST = 8  # brackets in brackets
_KINDS = 4  # different words at one place show that it varies
_CONTEXT = 4  # words that must be alike around it
_ROUNDS = 4
_CROWD = 100  # templates that share a word at its place
_LETTERS = re.compile(r"[A-Za-z]{2}")

Words = tuple[str, ...]


def grouped(templates: Iterable[str]) -> dict[str, str]:
    """The group of each template: those that differ by data alone are of one.

    A place varies where templates that are alike in every other word, four words at least, have
    four different ones there. What group one is in depends on which templates there are, never on
    their order.
    """
    shapes = {template: _shape(template) for template in templates}
    words = _crowds({shape: tuple(shape.split()) for shape in shapes.values()})
    for _ in range(_ROUNDS):
        places = _varying(words.values())
        if not places:
            break
        words = {shape: _without(of, places) for shape, of in words.items()}
    return {template: " ".join(words[shape]) for template, shape in shapes.items()}


def _shape(template: str) -> str:
    """The template without its kinds of masks, and without the lists and fields in brackets.

    Words in brackets are data where they are few between commas and one names a value; what was
    cut short leaves brackets open to its end.
    """
    shape = _ADJOINING.sub("<*>", _HELD.sub("<*>", _SIGN.sub(r"\1", template)))
    for _ in range(_DEEPEST):
        before, shape = shape, _BARE.sub("<*>", _DATA.sub("<*>", shape))
        if shape == before:
            break
    return _ADJOINING.sub("<*>", _CUT.sub("<*>", shape))


def _crowds(words: dict[str, Words]) -> dict[str, Words]:
    """The words of each, without those that are rare at their place in a crowd of one length.

    Where several places vary at once hardly two templates differ by one alone. A word is rare if it
    is there less often than the root of how often the commonest word of its template is.
    """
    often = Counter((len(of), place) for of in set(words.values()) for place in enumerate(of))
    return {shape: _uncommon(of, often) for shape, of in words.items()}


def _uncommon(words: Words, often: Counter[tuple[int, tuple[int, str]]]) -> Words:
    counts = [often[len(words), place] for place in enumerate(words)]
    most = max(counts, default=0)
    rest = tuple(
        word if count * count >= most else "<*>" for word, count in zip(words, counts, strict=True)
    )
    return rest if most >= _CROWD and sum(map(_tells, rest)) >= _CONTEXT else words


def _varying(words: Iterable[Words]) -> set[tuple[int, Words]]:
    """The places that vary: how many words are before each, and all the words around it."""
    seen = defaultdict(set)
    for of in set(words):
        telling = [_tells(word) for word in of]
        around = sum(telling)
        for at, word in enumerate(of):
            if around - telling[at] >= _CONTEXT:
                seen[at, of[:at] + of[at + 1 :]].add(word)
    return {place for place, kinds in seen.items() if len(kinds) >= _KINDS}


def _tells(word: str) -> bool:
    """Whether it is a word, of letters, and no mask."""
    return word != "<*>" and _LETTERS.search(word) is not None


def _without(words: Words, places: set[tuple[int, Words]]) -> Words:
    return tuple(
        "<*>" if (at, words[:at] + words[at + 1 :]) in places else word
        for at, word in enumerate(words)
    )


@dataclass(frozen=True, slots=True)
class Novelty:
    """One entry a template; `kind` is new, gone, more, less or same, the last if not significant.

    `p_value` is not adjusted; `ratio` is the rate after over the rate before, always finite.
    """

    p_value: NDArray[np.float64]
    ratio: NDArray[np.float64]
    kind: NDArray[np.str_]


def novelty(
    counts_before: ArrayLike,
    counts_after: ArrayLike,
    exposure_before: ArrayLike,
    exposure_after: ArrayLike,
    *,
    alpha: float = 0.01,
    min_ratio: float = 2.0,
) -> Novelty:
    """Say of each template how its rate changed; exposures are seconds or lines observed.

    `alpha` bounds the false discovery rate over all templates. Logs come in bursts, which a Poisson
    test takes for news, so a rate must also change by the factor `min_ratio`.
    """
    before, after = np.broadcast_arrays(np.asarray(counts_before), np.asarray(counts_after))
    rates = poisson_rates(before, exposure_before, after, exposure_after)
    adjusted = benjamini_hochberg(rates.p_value)
    changed = (adjusted <= alpha) & (np.abs(np.log(rates.ratio)) >= np.log(min_ratio))
    kind = np.select(
        [~changed, before == 0, after == 0, rates.ratio > 1.0],
        ["same", "new", "gone", "more"],
        default="less",
    )
    return Novelty(rates.p_value, rates.ratio, kind)
