"""YAML and JSON as kubectl writes them: `raw` is (position, doc, path, captured_at, ingested_at).

`doc` is the JSON text of one document. A file holds YAML documents, or JSON ones one after another:
a list, a watch, or a `cluster-info dump`, of whose container logs every line is a document of the
kind ContainerLog with `metadata` (the pod's name and namespace), `container` and `log`.
`position` is the line on which a document begins; the command that was typed may stand before it.
Of YAML only what JSON can say is read as other than text, so that `1e5`, `00123`, `1.10`, `on` and
times stay what they are. Lines of `key: value` that are no YAML as a whole are a document of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, TypeAlias

import orjson
import pyarrow as pa
import yaml

from ingest.read import text as texts
from ingest.read.stream import RAW_CHARACTERS, Broken, Chunk, Stream

SCHEMA = texts.SCHEMA.set(1, pa.field("doc", pa.string())).remove(2)
CHUNK_CHARACTERS = 16 << 20
TEXT = f"CASE WHEN regexp_matches(doc, 'Secret|ConfigMap') THEN '{texts.WITHHELD}' ELSE doc END"

_JSON = json.JSONDecoder()
_ECHO = re.compile(r"\A(?:\$?[ ]?kubectl .*\n|stdout:[ ]*\n)+")
_BLOCK = re.compile(r"^(?=[\[{]|==== START logs for )", re.MULTILINE)
_FIELD = re.compile(r"^(?:apiVersion|kind|metadata|items):", re.MULTILINE)
_BEGIN = re.compile(r"\S")
_LOG = re.compile(
    r"==== START logs for container (\S+) of pod ([^/\s]+)/(\S+) ====\n(.*?)"
    r"(?:^==== END logs for container \1 of pod \2/\3 ====$|\Z)",
    re.MULTILINE | re.DOTALL,
)
_SEPARATOR = re.compile(r"^(?:---[ \t]*(?:#.*)?|\.\.\.[ \t]*)$", re.MULTILINE)
_ALIAS = re.compile(r"(?:^|[\s\[{,:-])\*\S")
_PAIR = re.compile(r"^([A-Za-z_][\w.-]*): +(\S.*?) *$", re.MULTILINE)
_FEWEST_PAIRS = 3
_SECRET = re.compile(r"Secret|ConfigMap")


class _Doc(NamedTuple):
    position: int
    doc: str


_Found: TypeAlias = Iterator[_Doc | Broken]


class _Loader(yaml.CSafeLoader):
    """Reads null, true, false and whole numbers; everything else is text."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _first, _pattern in (
    ("null", "~n", r"~|null"),
    ("bool", "tf", r"true|false"),
    ("int", "-0123456789", r"-?(?:0|[1-9][0-9]{0,17})"),
):
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(rf"(?:{_pattern})\Z"), list(_first)
    )
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"\Z"), [""])


def read(path: Path, now: datetime) -> Iterator[Chunk]:
    """Read a file's documents; text that is neither YAML nor JSON is broken."""
    with Stream(path) as stream:
        text, faults = texts.whole(stream)
        text = _ECHO.sub(lambda echo: "\n" * echo[0].count("\n"), text)
        common = {
            "path": str(path),
            "captured_at": texts.captured(path, now),
            "ingested_at": texts.received(path, now),
        }
        found = _json(text) if _is_json(text) else _yaml(text)
        for docs, broken in _chunks(found):
            rows = pa.Table.from_pylist([one._asdict() | common for one in docs], SCHEMA)
            yield Chunk(rows, broken, stream.consumed)
        yield Chunk(SCHEMA.empty_table(), faults, stream.consumed)


def _chunks(found: _Found) -> Iterator[tuple[list[_Doc], tuple[Broken, ...]]]:
    docs, broken, size = list[_Doc](), list[Broken](), 0
    for one in found:
        if isinstance(one, Broken):
            broken.append(one)
            continue
        docs.append(one)
        size += len(one.doc)
        if size >= CHUNK_CHARACTERS:
            yield docs, tuple(broken)
            docs, broken, size = [], [], 0
    yield docs, tuple(broken)


def _is_json(text: str) -> bool:
    """Whether a JSON text, or a log in a dump, begins before an object in YAML does."""
    begin, field = _BLOCK.search(text), _FIELD.search(text)
    return begin is not None and (field is None or begin.start() < field.start())


def _json(text: str) -> _Found:
    """Each JSON text of several, and each line of the logs between them."""
    at, line = 0, 1
    while begin := _BEGIN.search(text, at):
        line += text.count("\n", at, begin.start())
        if log := _LOG.match(text, begin.start()):
            yield from _logged(log, line)
            at = log.end()
        else:
            try:
                _, at = _JSON.raw_decode(text, begin.start())
                yield _Doc(line, text[begin.start() : at])
            except (json.JSONDecodeError, RecursionError):
                following = _BLOCK.search(text, begin.start() + 1)
                at = following.start() if following else len(text)
                yield _broken(line, "the text is not JSON", text[begin.start() : at])
        line += text.count("\n", begin.start(), at)


def _logged(log: re.Match[str], line: int) -> Iterator[_Doc]:
    container, namespace, pod, body = log.groups()
    for position, entry in enumerate(body.split("\n"), line + 1):
        if entry.strip():
            record = {
                "kind": "ContainerLog",
                "metadata": {"name": pod, "namespace": namespace},
                "container": container,
                "log": entry,
            }
            yield _Doc(position, orjson.dumps(record).decode())


def _yaml(text: str) -> _Found:
    """Each document of a YAML stream that is not empty."""
    line = 1
    for part in _SEPARATOR.split(text):
        body = part.strip("\n")
        if body.strip():
            yield from _document(body, line + len(part) - len(part.lstrip("\n")))
        line += part.count("\n")


def _document(text: str, position: int) -> _Found:
    try:
        if _ALIAS.search(text) and _has_alias(text):
            yield _broken(position, "the YAML has an alias, which kubectl never writes", text)
            return
        found = yaml.load(text, _Loader)  # noqa: S506  # it is a SafeLoader
        if isinstance(found, dict | list):
            yield _Doc(position, orjson.dumps(found, option=orjson.OPT_NON_STR_KEYS).decode())
        elif found is not None:
            yield _broken(position, "the text is neither YAML nor JSON", text)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError):
        if plain := _plain(text):
            yield _Doc(position, orjson.dumps(plain).decode())
        else:
            yield _broken(position, "the text is neither YAML nor JSON", text)


def _plain(text: str) -> dict[str, str | None]:
    """The `key: value` lines of what is no YAML, as a tool prints them; none of an object's."""
    found = {key: value.strip("'\"") for key, value in _PAIR.findall(text)}
    if len(found) < _FEWEST_PAIRS or _FIELD.search(text):
        return {}
    return {key: None if value in ("null", "~") else value for key, value in found.items()}


def _has_alias(text: str) -> bool:
    """Whether anything is repeated by reference: a few lines could stand for more than memory."""
    return any(isinstance(one, yaml.AliasEvent) for one in yaml.parse(text, _Loader))


def _broken(position: int, reason: str, text: str) -> Broken:
    return Broken(
        position, reason, texts.WITHHELD if _SECRET.search(text) else text[:RAW_CHARACTERS].rstrip()
    )
