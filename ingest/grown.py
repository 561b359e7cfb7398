"""A file that has grown since it was ingested: what is new of it."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from ingest.read.stream import Stream

CUTTABLE = frozenset({"lines", "records", "json"})
"""The decoders whose records need nothing of what stands before them in their file."""

_PIECE_BYTES = 1 << 20


class Tail(NamedTuple):
    """The end of a file as a file of its own, and how many lines stand before it."""

    path: Path
    lines_before: int


def prefix(path: Path, known: Mapping[str, int], seed: bytes = b"") -> int:
    """How many bytes at the beginning of a file are a whole file that is known by its SHA-256.

    `known` has the size in bytes by the digest, which is of `seed` and the content. 0 if there is
    none, or if the file is compressed.
    """
    sizes = sorted({size for size in known.values() if 0 < size < path.stat().st_size})
    with Stream(path) as stream:
        if not sizes or stream.is_compressed:
            return 0
    found, digest = 0, hashlib.sha256(seed)
    with path.open("rb") as file:
        for size in sizes:
            while left := size - file.tell():
                digest.update(file.read(min(left, _PIECE_BYTES)))
            if known.get(digest.hexdigest()) == size:
                found = size
    return found


def tail(path: Path, after: int, into: Path) -> Tail:
    """Write what comes after the last whole line among the first bytes of a file to a folder."""
    end, lines = 0, 0
    target = into / path.name
    with path.open("rb") as file, target.open("wb") as rest:
        while left := after - file.tell():
            start, piece = file.tell(), file.read(min(left, _PIECE_BYTES))
            if (newline := piece.rfind(b"\n")) >= 0:
                end, lines = start + newline + 1, lines + piece.count(b"\n")
        file.seek(end)
        shutil.copyfileobj(file, rest)
    return Tail(target, lines)
