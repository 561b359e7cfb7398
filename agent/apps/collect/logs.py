"""Log files: the end of each."""

from __future__ import annotations

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
            text = _tail(file)
        except OSError as error:
            folder.note(f"{file} cannot be read: {error.strerror}")
            continue
        if text is None:
            folder.note(f"{file} was left out: it is no text")
            continue
        inside = file.relative_to(path.parent)
        params = {"path": str(file)} | ({"service": name} if name else {})
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


def _tail(file: Path) -> str | None:
    """The end of a file as text, from the beginning of a line; None if it is no text."""
    with file.open("rb") as source:
        if b"\0" in source.read(_HEAD_BYTES):
            return None
        size = source.seek(0, 2)
        source.seek(max(0, size - FILE_BYTES))
        kept = source.read(FILE_BYTES)
    return (kept.partition(b"\n")[2] if size > FILE_BYTES else kept).decode(errors="replace")
