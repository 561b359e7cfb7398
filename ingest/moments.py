"""The times that a file tells: what has none of its own is put beside them.

Only the beginning and the end of a file are looked at, and only what stands where a time is told:
in the beginning of a line, or behind a name such as `startedAt`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import NamedTuple

from ingest.read.stream import Stream

_BYTES = 1 << 18
_ISO = rb"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(?:[.,](\d+))?[ ]?(Z|[+-]\d\d:?\d\d)?"
_MAIL = rb"((?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4})"
_EPOCH = rb"(1\d{9})(?:\.\d+|\d{3})?\b"
_NAMED = (
    rb"(?:[tT]ime(?:[sS]tamp)?|[sS]tarted|[fF]inished|[cC]reated|[uU]pdated|\b[dD]ate|[a-z](?:_at|At)"
    rb"|_date|\bts|@t|\bTime)[\"']?[ ]*[:=][ ]*[\"']?"
)
_TOLD = re.compile(
    rb"^[^\n]{0,40}?"
    + _ISO
    + rb"|"
    + _NAMED
    + rb"(?:"
    + _ISO
    + rb"|"
    + _MAIL
    + rb"|"
    + _EPOCH
    + rb")",
    re.MULTILINE,
)
_LATER = re.compile(rb"(?i)expir|not_?after|until|valid|renew|next|deadline")
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)


class Moments(NamedTuple):
    """The first time that a file tells, and the newest."""

    first: datetime | None
    newest: datetime | None


def told(file: Path, now: datetime) -> Moments:
    """The first and the newest time in a file that are not ahead of now by more than a day."""
    first = newest = None
    for text in _ends(file):
        for found in _TOLD.finditer(text):
            at = None if _LATER.search(found[0]) else _moment(found)
            if at is not None and _EARLIEST < at < now + timedelta(days=1):
                first = first or at
                newest = max(newest or at, at)
    return Moments(first, newest)


def _ends(file: Path) -> Iterator[bytes]:
    with Stream(file) as stream:
        is_compressed = stream.is_compressed
        text = b""
        for block in stream.blocks():
            text += block
            if len(text) >= (4 * _BYTES if is_compressed else _BYTES):
                break
    yield text
    if not is_compressed and file.stat().st_size > len(text):
        with file.open("rb") as content:
            content.seek(max(len(text), file.stat().st_size - _BYTES))
            yield content.read()


def _moment(found: re.Match[bytes]) -> datetime | None:
    """The time of a match; without a zone it is UTC."""
    said = [one.decode() if one else "" for one in found.groups()]
    day, fraction, zone = said[:3] if said[0] else said[3:6]
    mail, epoch = said[6:]
    try:
        if mail:
            return parsedate_to_datetime(mail)
        if epoch:
            return datetime.fromtimestamp(int(epoch), UTC)
        at = datetime.fromisoformat(f"{day}.{fraction[:6]:0<6}{zone or 'Z'}")
    except (ValueError, OverflowError):
        return None
    return at.astimezone(UTC)
