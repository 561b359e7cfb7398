"""How a recording keeps bodies: one zstd stream of 4-byte big-endian lengths and bodies.

Beside each kept file, `<name>.arrivals.jsonl` (for OTLP `<signal>.otlp.arrivals.jsonl`) says when
each body came: `{"body": n, "received_unix_nano": "..."}`, counted from 0.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TextIO

import zstandard

LENGTH = struct.Struct(">I")
LEVEL = 19


@dataclass(frozen=True)
class Arrival:
    """When body number `body` was received, in nanoseconds since the epoch."""

    body: int
    received_unix_nano: int

    def line(self) -> str:
        """Give this arrival's line of the sidecar."""
        nano = str(self.received_unix_nano)
        return json.dumps({"body": self.body, "received_unix_nano": nano}) + "\n"


class Frames:
    """An open stream of length-prefixed bodies, compressed on the way."""

    def __init__(self, file: Path) -> None:
        self._file = file.open("wb")
        compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True)
        self._stream = compressor.stream_writer(self._file)

    def append(self, body: bytes) -> None:
        """Keep one body."""
        self._stream.write(LENGTH.pack(len(body)) + body)

    def close(self) -> None:
        """End the stream; nothing can be read before."""
        self._stream.close()  # type: ignore[no-untyped-call]  # zstandard says nothing of it
        self._file.close()


class Lines:
    """An open file of one-line bodies."""

    def __init__(self, file: Path) -> None:
        self._file = file.open("wb")

    def append(self, body: bytes) -> None:
        """Keep one body; raises ValueError when it does not fit on a line."""
        line = body.rstrip(b"\n")
        if b"\n" in line:
            raise ValueError("a webhook body must be a single line of JSON")
        self._file.write(line + b"\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class Kept:
    """One kept file and its arrivals."""

    def __init__(self, bodies: Frames | Lines, arrivals: Path) -> None:
        self._bodies = bodies
        self._arrivals: TextIO = arrivals.open("w", encoding="ascii")
        self.count = 0

    def append(self, body: bytes, received_unix_nano: int) -> None:
        """Keep one body and when it came."""
        self._bodies.append(body)
        self._arrivals.write(Arrival(self.count, received_unix_nano).line())
        self.count += 1

    def close(self) -> None:
        """Close both files."""
        self._bodies.close()
        self._arrivals.close()


def frames(file: Path) -> Iterator[bytes]:
    """Read the bodies of a stream back, in the order they came; raises ValueError on a cut one."""
    with file.open("rb") as raw, zstandard.ZstdDecompressor().stream_reader(raw) as stream:
        while head := _exactly(stream, LENGTH.size):
            (length,) = LENGTH.unpack(head)
            body = _exactly(stream, length)
            if len(body) < length:
                raise ValueError(f"{file}: the last body is cut short")
            yield body


def arrivals(file: Path) -> Iterator[Arrival]:
    """Read a sidecar back."""
    with file.open(encoding="ascii") as lines:
        for line in lines:
            found = json.loads(line)
            yield Arrival(found["body"], int(found["received_unix_nano"]))


def _exactly(stream: BinaryIO | zstandard.ZstdDecompressionReader, length: int) -> bytes:
    parts = []
    while length and (part := stream.read(length)):
        parts.append(part)
        length -= len(part)
    return b"".join(parts)
