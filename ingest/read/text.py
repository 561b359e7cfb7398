r"""Whole texts: `raw` is (position, text, shown, path, captured_at, ingested_at), one row a file.

`shown` is what of the text may be quoted: its beginning, unless describe printed in it what a
Secret or ConfigMap holds. `captured_at` is when the text was taken: by the file's sidecar, else
when the file was last written. A byte that is neither UTF-8 nor UTF-16 is written as `\xff`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from ingest.read import lines
from ingest.read.stream import RAW_CHARACTERS, Broken, Chunk, Stream, arrivals, sidecars

WITHHELD = "(withheld: it may hold the values of a Secret or ConfigMap)"
CAPTURED_AT = pa.field("captured_at", pa.timestamp("us", tz="UTC"))
SCHEMA = (
    lines.SCHEMA.set(1, pa.field("text", pa.string()))
    .insert(2, pa.field("shown", pa.string()))
    .insert(4, CAPTURED_AT)
)

_VALUES = "\nData\n====\n"


def read(path: Path, now: datetime) -> Iterator[Chunk]:
    """Read a file's text; one that is no text or too long to hold is broken."""
    with Stream(path) as stream:
        text, broken = whole(stream)
        rows = (
            [
                {
                    "position": 1,
                    "text": text,
                    "shown": WITHHELD if _VALUES in text else text[:RAW_CHARACTERS],
                    "path": str(path),
                    "captured_at": captured(path, now),
                    "ingested_at": received(path, now),
                }
            ]
            if text.strip()
            else []
        )
        yield Chunk(pa.Table.from_pylist(rows, SCHEMA), broken, stream.consumed)


def whole(stream: Stream) -> tuple[str, tuple[Broken, ...]]:
    """Give all of a stream as text, its lines ending in LF; of a damaged one what came before."""
    content, broken = stream.whole()
    return content.decode(errors="backslashreplace").replace("\r\n", "\n"), broken


def captured(path: Path, now: datetime) -> datetime:
    """When a file's content was taken: by its sidecar, else when the file was last written."""
    if any(map(Path.is_file, sidecars(path))):
        return received(path, now)
    return min(now, datetime.fromtimestamp(path.stat().st_mtime, UTC))


def received(path: Path, now: datetime) -> datetime:
    """When a file's first body was received: by its sidecar, else `now`."""
    at: datetime = arrivals(path, now)(range(1))[0].as_py()
    return at
