"""Bytes of a file, decompressed on the way, and what every decoder hands on."""

from __future__ import annotations

import codecs
import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Protocol, Self

import pyarrow as pa
import zstandard

from lake.errors import InquestError

BLOCK_BYTES = 1 << 20
# zstd makes at most 128 KiB of 4 bytes, so a hostile block of this size becomes 512 MiB
COMPRESSED_BLOCK_BYTES = 1 << 14
CHUNK_BYTES = 16 << 20
WHOLE_BYTES = 256 << 20
RAW_CHARACTERS = 4096
SAMPLE_BYTES = 1 << 13
ARRIVALS = ".arrivals.jsonl"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ENDINGS = (".zst", ".gz", ".binpb", ".jsonl", ".json")
_CONTROLS = bytes({*range(32), 127} - set(b"\b\t\n\v\f\r\x1b"))
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_NOT_TEXT = "the file is binary, or text in another encoding than UTF-8 and UTF-16"


class Broken(NamedTuple):
    """What a decoder could not turn into a record: where it stood, why, and what it was."""

    position: int
    reason: str
    raw: str = ""


class Lines(NamedTuple):
    """Whole lines of a file, the number of the first of them, and what is no line of text."""

    first: int
    text: bytes
    broken: tuple[Broken, ...] = ()


@dataclass(frozen=True)
class Chunk:
    """Some records of a file as the relation `raw`, what could not be read, and how far it got.

    `raw` has at least `position` (from 1, through the whole file), `path` and `ingested_at`;
    `consumed` counts bytes of the file as it lies on the disk.
    """

    raw: pa.Table
    broken: tuple[Broken, ...] = ()
    consumed: int = 0


class Decompressor(Protocol):
    """What zlib's and zstandard's have in common."""

    @property
    def eof(self) -> bool:
        """Whether the compressed stream has ended as it should."""

    @property
    def unused_data(self) -> bytes:
        """What follows the end of the stream."""

    def decompress(self, data: bytes, /) -> bytes:
        """Give what `data` expands to."""


class Stream:
    """A file open for reading; gzip and zstd are told by their first bytes, never by the name.

    A file that is damaged or cut gives what can be had, and then `fault` says why there is no more
    and `rest` holds what was left over.
    """

    def __init__(self, path: Path) -> None:
        self.fault, self.rest = "", b""
        try:
            self._file: BinaryIO = path.open("rb")
            self._new = _decompressor(self._file.read(4))
            self._file.seek(0)
        except OSError as error:
            raise InquestError(f"{path} cannot be read: {error.strerror}.") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def is_compressed(self) -> bool:
        """Whether what is read is not what lies on the disk."""
        return self._new is not None

    @property
    def consumed(self) -> int:
        """Bytes of the file read so far."""
        return self._file.tell()

    def blocks(self) -> Iterator[bytes]:
        """Yield the content in pieces of any size."""
        if self._new is None:
            yield from iter(lambda: self._file.read(BLOCK_BYTES), b"")
            return
        inflate = self._new()
        for block in iter(lambda: self._file.read(COMPRESSED_BLOCK_BYTES), b""):
            rest = block
            while rest:
                inflate = self._new() if inflate.eof else inflate
                try:
                    yield inflate.decompress(rest)
                except (zlib.error, zstandard.ZstdError):
                    self.fault = "the compressed stream is damaged here"
                    return
                rest = inflate.unused_data
        if not inflate.eof:
            self.fault = "the compressed stream breaks off here"

    def text(self) -> Iterator[bytes]:
        """Yield the content in pieces of any size, as UTF-8 without a byte order mark.

        Of what is no text nothing is given, and `fault` says so; a line may still not be UTF-8.
        """
        blocks, head = self.blocks(), b""
        while len(head) < SAMPLE_BYTES and (block := next(blocks, None)) is not None:
            head += block
        if head.startswith(_UTF_16):
            texts = codecs.iterdecode(chain([head], blocks), "utf-16", "backslashreplace")
            yield from map(str.encode, texts)
        elif _is_binary(head[:SAMPLE_BYTES]):
            self.fault, self.rest = _NOT_TEXT, head
        else:
            yield from chain([head.removeprefix(codecs.BOM_UTF8)], blocks)

    def whole(self, text: Iterator[bytes] | None = None) -> tuple[bytes, tuple[Broken, ...]]:
        """Give all of `text`, which is this one's; of a damaged one what came before the damage.

        One that is longer than WHOLE_BYTES is broken, as is what `fault` tells of.
        """
        held, size = list[bytes](), 0
        for block in text or self.text():
            held.append(block)
            size += len(block)
            if size > WHOLE_BYTES:
                return b"", (Broken(1, f"the text is longer than {WHOLE_BYTES >> 20} MiB"),)
        whole = b"".join(held)
        return whole, self._fault(whole.count(b"\n") + 1)

    def lines(self, text: Iterator[bytes] | None = None) -> Iterator[Lines]:
        """Yield the lines of `text`, which is this one's, about CHUNK_BYTES at a time.

        A line longer than that is broken, and so is at the end what `fault` tells of.
        """
        text, first, held, size = text or self.text(), 1, list[bytes](), 0
        for block in text:
            held.append(block)
            size += len(block)
            if size < CHUNK_BYTES:
                continue
            whole, newline, rest = b"".join(held).rpartition(b"\n")
            if newline:
                yield Lines(first, whole + newline)
            else:
                yield Lines(first, b"", (_too_long(first, rest),))
                rest = _after_newline(text)
            first += whole.count(b"\n") + 1
            held, size = [rest], len(rest)
        if rest := b"".join(held):
            yield Lines(first, rest)
        if self.fault:
            last = first + rest.count(b"\n")
            yield Lines(last, b"", self._fault(last))

    def _fault(self, position: int) -> tuple[Broken, ...]:
        shown = self.rest[: RAW_CHARACTERS // 2].hex()
        return (Broken(position, self.fault, shown),) if self.fault else ()


def _is_binary(sample: bytes) -> bool:
    """Whether a file that begins like this is no text; zeros before text are a rotated log's."""
    sample = sample.lstrip(b"\0")
    controls = len(sample) - len(sample.translate(None, _CONTROLS))
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        return controls * 50 > len(sample)
    return controls * 5 > len(sample)


def _too_long(position: int, line: bytes) -> Broken:
    shown = line[:RAW_CHARACTERS].decode(errors="replace")
    return Broken(position, f"the line is longer than {CHUNK_BYTES:,} bytes", shown)


def _after_newline(text: Iterator[bytes]) -> bytes:
    """Skip the rest of a line, and give what came with its end."""
    for block in text:
        _, newline, rest = block.partition(b"\n")
        if newline:
            return rest
    return b""


def _decompressor(magic: bytes) -> Callable[[], Decompressor] | None:
    if magic == zstandard.FRAME_HEADER:
        return zstandard.ZstdDecompressor().decompressobj
    if magic[:2] == b"\x1f\x8b":
        return lambda: zlib.decompressobj(31)  # 31 is gzip with its header
    return None


def arrivals(path: Path, now: datetime) -> Callable[[Sequence[int]], pa.Array[Any]]:
    """Say when bodies of a file, numbered from 0, were received: by its sidecar, else `now`."""
    received = {
        body: at
        for sidecar in sidecars(path)
        if sidecar.is_file()
        for body, at in map(partial(_arrival, sidecar), sidecar.read_bytes().splitlines())
    }
    instant = pa.timestamp("us", tz="UTC")
    if not received:
        return lambda bodies: pa.repeat(pa.scalar(now, instant), len(bodies))
    return lambda bodies: pa.array([received.get(body, now) for body in bodies], instant)


def _arrival(sidecar: Path, line: bytes) -> tuple[int, datetime]:
    try:
        found = json.loads(line)
        since = timedelta(microseconds=int(found["received_unix_nano"]) // 1000)
        return int(found["body"]), _EPOCH + since
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        said = line[:80].decode(errors="replace")
        raise InquestError(
            f'{sidecar} holds {said}, expected {{"body": 0, "received_unix_nano": "..."}}.'
        ) from error


def sidecars(path: Path) -> tuple[Path, Path]:
    """Where the arrivals of a file may stand.

    `<file>.arrivals.jsonl`, or without the endings: `traces.otlp.arrivals.jsonl` for
    `traces.otlp.binpb.zst`.
    """
    stem = path.name
    while stem.endswith(_ENDINGS):
        stem = stem.rpartition(".")[0]
    return path.with_name(path.name + ARRIVALS), path.with_name(stem + ARRIVALS)
