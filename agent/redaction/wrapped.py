"""Wrapped secrets: what a text says once percent signs, backslashes, base64 or hex are undone."""

from __future__ import annotations

import re
from binascii import Error, a2b_base64
from bisect import bisect_right
from collections.abc import Iterator
from typing import Final, NamedTuple

from agent.redaction.spans import Span

_ESCAPE: Final = re.compile(
    r"%25(?=[0-7][0-9A-Fa-f])|%(?:[2-7][0-9A-Fa-f]|0[9aAdD])"
    r"|\\{1,4}(?:u00[2-7][0-9A-Fa-f]|x[2-7][0-9A-Fa-f]|[/nrt])"
    r"|[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]"  # nobody sees them, so they may part a secret
)
_WORD: Final = re.compile(r"""[^\s"'<>,;|`(){}\[\]]++""")
_LINES: Final = re.compile(
    r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{32,}+"
    r"(?:(?:\\n|\r?\n)[\ \t]{0,64}[A-Za-z0-9+/_-]{4,}+)+={0,2}"
)
_BREAKS: Final = re.compile(r"\\n|\s+")
_HEX: Final = re.compile(r"(?<![A-Za-z0-9])(?:[0-9a-fA-F]{2}){16,}+(?![A-Za-z0-9])")
_MOST: Final = 1_000_000
"""Characters of one word that are undone; what is longer is binary, and random all the same."""


class View(NamedTuple):
    """A text with something undone, and where in the original each stretch of it began."""

    text: str
    starts: list[int]
    origins: list[int]

    def back(self, span: Span) -> Span:
        """The span of the original that a span of the view came from."""
        return span._replace(start=self._at(span.start), end=self._at(span.end - 1, end=True))

    def _at(self, position: int, *, end: bool = False) -> int:
        nth = bisect_right(self.starts, position) - 1
        if end and position + 1 < len(self.text):  # an escape goes whole
            following = bisect_right(self.starts, position + 1) - 1
            if following != nth:
                return self.origins[following]
        return self.origins[nth] + position - self.starts[nth] + end


def unescaped(text: str) -> View | None:
    """The words of a text that hold escapes, these undone; None if there is none."""
    if "%" not in text and "\\" not in text and text.isascii():
        return None
    parts: list[str] = []
    starts: list[int] = []
    origins: list[int] = []
    size = 0

    def add(part: str, origin: int) -> None:
        nonlocal size
        parts.append(part)
        starts.append(size)
        origins.append(origin)
        size += len(part)

    for word in _WORD.finditer(text):
        if "%" not in word[0] and "\\" not in word[0] and word[0].isascii():
            continue
        at = word.start()
        for escape in _ESCAPE.finditer(text, *word.span()):
            add(text[at : escape.start()], at)
            add(_undone(escape[0]), escape.start())
            at = escape.end()
        if at > word.start():
            add(text[at : word.end()], at)
            add("\n", word.end())
    return View("".join(parts), starts, origins) if parts else None


def _undone(escape: str) -> str:
    if not escape.isascii():
        return ""
    last = escape[-1]
    if escape[0] == "\\" and last in "/nrt" and escape[-3:-2] not in {"x", "0"}:
        return "/" if last == "/" else "\n"
    return chr(int(escape[-2:], 16))


def in_base64(word: str) -> str | None:
    """The text that a word of base64 says, None if it says none: bytes that nobody can read."""
    plain = word.rstrip("=").replace("-", "+").replace("_", "/")[:_MOST]
    try:
        said = a2b_base64(plain[: len(plain) - (len(plain) % 4 == 1)] + "==", strict_mode=False)
    except Error:
        return None
    return _readable(said)


def in_hex(text: str) -> Iterator[tuple[int, int, str]]:
    """The texts that long words of hexadecimal digits say, and where they stand."""
    for word in _HEX.finditer(text):
        said = _readable(bytes.fromhex(word[0][:_MOST]))
        if said is not None:
            yield *word.span(), said


def in_lines(text: str) -> Iterator[tuple[int, int, str]]:
    """Base64 that is wrapped over several lines, as one word."""
    if "\n" in text or "\\n" in text:
        for block in _LINES.finditer(text):
            yield *block.span(), _BREAKS.sub("", block[0])


def _readable(said: bytes) -> str | None:
    text = said.decode("ascii", "ignore")
    if (
        len(text) < len(said)
        or not text.replace("\n", "").replace("\t", "").replace("\r", "").isprintable()
    ):
        return None
    return text
