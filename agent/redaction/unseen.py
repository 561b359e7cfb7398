"""Secrets of no known format: words that nobody would say, by the pairs of letters in them.

In a name people give, most neighbouring letters are pairs that English has often, and digits stand
together. In random letters one pair in five is: the share tells both apart, at 20 letters already.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Final

from agent.redaction.spans import Span

_COMMON: Final = [
    "ab",
    "ac",
    "ad",
    "ag",
    "ai",
    "al",
    "am",
    "an",
    "ar",
    "as",
    "at",
    "ba",
    "be",
    "ca",
    "cc",
    "ce",
    "ch",
    "ck",
    "co",
    "ct",
    "da",
    "de",
    "di",
    "do",
    "ds",
    "ea",
    "ec",
    "ed",
    "ee",
    "ef",
    "el",
    "em",
    "en",
    "ep",
    "er",
    "es",
    "et",
    "ev",
    "ex",
    "fa",
    "fe",
    "fi",
    "ge",
    "ha",
    "he",
    "ho",
    "ic",
    "id",
    "ie",
    "ig",
    "il",
    "im",
    "in",
    "io",
    "is",
    "it",
    "iv",
    "la",
    "le",
    "li",
    "ll",
    "lo",
    "ma",
    "me",
    "na",
    "nc",
    "nd",
    "ne",
    "ng",
    "ni",
    "no",
    "ns",
    "nt",
    "oc",
    "od",
    "ol",
    "om",
    "on",
    "op",
    "or",
    "ot",
    "ou",
    "pa",
    "pe",
    "pl",
    "po",
    "pr",
    "qu",
    "ra",
    "re",
    "ri",
    "ro",
    "rs",
    "rt",
    "rv",
    "sa",
    "se",
    "sh",
    "si",
    "so",
    "ss",
    "st",
    "su",
    "ta",
    "te",
    "th",
    "ti",
    "to",
    "tr",
    "ts",
    "tt",
    "ty",
    "ue",
    "ul",
    "un",
    "ur",
    "us",
    "ut",
    "ve",
    "vi",
]
_USUAL: Final = frozenset(
    [
        *(spelled for pair in _COMMON for spelled in (pair, pair.upper(), pair.capitalize())),
        *(f"{number:02}" for number in range(100)),
    ]
)
_ODD: Final = 0.4
"""The share of usual pairs below which letters are random; names people give have 0.6 or more."""

_SHORT: Final = 3
"""Letters in which no share can be told."""

_LEAST: Final = 17
"""Odd letters in a row that are a secret; a pod's name ends in 16 at most."""

_MOST_OF_IT: Final = 0.7
"""The share of odd letters at which all of a word is one secret."""

SHORTEST: Final = 20
"""Letters below which a word that stands alone is never taken for a secret."""

_LETTERS: Final = re.compile(r"[A-Za-z0-9]+")
_HEX: Final = re.compile(r"[0-9a-f]{6,}|[0-9A-F]{6,}|[0-9]+")
_WORD: Final = re.compile(
    r"(?<![A-Za-z0-9+/_-])(?![0-9a-f]{20,}+(?![A-Za-z0-9+/_=<-]))"
    r"(?=[A-Za-z0-9+/_<>-]{20})(?:[A-Za-z0-9+/_-]++|<(?:num|hex|uuid|ip|\*)>)++={0,2}"
)  # a template's masks are in a word
_NAMES_AN_ID: Final = re.compile(
    r"""(?ix)(?:sha-?(?:1|2|224|256|384|512)?|md5|digest|e-?tag|hash|checksum|fingerprint|integrity
      | (?:^|[\W_])(?:trace|span|commit|revision|rev|build|version|cursor|node|cluster|offset|nonce)
      | ids?|uu?ids?|guids? | ssh-(?:rsa|dss|ed25519)|ecdsa-[\w-]{1,20}
      )[\\"']{0,3}\s{0,4}(?:=>|[:=/@\ ]|-(?=\S))?\s{0,4}[\\"'\[]{0,3}\Z"""
)
_CONTEXT: Final = 48
_PUBLIC: Final = re.compile(
    r"-----BEGIN (?![A-Z0-9 ]{0,40}PRIVATE)[A-Z0-9 ]{1,40}-----[^-]*+-----END"
)


def words(text: str) -> Iterator[re.Match[str]]:
    """Long words that are neither digests nor in what is published, as certificates are."""
    public = _PUBLIC.finditer(text) if "-----BEGIN " in text else iter(())
    known = next(public, None)
    for word in _WORD.finditer(text):
        while known and known.end() <= word.start():
            known = next(public, None)
        if len(word[0]) >= SHORTEST and (known is None or word.start() < known.start()):
            yield word


def is_named_id(text: str, at: int, since: int = 0) -> bool:
    """Whether what stands between `since` and `at` calls it an id, a digest or a public key."""
    return bool(_NAMES_AN_ID.search(text[max(since, at - _CONTEXT) : at]))


def odd(word: re.Match[str]) -> Span | None:
    """The random part of a word, with what is too short to tell beside it, if there is one."""
    found = _odd_part(word[0])
    return found and Span(word.start() + found[0], word.start() + found[1], "random", 9)


@lru_cache(maxsize=4096)
def _odd_part(word: str) -> tuple[int, int] | None:
    """From the first odd letters of a word on, if there are enough of them together or in all.

    What is too short to tell goes with them, and what comes after them: it may be theirs.
    """
    begins = first = last = -1
    odd = 0
    found = None
    for part in _LETTERS.finditer(word):
        size = part.end() - part.start()
        if size > _SHORT and (_HEX.fullmatch(part[0]) or _usual(part[0]) >= _ODD):
            begins = first = -1
            continue
        begins = part.start() if begins < 0 else begins
        if size > _SHORT:
            odd += size
            first, last = (part.start() if first < 0 else first), part.end()
            if found is None and last - first >= _LEAST and is_mixed(word[first:last]):
                found = begins
    if odd >= _LEAST and odd >= _MOST_OF_IT * len(word) and is_mixed(word):
        found = 0
    return None if found is None else (found, len(word))


def is_mixed(part: str) -> bool:
    """Whether there are digits among letters, or letters of both cases."""
    return (not part.isalpha() and not part.isdigit()) or not (part.islower() or part.isupper())


def is_odd(word: str) -> bool:
    """Whether letters of a word, of any length, are more likely drawn than thought of."""
    parts = (part[0] for part in _LETTERS.finditer(word))
    return any(len(part) > _SHORT and is_mixed(part) and _usual(part) < _ODD for part in parts)


def _usual(part: str) -> float:
    """The share of neighbouring letters that are a usual pair; where a hump begins is no pair."""
    pairs = [a + b for a, b in pairwise(part) if not (a.islower() and b.isupper())]
    return sum(map(_USUAL.__contains__, pairs)) / max(len(pairs), 1)
