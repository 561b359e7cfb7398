"""Zip and tar archives, and what is in them, whatever they are called.

A member is written below a folder of ours under its own name and with its own time; one whose name
would lead out of it, and a link, is left out. An archive that breaks off gives what comes before.
"""

from __future__ import annotations

import lzma
import os
import shutil
import struct
import tarfile
import tempfile
import zipfile
import zlib
from calendar import timegm
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from io import BufferedReader, RawIOBase
from itertools import chain, count
from pathlib import Path, PurePosixPath
from typing import IO, Any, NamedTuple

from ingest.read.stream import Stream

MOST_BYTES = 16 << 30
MOST_MEMBERS = 100_000

_TAR_MAGIC, _TAR_MAGIC_AT = b"ustar", 257
_PIECE_BYTES = 1 << 14  # what a damaged archive may lose of a member
_EXTENDED_TIMESTAMP = 0x5455
_DAMAGED = (  # what zipfile and tarfile raise on what they cannot read
    EOFError, NotImplementedError, OSError, RuntimeError, ValueError, lzma.LZMAError, zlib.error,
)  # fmt: skip


def is_archive(path: Path) -> bool:
    """Whether a file holds a zip or tar archive, be the tar compressed or not."""
    if _is_zip(path):
        return True
    with Stream(path) as stream, BufferedReader(_Content(stream)) as content:
        return content.read(_TAR_MAGIC_AT + len(_TAR_MAGIC))[_TAR_MAGIC_AT:] == _TAR_MAGIC


def unpack(path: Path, into: Path) -> list[str]:
    """Write the files of an archive below a folder; say what went wrong, if anything."""
    into.mkdir(parents=True, exist_ok=True)
    left, members, faults = min(MOST_BYTES, shutil.disk_usage(into).free // 2), 0, list[str]()
    try:
        for member in _zipped(path) if _is_zip(path) else _tarred(path):
            members += 1
            if members > MOST_MEMBERS:
                faults.append(f"it holds more than {MOST_MEMBERS:,} files: the others are left out")
                break
            try:
                left -= _unpacked(member, into, left)
            except _OutsideError:
                faults.append(f"it holds {member.name!r}, which would lie outside of it: left out")
            except _DAMAGED as error:
                faults.append(f"{member.name!r} in it is damaged ({error}): what came is read")
            if left <= 0:
                faults.append(f"{member.name!r} in it is too large: it and the rest are left out")
                break
    except (*_DAMAGED, tarfile.TarError, zipfile.BadZipFile) as error:
        faults.append(f"the archive is damaged or breaks off after {members:,} files ({error})")
    return faults


class _Member(NamedTuple):
    """A file in an archive; `changed_at` in seconds since 1970."""

    name: str
    opened: Callable[[], AbstractContextManager[IO[bytes]]]
    changed_at: float


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


def _is_zip(path: Path) -> bool:
    """Whether a file begins as a zip archive does; elsewhere any text may hold a zip's marks."""
    with path.open("rb") as file:
        return file.read(4) in (b"PK\3\4", b"PK\5\6")


class _OutsideError(Exception):
    """A member's name leads out of its archive."""


def _place(name: str, into: Path) -> Path:
    """Where a member goes, under a name that no other has."""
    parts = PurePosixPath(printable(name.replace("\\", "/")).lstrip("/")).parts
    if not parts or ".." in parts:
        raise _OutsideError
    folder = into.joinpath(*parts[:-1])
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):  # a file has the folder's name
        folder = Path(tempfile.mkdtemp(dir=into))
    names = chain([parts[-1]], (f"{number}.{parts[-1]}" for number in count(2)))
    return next(folder / one for one in names if not (folder / one).exists())


def printable(name: str) -> str:
    """A name as text that a person can be shown, though its bytes were none."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _zipped(path: Path) -> Iterator[_Member]:
    with zipfile.ZipFile(path) as archive:
        for one in archive.infolist():
            if not one.is_dir():
                yield _Member(one.filename, partial(archive.open, one), _zip_time(one))


def _zip_time(member: zipfile.ZipInfo) -> float:
    """The extended timestamp of a member; without one its time of no zone, taken for UTC.

    https://libzip.org/specifications/extrafld.txt
    """
    extra = member.extra
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<HH", extra)
        if kind == _EXTENDED_TIMESTAMP and size >= 5 and extra[4] & 1:
            return float(struct.unpack_from("<i", extra, 5)[0])
        extra = extra[4 + size :]
    return float(timegm(member.date_time))


def _tarred(path: Path) -> Iterator[_Member]:
    with (
        Stream(path) as stream,
        BufferedReader(_Content(stream)) as whole,
        tarfile.open(fileobj=whole, mode="r|") as archive,
    ):
        for one in archive:
            content = archive.extractfile(one) if one.isreg() else None
            if content:
                yield _Member(one.name, partial(_opened, content), one.mtime)
        if stream.fault:
            raise tarfile.ReadError(stream.fault)


def _opened(content: IO[bytes]) -> AbstractContextManager[IO[bytes]]:
    return nullcontext(content)


def _unpacked(member: _Member, into: Path, most: int) -> int:
    """Write a member with its time and say how many bytes it has; none of one of `most` or more."""
    target = _place(member.name, into)
    with member.opened() as content, target.open("wb") as file:
        for piece in iter(lambda: content.read(_PIECE_BYTES), b""):
            file.write(piece)
            if file.tell() >= most:
                break
        size = file.tell()
    if size >= most:
        target.unlink()
        return size
    os.utime(target, (member.changed_at, member.changed_at))
    return size
