"""Zip and tar archives, and what is in them, whatever they are called.

A member is written below a folder of ours under its own name; one whose name would lead out of it,
and a link, is left out. An archive that breaks off gives what comes before.
"""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from io import BufferedReader, RawIOBase
from pathlib import Path, PurePosixPath
from typing import IO, Any

from ingest.read.stream import Stream

MOST_BYTES = 64 << 30
MOST_MEMBERS = 100_000

_TAR_MAGIC, _TAR_MAGIC_AT = b"ustar", 257
_PIECE_BYTES = 1 << 20


def is_archive(path: Path) -> bool:
    """Whether a file holds a zip or tar archive, be the tar compressed or not."""
    if zipfile.is_zipfile(path):
        return True
    with Stream(path) as stream, BufferedReader(_Content(stream)) as content:
        return content.read(_TAR_MAGIC_AT + len(_TAR_MAGIC))[_TAR_MAGIC_AT:] == _TAR_MAGIC


def unpack(path: Path, into: Path) -> str:
    """Write the files of an archive below a folder; say what went wrong, '' if nothing did."""
    left, members = MOST_BYTES, 0
    try:
        for name, content in _zipped(path) if zipfile.is_zipfile(path) else _tarred(path):
            members += 1
            if members > MOST_MEMBERS:
                return f"it holds more than {MOST_MEMBERS:,} files: the others are left out"
            place = PurePosixPath(name.replace("\\", "/"))
            if place.is_absolute() or ".." in place.parts or not place.parts:
                return f"it holds {name}, which would lie outside of it: reading stops there"
            target = into / place
            target.parent.mkdir(parents=True, exist_ok=True)
            left -= _copied(content, target, left)
            if left <= 0:
                target.unlink()
                return f"it holds more than {MOST_BYTES:,} bytes: the rest is left out"
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        return f"the archive is damaged or breaks off after {members:,} files ({error})"
    except (RuntimeError, NotImplementedError) as error:  # zipfile: a password, a method
        return f"the archive cannot be read ({error})"
    return ""


class _Content(RawIOBase):
    """A stream's content as a file."""

    def __init__(self, stream: Stream) -> None:
        self._blocks, self._held = stream.blocks(), b""

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer from the block at hand; 0 at the end."""
        while not self._held and (block := next(self._blocks, None)) is not None:
            self._held = block
        size = min(len(buffer), len(self._held))
        buffer[:size], self._held = self._held[:size], self._held[size:]
        return size


def _zipped(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if not member.is_dir():
                with archive.open(member) as content:
                    yield member.filename, content


def _tarred(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with (
        Stream(path) as stream,
        BufferedReader(_Content(stream)) as whole,
        tarfile.open(fileobj=whole, mode="r|") as archive,
    ):
        for member in archive:
            content = archive.extractfile(member) if member.isreg() else None
            if content:
                yield member.name, content


def _copied(content: IO[bytes], target: Path, most: int) -> int:
    """Write a member, at most one piece past `most` bytes, and say how many."""
    with target.open("wb") as file:
        for piece in iter(lambda: content.read(_PIECE_BYTES), b""):
            if file.tell() > most:
                break
            file.write(piece)
        return file.tell()
