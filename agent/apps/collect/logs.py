"""Log files: the end of each."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from agent.apps.collect.folder import FILE_BYTES, Folder
from agent.apps.collect.tool import Answer

_HEAD_BYTES = 1024


def gather(folder: Folder, given: str) -> None:
    """Keep the end of a log, or of all below a folder; `NAME=PATH` says whose they are."""
    name, path = _named(given)
    if not path.exists():
        folder.note(f"{path} cannot be read: there is no such file")
        return
    for file in _files(path):
        folder.tell(f"reading {file.name}")
        try:
            text, is_cut = _tail(file)
        except OSError as error:
            folder.note(f"{file} cannot be read: {error.strerror}")
            continue
        if text is None:
            folder.note(f"{file} was left out: it is no text")
            continue
        if is_cut:
            folder.note(f"{file} was cut to its last {FILE_BYTES:,} bytes")
        inside = file.relative_to(path.parent)
        params = {"path": str(file)} | ({"kind": "service", "name": name} if name else {})
        folder.keep(str(Path("logs", name, inside)), "logs", Answer(text), params=params)


def _named(given: str) -> tuple[str, Path]:
    name, is_named, path = given.partition("=")
    if not is_named or "/" in name or Path(given).exists():
        return "", Path(given)
    return name, Path(path)


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from sorted(file for file in path.rglob("*") if file.is_file())
    else:
        yield path


def _tail(file: Path) -> tuple[str | None, bool]:
    """The end of a file from the beginning of a line, and whether it is cut; None if no text."""
    with file.open("rb") as source:
        if b"\0" in source.read(_HEAD_BYTES):
            return None, False
        is_cut = source.seek(0, os.SEEK_END) > FILE_BYTES
        source.seek(-FILE_BYTES if is_cut else 0, os.SEEK_END if is_cut else os.SEEK_SET)
        kept = source.read(FILE_BYTES)
    return (kept.partition(b"\n")[2] if is_cut else kept).decode(errors="replace"), is_cut
