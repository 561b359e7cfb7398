r"""CSV with a header: `raw` is (position, fields, path, ingested_at).

`fields` maps the header's names to the texts of a row, as they came; an empty field is ''. A name
that the header has again is `name_1`, then `name_2`. `position` is the row, the header being row 1;
a blank line is no row. Fields are parted by the comma, semicolon, tab or bar that the header has
most of outside quotes and braces and the row below has too, or that a spreadsheet's line `sep=;`
above names. Lines end in CRLF or LF; a byte that is neither UTF-8 nor UTF-16 is written as `\xff`.
https://www.rfc-editor.org/rfc/rfc4180
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from itertools import chain, count, pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from pyarrow import csv as arrow

from ingest.read import lines, stream
from ingest.read.stream import RAW_CHARACTERS, Broken, Chunk, Stream, arrivals

SCHEMA = lines.SCHEMA.set(1, pa.field("fields", pa.map_(pa.string(), pa.string())))

_DELIMITERS = ",;\t|"  # of as many the first
_HELD_TOGETHER = re.compile(r'"(?:[^"]|"")*"|\{[^}]*\}')
_NONE = SCHEMA.empty_table().select(["position", "fields"])


class _File(io.RawIOBase):
    """A stream's content as a file; `last` is its last byte that does not end a line."""

    def __init__(self, content: Stream) -> None:
        texts = codecs.iterdecode(content.text(), "utf-8", "backslashreplace")
        self._blocks, self._held, self.last = map(str.encode, texts), b"", b""

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer from the block at hand; 0 at the end."""
        while not self._held and (block := next(self._blocks, None)) is not None:
            self._held, self.last = block, block.rstrip(b"\r\n")[-1:] or self.last
        size = min(len(buffer), len(self._held))
        buffer[:size], self._held = self._held[:size], self._held[size:]
        return size


class _Rows:
    """What became of a file's rows: Arrow says which it left out, the others come in order."""

    def __init__(self) -> None:
        self.next, self._left_out, self._broken = 2, list[int](), list[Broken]()

    def leave_out(self, row: arrow.InvalidRow) -> Literal["skip"]:
        """Set aside a row that has not as many fields as the header."""
        position = (row.number or 0) + 1  # Arrow counts without the header
        reason = f"the row has {row.actual_columns} fields, the header {row.expected_columns}"
        self._left_out.append(position)
        self._broken.append(Broken(position, reason, row.text[:RAW_CHARACTERS]))
        return "skip"

    def stop(self) -> None:
        """Set aside the next row, which does not fit into a block, and with it what follows."""
        reason = f"the row is longer than {stream.CHUNK_BYTES:,} bytes: reading stops here"
        self._broken.append(Broken(int(self.number(1)[0].as_py()), reason))

    def number(self, rows: int) -> pa.Array[Any]:
        """Give the positions of the next rows."""
        ahead = np.arange(self.next, self.next + rows + len(self._left_out))
        positions = np.setdiff1d(ahead, self._left_out)[:rows]
        self.next = int(positions[-1]) + 1 if rows else self.next
        self._left_out = [position for position in self._left_out if position >= self.next]
        return pa.array(positions, pa.int64())

    def broken(self) -> tuple[Broken, ...]:
        """Tell of the rows set aside since this was last asked."""
        told, self._broken = self._broken, []
        return tuple(told)


def read(path: Path, now: datetime) -> Iterator[Chunk]:
    """Read a file's rows; one that has more or fewer fields than the header is broken."""
    received, seen, rows = arrivals(path, now), 0, _Rows()
    with Stream(path) as content:
        for table, broken in _chunks(_File(content), rows):
            at = received(range(seen, seen + len(table)))
            table = table.append_column("path", pa.repeat(str(path), len(table)))
            yield Chunk(table.append_column("ingested_at", at), broken, content.consumed)
            seen += len(table)
        if content.fault:
            fault = Broken(rows.next, content.fault)
            yield Chunk(SCHEMA.empty_table(), (fault,), content.consumed)


def _chunks(file: _File, rows: _Rows) -> Iterator[tuple[pa.Table, tuple[Broken, ...]]]:
    """Yield (position, fields) and what is broken, about CHUNK_BYTES of text at a time."""
    with io.BufferedReader(file) as text:
        try:
            names, delimiter = _header(text)
        except csv.Error as error:
            yield _NONE, (Broken(1, f"the header cannot be read: {error}"),)
            return
        for table, following in pairwise(
            chain(_tables(text, len(names), delimiter, rows), [_NONE])
        ):
            is_open = following is _NONE and file.last != b'"'
            table, broken = _closed(table) if is_open else (table, ())
            yield _mapped(table, names), rows.broken() + broken
        yield _NONE, rows.broken()


def _header(text: io.BufferedReader[_File]) -> tuple[list[str], str]:
    """Read the names of the columns, each given once, and what is between; none from no row."""
    lines = (line.decode() for line in iter(text.readline, b""))
    first = next((line for line in lines if line.strip()), "")
    told = first.strip().removeprefix("sep=")
    if told != first.strip() and len(told) <= 1:
        first, delimiter = next(lines, ""), told or "\t"
    else:
        delimiter = _delimiter(first, text.peek(1).partition(b"\n")[0].decode(errors="replace"))
    rows = csv.reader(chain([first], lines), delimiter=delimiter)
    names: dict[str, None] = {}
    for name in next(filter(None, rows), []):
        others = (f"{name}_{number}" for number in count(1))
        names[next(one for one in chain([name], others) if one not in names)] = None
    return list(names), delimiter


def _delimiter(header: str, row: str) -> str:
    """What parts the fields of a header, and of the row below unless it has but one field."""
    counts = Counter(_HELD_TOGETHER.sub("", header))
    return max(_DELIMITERS, key=lambda one: (counts[one] > 0 and one in row, counts[one]))


def _tables(
    text: io.BufferedReader[_File], width: int, delimiter: str, rows: _Rows
) -> Iterator[pa.Table]:
    """Parse rows into columns of text and `position`; quotes may hold commas and line ends."""
    names = [str(number) for number in range(width)]
    options = (
        arrow.ReadOptions(use_threads=False, block_size=stream.CHUNK_BYTES, column_names=names),
        arrow.ParseOptions(
            delimiter=delimiter, newlines_in_values=True, invalid_row_handler=rows.leave_out
        ),
        arrow.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
    )
    try:
        for batch in arrow.open_csv(text, *options) if names and text.peek(1) else ():
            table = pa.Table.from_batches([batch])
            yield table.append_column("position", rows.number(len(table)))
    except pa.ArrowInvalid:  # the one fault that it has besides those it leaves out
        rows.stop()


def _closed(table: pa.Table) -> tuple[pa.Table, tuple[Broken, ...]]:
    """Split off a last row whose quote is still open at the end of the file."""
    last = len(table) - 1
    if last < 0 or "\n" not in table.columns[-2][last].as_py():
        return table, ()
    *fields, position = (column[last].as_py() for column in table.columns)
    reason = "a quote is opened in this row and never closed: it holds the rest of the file"
    return table.slice(0, last), (Broken(position, reason, ",".join(fields)[:RAW_CHARACTERS]),)


def _mapped(table: pa.Table, names: list[str]) -> pa.Table:
    """Make (position, fields) of a column for each name."""
    rows, width = len(table), len(names)
    by_row = np.arange(rows * width).reshape(width, rows).T.ravel()
    texts = pa.chunked_array(table.columns[:-1], pa.string())
    offsets: Any = pa.array(np.arange(rows + 1) * width, pa.int32())  # the stubs want 64 bits
    keys = pa.array(names).take(np.tile(np.arange(width), rows))
    fields = pa.MapArray.from_arrays(offsets, keys, texts.combine_chunks().take(by_row))
    return pa.table([table["position"], fields], ["position", "fields"])
