r"""Records of one or more lines: `raw` is (position, line, path, ingested_at), as of `lines`.

A record begins with a line that looks like a beginning, which is one with a time where the file's
lines have theirs: at the front if any has, else within the first hundred characters. What follows
belongs to it: a stack trace of any language, a statement, a table. Before the first such line every
line is a record, but for indented ones and those of a stack trace. `position` is the first line's,
`line` holds them all with `\n` between.

In a plain text no time counts: every line is a record but those that go on with one; its `raw` has
`captured_at` too, as of `text`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ingest.read import lines, stream, text
from ingest.read.stream import RAW_CHARACTERS, Broken, Chunk, Stream, arrivals

Mask: TypeAlias = npt.NDArray[np.bool_]

SCHEMA = lines.SCHEMA
PLAIN = SCHEMA.append(text.CAPTURED_AT)

_TIMES = "|".join(
    [
        r"\d{4}[-/.]\d\d?[-/.]\d\d?[T _:-]\d\d?:\d\d",  # 2025-01-15T10:00
        r"\d{8}[T -]\d\d:?\d\d",  # 20250115 10:00
        r"\d\d?[-/. ](?:\d\d|[A-Z][a-z]{2})[-/. ]\d{4}[T :]\d\d:\d\d",  # 15/Jan/2025:10:00
        r"(?:[A-Z][a-z]{2},? )?[A-Z][a-z]{2} [ \d]?\d,? (?:\d{4},? )?\d\d?:\d\d:\d\d",  # Jan 15
        r"[A-Z][a-z]{2}, \d\d? [A-Z][a-z]{2} \d{4} \d\d:\d\d",  # Wed, 15 Jan 2025 10:00
    ]
)
_SHORT = "|".join(
    [
        r"[IWEF]\d{4} \d\d:\d\d:\d\d\.\d",  # klog's I0115 10:00:00.1
        r"1\d{9}(?:\d{3}|\d{6}|\d{9})?(?:[.,]\d+)?[\s\]:|,]",  # an epoch number
        r"\d\d:\d\d:\d\d[.,]\d",
        r'\{"',
    ]
)
_LEAD = r"^(?:<\d{1,3}>(?:\d )?)?(?:[A-Za-z]{1,9}[\]:,]?\s+)?[\[(\"']?"
_FRONT = f"{_LEAD}(?:{_TIMES}|{_SHORT})"
_WITHIN = rf"^\S.{{0,100}}?\b(?:{_TIMES})"
_CONTINUED = (
    r"^(?:\s|\\t|at |Caused by: |Suppressed: |\.\.\. \d+ |[})\]]+[,;]?$|--- End of |---> |=> "
    r"|Traceback \(most recent call last\)|During handling of the above|The above exception was"
    r"|[\w.$]+(?:Error|Exception|Throwable|Warning|Interrupt|Exit)(?:: |$)"
    r"|goroutine \d+ |created by |exit status \d|\[signal |[\w./()*-]+\(.*\)$"
    r"|stack backtrace:|note: |thread '|from |File \"|\^+$)"
)


def read(path: Path, now: datetime) -> Iterator[Chunk]:
    """Read a file's records; one longer than CHUNK_BYTES is broken, as a line would be."""
    received, seen = arrivals(path, now), 0
    with Stream(path) as content:
        for records, broken in _records(content, is_plain=False):
            at = received(range(seen, seen + len(records)))
            records = records.append_column("path", pa.repeat(str(path), len(records)))
            yield Chunk(records.append_column("ingested_at", at), broken, content.consumed)
            seen += len(records)


def read_plain(path: Path, now: datetime) -> Iterator[Chunk]:
    """Read a plain text's records."""
    received, captured_at = arrivals(path, now), text.captured(path, now)
    with Stream(path) as content:
        for records, broken in _records(content, is_plain=True):
            rows, count = records, len(records)
            columns = {
                "path": pa.repeat(str(path), count),
                "ingested_at": pa.repeat(received(range(1))[0], count),
                "captured_at": pa.repeat(pa.scalar(captured_at, text.CAPTURED_AT.type), count),
            }
            for name, column in columns.items():
                rows = rows.append_column(name, column)
            yield Chunk(rows, broken, content.consumed)


def matching(found: pa.Table, pattern: str) -> Mask:
    """Which lines match a pattern."""
    mask: Any = pc.match_substring_regex(found["line"], pattern).to_numpy()
    return np.asarray(mask, bool)


def joined(found: pa.Table, begins: Mask) -> pa.Table:
    """Join to each line that begins a record, as the first always does, those up to the next."""
    if not len(found):
        return found
    begins[0] = True
    at = np.flatnonzero(begins)
    offsets: Any = pa.array(np.append(at, len(found)), pa.int32())  # the stubs want 64 bits
    of_record = pa.ListArray.from_arrays(offsets, found["line"].combine_chunks())
    texts: Any = pc.utf8_rtrim(pc.binary_join(of_record, "\n"), "\n")
    return pa.table([found["position"].take(at), texts], ["position", "line"])


def _records(content: Stream, *, is_plain: bool) -> Iterator[tuple[pa.Table, tuple[Broken, ...]]]:
    """Yield records; the last of a block waits for what may follow it in the next."""
    held, pattern, is_timed = SCHEMA.empty_table().select([0, 1]), "", False
    for block in content.lines():
        found, broken = lines.every(block.text.removesuffix(b"\n"), block.first)
        pattern = "" if is_plain else pattern or _manner(found)
        begins = _begins(found, pattern, is_timed=is_timed)
        is_timed = not is_plain and (is_timed or bool(matching(found, pattern).any()))
        begins = np.append(np.zeros(len(held), bool), begins)
        found = pa.concat_tables([held, found])
        last = int(np.flatnonzero(begins)[-1]) if begins.any() else 0
        whole, held = joined(found[:last], begins[:last]), found[last:]
        if held.nbytes > stream.CHUNK_BYTES:
            broken, held = (*broken, _too_long(held)), held[:0]
        yield _without_blank(whole), block.broken + broken
    yield _without_blank(joined(held, np.zeros(len(held), bool))), ()


def _manner(found: pa.Table) -> str:
    """The pattern of a beginning in a file whose first lines these are."""
    return _FRONT if matching(found, _FRONT).any() else _WITHIN


def _begins(found: pa.Table, pattern: str, *, is_timed: bool) -> Mask:
    """Which lines begin a record, in a file that has begun one with a time already or not."""
    begins = matching(found, pattern) if pattern else np.zeros(len(found), bool)
    if not is_timed:
        first = int(begins.argmax()) if begins.any() else len(found)
        begins[:first] = ~matching(found[:first], rf"{_CONTINUED}|^\s*$")
    return begins


def _too_long(held: pa.Table) -> Broken:
    begin: list[Any] = held["line"][:100].to_pylist()
    shown = "\n".join(begin)[:RAW_CHARACTERS]
    reason = f"the record is longer than {stream.CHUNK_BYTES:,} bytes"
    return Broken(held["position"][0].as_py(), reason, shown)


def _without_blank(records: pa.Table) -> pa.Table:
    return records.filter(pc.match_substring_regex(records["line"], r"\S"))
