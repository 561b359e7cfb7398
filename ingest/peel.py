r"""What a tool wraps around what it printed, taken off, so that the text finds its source.

Wrappers are `Command ... failed with return code 1`, `stdout:` and `stderr:`, the echo of a command
(`$ kubectl get pods`), fences of Markdown, and what kubectl says of the container it chose. What
stands between two of them is a part of its own; lines keep their numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ingest.read.stream import Stream

_TOOLS = rb"(?:kubectl|oc|helm|argocd|docker|crictl|aws|journalctl)"
_ECHO = re.compile(
    rb"^(?:[\w.@~:/\[\]()-]*[$#%>][ ]?|\+[ ])[ ]*(" + _TOOLS + rb"[ ][^\n]*)$", re.MULTILINE
)
_FIRST = re.compile(rb"\A\s*(" + _TOOLS + rb"[ ][a-z][^\n:]*)(?:\n|\Z)")
_FAILED = re.compile(
    rb"\A\s*Command [`'\"]?(.*?)[`'\"]? (?:failed|exited|returned|finished)\b[^\n]*(?:\n|\Z)"
)
_STREAMS = re.compile(rb"^(?:stdout|stderr|STDOUT|STDERR):[ \t]*(?=\n|\Z)", re.MULTILINE)
_FENCE = re.compile(rb"^```[\w-]*[ \t]*$", re.MULTILINE)
_CHOSEN = re.compile(
    rb'^Defaulted container "([^"\n]+)" out of: [^\n]*$|^Found \d+ pods?, using (\S+)$',
    re.MULTILINE,
)
_LARGEST = 64 << 20
_HEAD = 1 << 14


@dataclass(frozen=True)
class Part:
    """A part of a file without its wrapper: the command that printed it, if one is named."""

    path: Path
    command: str = ""
    container: str = ""
    is_empty: bool = False


def parts(file: Path, scratch: Path) -> list[Part]:
    """The parts of a file that is wrapped, as files in a folder; of any other the file itself."""
    head = _read(file, _HEAD)
    if not _is_wrapped(head):
        return [Part(file)]
    text = _read(file, _LARGEST + 1)
    if len(text) > _LARGEST:
        return [Part(file)]
    found = list(_parts(text.replace(b"\r\n", b"\n")))
    filled = [one for one in found if one[2].strip(b" \t\r\n\"'")]
    if not filled:
        return [Part(file, found[0][0] if found else "", is_empty=True)]
    made = list[Part]()
    for number, (command, container, body) in enumerate(filled):
        path = scratch / str(number) / file.name.removesuffix(".gz").removesuffix(".zst")
        path.parent.mkdir(parents=True)
        path.write_bytes(body)
        made.append(Part(path, command, container))
    return made


def _read(file: Path, size: int) -> bytes:
    text = b""
    with Stream(file) as stream:
        for block in stream.blocks():
            text += block
            if len(text) >= size:
                break
    return text


def _is_wrapped(head: bytes) -> bool:
    first = head.lstrip()
    return bool(
        _FAILED.match(head)
        or _FIRST.match(head)
        or _STREAMS.match(first)
        or _ECHO.search(head)
        or _FENCE.match(first)
        or _CHOSEN.match(first)
    )


def _parts(text: bytes) -> Iterator[tuple[str, str, bytes]]:
    """The command, the container and the text of each part, with a blank line for each before."""
    command, container, at = "", "", 0
    if found := _FAILED.match(text) or _FIRST.match(text):
        command, at = _shown(found[1]), found.end()
    is_streams = bool(_STREAMS.match(text[at:].lstrip()))
    for mark in _marks(text, at, is_streams=is_streams):
        yield command, container, _placed(text, at, mark.start())
        at = mark.end()
        if mark.re is _ECHO:
            command, container = _shown(mark[1]), ""
        elif mark.re is _CHOSEN:
            container = _shown(mark[1] or b"")
    yield command, container, _placed(text, at, len(text))


def _marks(text: bytes, at: int, *, is_streams: bool) -> list[re.Match[bytes]]:
    """The wrappers' lines, in order; `stdout:` is one only where a wrapper begins."""
    kinds = (_ECHO, _FENCE, _CHOSEN, *([_STREAMS] if is_streams else []))
    return sorted((one for kind in kinds for one in kind.finditer(text, at)), key=re.Match.start)


def _placed(text: bytes, begin: int, end: int) -> bytes:
    body = text[begin:end].rstrip()
    return b"\n" * text.count(b"\n", 0, begin) + body + b"\n" if body else b""


def _shown(text: bytes) -> str:
    return text.decode(errors="replace").strip()
