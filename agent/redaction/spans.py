"""Spans: where in a text something is to go, and how those of several finders become one list."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

MARKED: Final = r"\[(?:redacted|email|phone|card|national_id|person):"
"""How a mark begins; no finder may look into one, so that redacting twice changes nothing."""


class Span(NamedTuple):
    """What is to go: `text[start:end]`; of several that begin together the lower `rank` names it.

    `keeps` says that it is an identifier, which has a pseudonym, and not a secret, which has none.
    """

    start: int
    end: int
    kind: str
    rank: int = 0
    keeps: bool = False


def merged(spans: Iterable[Span]) -> list[Span]:
    """Spans in order, those that overlap as one; a secret in an identifier makes all of it one."""
    whole: list[Span] = []
    for span in sorted(spans, key=lambda one: (one.start, one.rank, -one.end)):
        if whole and span.start < whole[-1].end:
            last = whole[-1]
            named = span if last.keeps and not span.keeps else last
            whole[-1] = named._replace(start=last.start, end=max(last.end, span.end))
        else:
            whole.append(span)
    return whole


def gaps(spans: Iterable[Span], size: int) -> Iterator[tuple[int, int]]:
    """What lies between merged spans."""
    at = 0
    for span in spans:
        if at < span.start:
            yield at, span.start
        at = span.end
    if at < size:
        yield at, size


def at_each(
    text: str, lowered: str, anchor: str, pattern: re.Pattern[str]
) -> Iterator[re.Match[str]]:
    """Match `pattern` wherever `anchor` stands; what was matched once is not looked into again."""
    at = lowered.find(anchor)
    while at >= 0:
        found = pattern.match(text, at)
        if found:
            yield found
        at = lowered.find(anchor, max(found.end() if found else 0, at + len(anchor)))


def lowered(text: str) -> str:
    """The text in lower case, each letter where it was: one of Unicode's grows in lower case."""
    low = text.lower()
    return low if len(low) == len(text) else text.replace("İ", "i").lower()


def trie(words: Iterable[str]) -> str:
    """A pattern of words in which no beginning is tried twice; of two the longer is found."""
    tails: dict[str, list[str]] = {}
    ends = False
    for word in words:
        if word:
            tails.setdefault(word[0], []).append(word[1:])
        else:
            ends = True
    branches = [re.escape(first) + _tail(rest) for first, rest in tails.items()]
    whole = branches[0] if len(branches) == 1 and not ends else f"(?:{'|'.join(branches)})"
    return f"{whole}?" if ends else whole


def _tail(rest: list[str]) -> str:
    """What follows a letter; a word that shares it with no other is written out."""
    return re.escape(rest[0]) if len(rest) == 1 else trie(rest)
