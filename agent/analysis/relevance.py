"""What a change is about beside what broke: the rare words that both have.

A change speaks through its service, its message, the paths of its files and what it puts in and
takes out; the trouble through its resources, its alarm and the words of its errors. Words are those
of identifiers too: `registerPredefinedAgents` is three. A word that many changes have, or that the
logs have anyway, says little (inverse document frequency, Sparck Jones 1972), and so does its tenth
occurrence (Okapi BM25, Robertson and Walker 1994). What is written often while all is well says
nothing of trouble. How much of it is chance the other changes tell.

A difference speaks twice: all of it of the place that was changed, and what it puts in or takes out
of what was done there.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SATURATES, LENGTH = 1.2, 0.5  # BM25's k1; its b, lower: a long change is about more
_RUN = re.compile(r"[A-Za-z]+")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_ENDINGS = (
    "ization",
    "ations",
    "ation",
    "ions",
    "ings",
    "ion",
    "ing",
    "ers",
    "ed",
    "er",
    "es",
    "s",
)
_LEAST = 3  # letters of a stem that says something
_NAME = re.compile(r"[A-Za-z_]\w*")
_ANYWHERE = (  # words of grammar, of programs, of services, and of trouble whatever it is
    "all and any are but can for from had has have into its may nor not now off onto out over per "
    "than that the then this too was were when with "
    "class const def else false func function import int let nil none null package private public "
    "return returned returning returns self static str string struct true try type var void "
    "client get handler http https log request requests response server service set "
    "err error errors exception fail failed failing failure throw warn warning"
)
_PLACE = ("@@", "--- ", "+++ ", "diff ")  # https://www.gnu.org/software/diffutils/manual Unified
_MARKS = (" ", "+", "-", "@", "\\")
_REMARKS = ("//", "/*", "* ", "# ", "-- ")


def words(text: str) -> list[str]:
    """The stems of the words of a text, those in identifiers too, in small letters."""
    return [
        stem
        for run in _RUN.findall(text)
        for part in _PART.findall(run)
        if len(stem := _stem(part.lower())) >= _LEAST
    ]


def done(*texts: str) -> str:
    """The names that the unified differences in some texts put in or take out.

    A name on both sides was there before and is there still; a line of remark does nothing. A
    difference ends with its text, or at a line that has none of its marks; an empty one may be
    context.
    """
    sides: dict[str, set[str]] = {"-": set(), "+": set()}
    for text in texts:
        differs = False
        for line in text.splitlines():
            if line.startswith(_PLACE):
                differs = True
            elif line and not line.startswith(_MARKS):
                differs = False
            elif differs and line[:1] in sides and not line[1:].lstrip().startswith(_REMARKS):
                sides[line[0]].update(_NAME.findall(line[1:]))
    return " ".join(sorted(sides["-"] ^ sides["+"]))


def telling(trouble: Iterable[str], known: Iterable[str] = ()) -> set[str]:
    """The words of what broke but for those that are `known`, and those of any text and program."""
    return {word for text in trouble for word in words(text)}.difference(
        words(_ANYWHERE), *map(words, known)
    )


def relevance(
    changes: Sequence[str],
    trouble: Iterable[str],
    usual: Iterable[str] = (),
    known: Iterable[str] = (),
) -> Floats:
    """How much each change is about what broke; 0 for nothing in common.

    `trouble` are the texts of what broke, each a document, `usual` those of what is seen without
    trouble, `known` those whose words say nothing. A word counts by how few of the other changes
    and of the usual texts have it.
    """
    bags = _bags(tuple(changes))
    if not bags:
        return np.zeros(0)
    wanted = telling(trouble, known)
    corpus = [bag.keys() for bag in bags] + [dict.fromkeys(words(text)).keys() for text in usual]
    within = Counter(word for held in corpus for word in wanted & held)
    rare = {w: math.log1p((len(corpus) - n + 0.5) / (n + 0.5)) for w, n in within.items()}
    mean = max(1.0, math.fsum(bag.total() for bag in bags) / len(bags))
    return np.array([_shared(bag, rare, mean) for bag in bags])


def common(
    change: str,
    trouble: Iterable[str],
    usual: Iterable[str],
    most: int,
    known: Iterable[str] = (),
) -> list[str]:
    """The words that a change has in common with what broke, those that are not usual first."""
    wanted = telling(trouble, known)
    often = Counter(word for text in usual for word in set(words(text)))
    bag = Counter(words(change))
    return sorted(wanted & bag.keys(), key=lambda word: (often[word], -bag[word], word))[:most]


def surprises(scores: Floats) -> Floats:
    """How surely each score is above what others of the same kind have, in nats, at least 0.

    -ln of the share of changes that score as much, itself among them.
    """
    if not scores.size:
        return scores
    as_much = (scores[None, :] >= scores[:, None]).sum(axis=1)
    return np.where(scores > 0, np.log(scores.size / as_much), 0.0)


@lru_cache(maxsize=4)
def _bags(texts: tuple[str, ...]) -> tuple[Counter[str], ...]:
    """How often each word is in each text, counted once while many changes are tried by them."""
    return tuple(Counter(words(text)) for text in texts)


def _shared(bag: Counter[str], rare: dict[str, float], mean: float) -> float:
    norm = SATURATES * (1.0 - LENGTH + LENGTH * bag.total() / mean)
    return math.fsum(
        weight * bag[word] * (SATURATES + 1.0) / (bag[word] + norm)
        for word, weight in rare.items()
        if bag[word]
    )


def _stem(word: str) -> str:
    """A word without its ending, where enough of it is left; no linguist's, but always the same."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _LEAST + 1:
            return word[: -len(ending)]
    return word
