"""Windows events as XML: `raw` is (position, doc, text, path, ingested_at), one row an event.

A file holds one event or many: alone, one after another, one a line, or inside `<Events>`, in UTF-8
or UTF-16, as `wevtutil`, Event Viewer and forwarders write them. `position` is the event's ordinal
and `text` what stands in the file from the end of the event before it.

`doc` is the event as JSON: an element with nothing but text is that text, another is an object of
its attributes and children, with its text as `#text`; what repeats is a list. `<Data Name="a">b`
is the member `"a": "b"`, a Data without a name is `param` and its number, as Windows calls it.

No entity is ever expanded: a DOCTYPE is text that is no event, and is broken.
https://learn.microsoft.com/en-us/windows/win32/wes/eventschema-schema
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import orjson
import pyarrow as pa

from ingest.read import lines
from ingest.read.stream import CHUNK_BYTES, RAW_CHARACTERS, Broken, Chunk, Stream, arrivals

SCHEMA = lines.SCHEMA.set(1, pa.field("doc", pa.string())).insert(2, pa.field("text", pa.string()))

_BEGIN = re.compile(r"<(?:\w+:)?Event(?=[\s>])")
_END = re.compile(r"</(?:\w+:)?Event\s*>[ \t]*(?:\r?\n)?")
_AROUND = re.compile(r"<\?xml[^<>]*\?>|</?(?:\w+:)?Events(?:\s[^<>]*)?>")


def read(path: Path, now: datetime) -> Iterator[Chunk]:
    """Read a file's events; text between them that is no XML of theirs is broken."""
    received = arrivals(path, now)
    seen, position = 0, 0
    with Stream(path) as stream:
        for texts in _events(_characters(stream)):
            rows, broken = list[dict[str, Any]](), list[Broken]()
            for before, event in map(_parted, texts):
                if before:
                    position += 1
                    broken.append(_broken(position, "the text is no XML of an event", before))
                if event:
                    position += 1
                    row = _row(position, event)
                    if isinstance(row, Broken):
                        broken.append(row)
                    else:
                        rows.append(row)
            raw = pa.Table.from_pylist(rows, SCHEMA).drop(["path", "ingested_at"])
            raw = raw.append_column("path", pa.repeat(str(path), len(raw)))
            at = received(range(seen, seen + len(raw)))
            seen += len(raw)
            yield Chunk(raw.append_column("ingested_at", at), tuple(broken), stream.consumed)
        if stream.fault:
            fault = (Broken(position + 1, stream.fault),)
            yield Chunk(SCHEMA.empty_table(), fault, stream.consumed)


def _row(position: int, text: str) -> dict[str, Any] | Broken:
    """An event's row of `raw`, or what is wrong with it."""
    try:
        return {"position": position, "doc": _document(text), "text": text}
    except UnicodeEncodeError:
        return _broken(position, "the event is not UTF-8 text", text)
    except (ElementTree.ParseError, RecursionError) as error:
        return _broken(position, f"the event is no XML: {error}", text)


def _broken(position: int, reason: str, text: str) -> Broken:
    shown = text[:RAW_CHARACTERS].encode(errors="surrogateescape").decode(errors="replace")
    return Broken(position, reason, shown)


def _characters(stream: Stream) -> Iterator[str]:
    """Decode by the byte order mark, or by the zero that UTF-16 puts beside `<`."""
    blocks = stream.blocks()
    head = b""
    for block in blocks:  # an empty block is what a decompressor may begin with
        head = block
        if head:
            break
    encoding = _encoding(head)
    errors = "surrogateescape" if encoding == "utf-8-sig" else "replace"  # told by `_document`
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    yield decoder.decode(head)
    for block in blocks:
        yield decoder.decode(block)
    yield decoder.decode(b"", final=True)


def _encoding(head: bytes) -> str:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return {b"<\0": "utf-16-le", b"\0<": "utf-16-be"}.get(head[:2], "utf-8-sig")


def _events(blocks: Iterator[str]) -> Iterator[list[str]]:
    """Cut the characters behind the end of each event, some events at a time.

    An event longer than CHUNK_BYTES is handed on in pieces.
    """
    held: list[str] = []
    for block in blocks:
        held.append(block)
        if sum(map(len, held)) >= CHUNK_BYTES:
            *texts, rest = _cut("".join(held))
            is_whole = len(rest) < CHUNK_BYTES
            yield texts if is_whole else [*texts, rest]
            held = [rest] if is_whole else []
    *texts, rest = _cut("".join(held))
    yield [*texts, rest] if _AROUND.sub("", rest).strip() else texts


def _cut(text: str) -> list[str]:
    ends = [0, *(found.end() for found in _END.finditer(text))]
    return [text[at:to] for at, to in zip(ends, [*ends[1:], len(text)], strict=True)]


def _parted(text: str) -> tuple[str, str]:
    """Part what is junk from the event behind it, to which the comments before it belong."""
    text = _AROUND.sub("", text)
    begins = [found.start() for found in _BEGIN.finditer(text)]
    if not begins or not _END.search(text):
        return _uncommented(text).strip() and text, ""
    before = text[: begins[-1]]
    if _uncommented(before).strip():
        return before, text[begins[-1] :]
    return "", text.lstrip("\r\n")


def _uncommented(text: str) -> str:
    """Leave out the comments that end."""
    kept, at = list[str](), 0
    while (begin := text.find("<!--", at)) >= 0 and (end := text.find("-->", begin + 4)) >= 0:
        kept.append(text[at:begin])
        at = end + len("-->")
    return "".join([*kept, text[at:]])


def _document(text: str) -> str:
    """Give an event as JSON.

    Raises ParseError if it is not well formed, RecursionError if it is too deep, UnicodeEncodeError
    if it was not UTF-8.
    """
    event = ElementTree.fromstring(text)  # noqa: S314 - what declares entities was parted from it
    return orjson.dumps(_value(event)).decode()


def _value(element: ElementTree.Element) -> Any:
    """An element without attributes and children is its text."""
    members: dict[str, Any] = dict(element.attrib)
    for child in element:
        name = child.tag.rpartition("}")[2]
        if name == "Data":
            name = child.get("Name") or f"param{len(members) + 1}"
            value = _value(child) if len(child) else child.text or ""
        else:
            value = _value(child)
        there = members.get(name)
        if isinstance(there, list):
            there.append(value)
        else:
            members[name] = value if there is None else [there, value]
    said = element.text or ""
    if members and said.strip():
        members["#text"] = said
    return members or said
