"""Redaction: what looks like a secret does not leave; every door's text goes through `redact`.

A secret leaves what names it and loses what it hides: `password=[redacted:password]`. An identifier
of a person has a pseudonym: `[email:3fa9c1]`. Bare ids, digests, times, addresses of machines and
numbers are neither. docs/redaction.md says what is known, and how well.

A text that cannot be read for secrets, or not in time, is not sent: `[redacted:failed]`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from agent.redaction import wrapped
from agent.redaction.formats import tokens
from agent.redaction.named import is_secret, says_which, settings, singular
from agent.redaction.people import MARK, Pseudonyms, identified, identifiers, pseudonym
from agent.redaction.registered import of_environment, of_file, pattern, registered
from agent.redaction.spans import Span, gaps, lowered, merged
from agent.redaction.unseen import SHORTEST, is_named_id, odd, words

__all__ = [
    "MARK",
    "Pseudonyms",
    "failures",
    "identified",
    "keep_out",
    "redact",
    "redacted",
    "register",
]

FAILED: Final = "[redacted:failed]"
PATIENCE_S: Final = 20.0
"""Seconds of this thread's own work after which a text is given up; 10 MB take about one."""

_DEEPEST: Final = 3
"""How often a secret may be wrapped: base64 in percent signs in base64."""

_BYTES: Final = (bytes, bytearray, memoryview)
_LISTS: Final = (list, tuple, set, frozenset)
_ENDS: Final = re.compile(r"""["'\\\r\n]""")
"""What would end a quoted value, were it not a value of its own."""

_WORDS: Final = 14
_LONGEST: Final = 200
"""How many arguments, and characters of one, are read for what the next of them is."""


class _Known:
    """What the whole process knows: its registered values, and how many texts could not be read."""

    values: re.Pattern[str] | None = None
    failed: int = 0


class _TooLongError(Exception):
    """A text took longer than `PATIENCE_S`."""


def keep_out(values: Iterable[str]) -> None:
    """Make `values`, and no others, the registered secrets of this process."""
    _Known.values = pattern(values)


def register(environ: Mapping[str, str], file: Path | None = None) -> list[str]:
    """Register the secrets of an environment and of a file; once, at the door.

    Gives a sentence for each secret of the environment that is too short to be told from a word;
    SettingError if the file is of no use.
    """
    values, short = of_environment(environ)
    keep_out([*values.values(), *(of_file(file).values() if file else ())])
    return short


def failures() -> int:
    """How many texts of this process were replaced whole because they could not be read."""
    return _Known.failed


def redact(text: str) -> str:
    """Put `[redacted:kind]` in the place of every secret in `text`, pseudonyms in that of people.

    Never raises for a text, and never gives one back that was not read to its end.
    """
    if not isinstance(text, str):
        raise TypeError(f"a {type(text).__name__} cannot be redacted, expected a text")
    return _replaced_in(text, lambda: _found(text, _until()))


def redacted(value: Any) -> Any:
    """Redact every text in a JSON-like value, of any depth, by what it says and is called.

    What is called a secret is one in all that is below it, numbers too; bytes cannot be read.
    """
    return _within(value, "", "")


def _within(value: Any, name: str, before: str) -> Any:
    """Redact what is beneath the name of a secret, if `name` is one; `before` stands before it."""
    if isinstance(value, str):
        return _redacted(value, before)
    if isinstance(value, _BYTES):
        _Known.failed += 1
        return FAILED
    if isinstance(value, Mapping):
        return {_key(key): _within(*item) for key, item in _named(value, name)}
    if isinstance(value, _LISTS):
        return [_within(*item) for item in _listed(value, name)]
    if name and isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        shown = _redacted(str(value), before)
        return value if shown == str(value) else shown
    return value


def _key(key: Any) -> Any:
    return _within(key, "", "") if isinstance(key, (str, *_BYTES)) else key


def _named(value: Mapping[Any, Any], name: str) -> Iterator[tuple[Any, tuple[Any, str, str]]]:
    """The keys of an object, and what each value is called: as its key, or as all above it."""
    pairs = _pairs(value)
    for key, item in value.items():
        own = pairs.get(key, key) if isinstance(key, str) else ""
        own = singular(own) if isinstance(item, _LISTS) else own
        if name and not is_secret(own) and not says_which(own):
            own = name
        yield key, (item, own if is_secret(own) else "", f'{own}="' if own else "")


def _pairs(value: Mapping[Any, Any]) -> dict[str, str]:
    """What the values of {name: DB_PASSWORD, value: ...} and {ParameterKey:, ...} are called."""
    texts = {key.lower(): (key, item) for key, item in value.items() if isinstance(key, str)}
    return {
        key: texts[of][1]
        for low, (key, _) in texts.items()
        for of in (low[:-5] + "name", low[:-5] + "key")
        if low.endswith("value") and of in texts and isinstance(texts[of][1], str)
    }


def _listed(value: Iterable[Any], name: str) -> Iterator[tuple[Any, str, str]]:
    """The items of a list; in one of arguments an option says what the next is."""
    words: list[str] = []
    for item in value:
        before = f'{name}="' if name else ""
        if not name and any(word.startswith("-") for word in words):
            before = '"' + '", "'.join(words) + '", "'
        yield item, name, before
        words = [*words[1 - _WORDS :], str(item)[:_LONGEST]]


def _redacted(text: str, before: str = "") -> str:
    """The text, read as what stands behind `before`."""
    if len(before) + len(text) <= _LONGEST:
        return _replaced_in(text, lambda: _remembered(before, text, _Known.values))
    return _replaced_in(text, lambda: _behind(before, text, _until()))


def _until() -> float:
    return time.thread_time() + PATIENCE_S


def _replaced_in(text: str, found: Callable[[], list[Span]]) -> str:
    try:
        spans = found()
        return _replaced(text, spans) if spans else text
    except Exception:  # noqa: BLE001 - whatever went wrong, nothing unread is sent
        _Known.failed += 1
        return FAILED


@lru_cache(maxsize=65536)
def _remembered(before: str, text: str, _: re.Pattern[str] | None) -> list[Span]:
    """What is to go under the values registered now; objects say the same again and again."""
    return _behind(before, text, _until())


def _behind(before: str, text: str, until: float) -> list[Span]:
    """What is to go of a text; what names it means all of it, whatever quotes are in it."""
    if not before:
        return _found(text, until)
    plain = f'{before}{_ENDS.sub("_", text)}"'
    start, end = len(before), len(before) + len(text)
    whole = (span for span in settings(plain, lowered(plain)) if span.end >= end)
    spans = [*_found(f'{before}{text}"', until), *whole]
    inside = (s._replace(start=max(s.start, start), end=min(s.end, end)) for s in spans)
    return merged(
        s._replace(start=s.start - start, end=s.end - start) for s in inside if s.start < s.end
    )


def _replaced(text: str, spans: list[Span]) -> str:
    parts: list[str] = []
    at = 0
    for span in spans:
        hidden = text[span.start : span.end]
        mark = pseudonym(span.kind, hidden) if span.keeps else f"[redacted:{span.kind}]"
        parts += text[at : span.start], mark
        at = span.end
    return "".join(parts) + text[at:]


def _found(text: str, until: float, depth: int = 0) -> list[Span]:
    """Find everything that is to go, in order."""
    low = lowered(text)
    finders = (
        registered(text, _Known.values),
        tokens(text),
        settings(text, low),
        identifiers(text, low),
    )
    spans = merged(span for finder in finders for span in _in_time(finder, until))
    if depth < _DEEPEST and (view := wrapped.unescaped(text)):
        inner = (view.back(span) for span in _found(view.text, until, depth + 1))
        spans = merged([*spans, *inner])
    left = (
        found._replace(start=start + found.start, end=start + found.end)
        for start, end in gaps(spans, len(text))
        if end - start >= SHORTEST
        for found in _left(text[start:end], until, depth)
    )
    return merged([*spans, *_in_time(left, until)])


def _left(text: str, until: float, depth: int) -> Iterator[Span]:
    """What is wrapped or random in a stretch of text in which nothing else was found."""
    for start, end, plain in wrapped.in_hex(text):
        if kind := _kind(plain, until, depth):
            yield Span(start, end, kind)
    for start, end, block in wrapped.in_lines(text):
        said = wrapped.in_base64(block)
        if said is not None and (kind := _kind(said, until, depth)):
            yield Span(start, end, kind)
    since = 0
    for word in words(text):
        found = odd(word)
        if found is None:
            continue
        said = wrapped.in_base64(text[found.start : word.end()])
        if said is None and not is_named_id(text, word.start(), since):
            yield found
            since = found.end
        elif said is not None and (kind := _kind(said, until, depth)):
            yield Span(found.start, word.end(), kind)
            since = word.end()


def _kind(text: str, until: float, depth: int) -> str:
    """What kind the first thing is that is to go of what was wrapped, empty if nothing is."""
    found = _found(text, until, depth + 1) if depth < _DEEPEST else []
    return found[0].kind if found else ""


def _in_time(spans: Iterable[Span], until: float) -> Iterator[Span]:
    for span in spans:
        yield span
        if time.thread_time() > until:
            raise _TooLongError
    if time.thread_time() > until:
        raise _TooLongError
