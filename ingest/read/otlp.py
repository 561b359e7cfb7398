"""OTLP: `raw` is one row a span, log record or data point, its columns named as in the protocol.

https://opentelemetry.io/docs/specs/otlp/ and the messages of opentelemetry-proto. A file is a
stream of 4-byte big-endian lengths and protobuf bodies, as the OTel Collector's file exporter
writes, or JSON with one export request a document.

Beside the record's own fields `raw` has position, path, ingested_at, `resource` (JSON text of the
resource's attributes), `scope` (JSON text of name, version, attributes) and, for a data point, the
fields of its metric. `attributes` is a list of {key, value}, a value a struct of which one field is
set; arrays and maps inside are JSON text.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from google.protobuf import json_format  # type: ignore[import-untyped]  # ships no types
from google.protobuf.message import DecodeError, Message  # type: ignore[import-untyped]  # as above
from opentelemetry.proto.common.v1.common_pb2 import (
    ArrayValue,
    InstrumentationScope,
    KeyValue,
    KeyValueList,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from ingest.read import json
from ingest.read.otlp_messages import METRIC_KINDS, UNPARSED, Signal, from_json, signal
from ingest.read.stream import CHUNK_BYTES, RAW_CHARACTERS, Broken, Chunk, Stream, arrivals

Array: TypeAlias = Any  # the stubs of pyarrow do not know nested arrays

MAX_BODY_BYTES = 64 << 20

_LENGTH_BYTES = 4
_BODIES = json.SCHEMA.set(1, pa.field("body", pa.binary()))


def read(name: str, path: Path, now: datetime) -> Iterator[Chunk]:
    """Read a file of `traces`, `metrics` or `logs`; a body that cannot be decoded is broken.

    Records are numbered through the file, and what is broken has the number of its body.
    """
    of, first = signal(name), 1
    for chunk in _json(of, path, now) if _is_json(path) else _framed(path, now):
        records, broken = decode(of, chunk.raw)
        position = pa.array(np.arange(first, first + len(records)))
        records = records.append_column("position", position)
        yield Chunk(records, chunk.broken + broken, chunk.consumed)
        first += len(records)


def empty(name: str) -> pa.Table:
    """The relation `raw` of a signal, without rows."""
    records, _ = decode(signal(name), _BODIES.empty_table())
    return records.append_column("position", pa.array([], pa.int64()))


def decode(of: Signal, bodies: pa.Table) -> tuple[pa.Table, tuple[Broken, ...]]:
    """Turn bodies (position, body, path, ingested_at) into records, and say which cannot be."""
    try:
        return _records(of, bodies), ()
    except (ValueError, DecodeError):
        if len(bodies) == 1:
            return _records(of, bodies[:0]), _broken(of, bodies)
    half = len(bodies) // 2
    (left, lost), (right, more) = decode(of, bodies[:half]), decode(of, bodies[half:])
    return pa.concat_tables([left, right]), lost + more


def _broken(of: Signal, bodies: pa.Table) -> tuple[Broken, ...]:
    rows: list[dict[str, Any]] = bodies.to_pylist()
    reason = f"the body is not an OTLP {of.name} request"
    return tuple(
        Broken(row["position"], reason, row.get("doc", "")[:RAW_CHARACTERS] or _hex(row["body"]))
        for row in rows
    )


def _hex(content: bytes) -> str:
    return content[: RAW_CHARACTERS // 2].hex()


def _is_json(path: Path) -> bool:
    with Stream(path) as stream:
        return next(stream.blocks(), b"").lstrip()[:1] in (b"{", b"[")


def _json(of: Signal, path: Path, now: datetime) -> Iterator[Chunk]:
    """Read JSON documents; their `body` is a request in the shape that protobuf decodes to."""
    with json.database().cursor() as connection:
        for chunk in json.read(path, now):
            connection.register("docs", chunk.raw)
            query = f"SELECT *, {from_json(of, 'doc')} AS body FROM docs"
            docs = connection.sql(query).to_arrow_table()
            is_request = pc.is_valid(docs["body"])
            broken = chunk.broken + _broken(of, docs.filter(pc.invert(is_request)))
            yield Chunk(docs.filter(is_request), broken, chunk.consumed)


def _framed(path: Path, now: datetime) -> Iterator[Chunk]:
    """Read a stream of bodies, some megabytes at a time."""
    received, seen = arrivals(path, now), 0
    with Stream(path) as stream:
        for bodies in _grouped(_frames(stream)):
            numbers = range(seen, seen + len(bodies))
            origin = pa.repeat(str(path), len(bodies))
            columns: list[Any] = [[n + 1 for n in numbers], bodies, origin, received(numbers)]
            yield Chunk(pa.table(columns, schema=_BODIES), (), stream.consumed)
            seen += len(bodies)
        if stream.fault:
            broken = Broken(seen + 1, stream.fault, _hex(stream.rest))
            yield Chunk(_BODIES.empty_table(), (broken,), stream.consumed)


def _frames(stream: Stream) -> Iterator[bytes]:
    """Cut a stream into its bodies; what cannot be cut becomes the stream's fault."""
    held = b""
    for block in stream.blocks():
        held, at = held + block, 0
        while (start := at + _LENGTH_BYTES) <= len(held):
            end = start + int.from_bytes(held[at:start])
            if end - start > MAX_BODY_BYTES:
                stream.fault, stream.rest = "no OTLP body begins here", held[at:]
                return
            if end > len(held):
                break
            yield held[start:end]
            at = end
        held = held[at:]
    if held:
        stream.fault, stream.rest = stream.fault or "the last body breaks off", held


def _grouped(frames: Iterator[bytes]) -> Iterator[list[bytes]]:
    group: list[bytes] = []
    size = 0
    for frame in frames:
        group.append(frame)
        size += len(frame)
        if size >= CHUNK_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def _records(of: Signal, bodies: pa.Table) -> pa.Table:
    """Flatten export requests to their records; ValueError or DecodeError if one is malformed."""
    of_body, groups = _down(_groups(of, bodies["body"].combine_chunks()))
    of_group, scopes = _down(pc.struct_field(groups, of.levels[1]))
    of_scope, records = _down(pc.struct_field(scopes, of.levels[2]))
    if of.name == "metrics":
        of_scope, table = _points(of_scope, records)
    else:
        table = pa.Table.from_struct_array(_readable(records))
    of_group = of_group.take(of_scope)
    origin = bodies.select(["path", "ingested_at"]).take(of_body.take(of_group))
    shared = {
        "resource": _shared(groups, "resource").take(of_group),
        "scope": _shared(scopes, "scope").take(of_scope),
    }
    return pa.table(_columns(table) | shared | _columns(origin))


def _groups(of: Signal, bodies: Array) -> Array:
    """Give the outermost list of each request."""
    if pa.types.is_binary(bodies.type):
        return of.handler.array_to_record_batch(bodies).column(of.levels[0])
    return pc.struct_field(bodies, of.levels[0])


def _down(lists: Array) -> tuple[Array, Array]:
    """Go down into lists of messages: for each item the index of its list, and the items."""
    items: Array = pc.list_flatten(lists)
    if items.null_count:
        raise ValueError("an item is null")
    return pc.list_parent_indices(lists), items


def _points(of_scope: Array, metrics: Array) -> tuple[Array, pa.Table]:
    """Flatten metrics of all kinds to data points, and say which scope each is from."""
    scopes, tables = [], []
    for kind in METRIC_KINDS:
        data = pc.struct_field(metrics, kind)
        of_metric, points = _down(pc.struct_field(data, "data_points"))
        described = {f"metric_{name}": pc.struct_field(metrics, name) for name in ("name", "unit")}
        for name in {field.name for field in data.type} - {"data_points"}:
            described[name] = pc.struct_field(data, name)
        described["metric_type"] = pa.repeat(kind, len(metrics))
        of_point = pa.table(described).take(of_metric)
        points_table = pa.Table.from_struct_array(_readable(points))
        tables.append(pa.table(_columns(points_table) | _columns(of_point)))
        scopes.append(of_scope.take(of_metric))
    return pa.concat_arrays(scopes), pa.concat_tables(tables, promote_options="default")


def _columns(table: pa.Table) -> dict[str, Any]:
    return dict(zip(table.column_names, table.columns, strict=True))


def _readable(array: Array, name: str = "") -> Array:
    """Make what was left unparsed JSON text, at any depth."""
    if name in UNPARSED:
        return _texts(array, name).dictionary_decode()
    if pa.types.is_list(array.type):
        values = _readable(array.values, name)
        return pa.ListArray.from_arrays(array.offsets, values, mask=array.is_null())
    if pa.types.is_struct(array.type):
        fields = [field.name for field in array.type]
        children = [_readable(array.field(i), field) for i, field in enumerate(fields)]
        return pa.StructArray.from_arrays(children, fields, mask=array.is_null())
    return array


def _shared(messages: Array, name: str) -> Array:
    """Give the resource or scope of each message; one that is absent is empty."""
    unparsed = pc.struct_field(messages, name)
    nothing = b"" if pa.types.is_binary(unparsed.type) else "{}"
    return _texts(pc.fill_null(unparsed, nothing), name)


def _texts(unparsed: Array, name: str) -> Array:
    """Write messages as JSON text, looking at each distinct one once."""
    distinct = unparsed.dictionary_encode()
    texts = [_text(value, UNPARSED[name]) for value in distinct.dictionary.to_pylist()]
    return pa.DictionaryArray.from_arrays(distinct.indices, pa.array(texts, pa.string()))


def _text(unparsed: bytes | str, kind: type[Message]) -> str:
    if isinstance(unparsed, bytes):
        message = kind.FromString(unparsed)
    else:
        try:
            message = json_format.Parse(unparsed, kind(), ignore_unknown_fields=True)
        except json_format.ParseError as error:
            raise ValueError(str(error)) from error
    return orjson.dumps(_plain(message), option=orjson.OPT_SORT_KEYS).decode()


def _plain(message: Any) -> Any:
    """Turn a message into what JSON has; bytes become base64."""
    match message:
        case Resource():
            return _map(message.attributes)
        case InstrumentationScope():
            attributes = _map(message.attributes)
            scope = {"name": message.name, "version": message.version, "attributes": attributes}
            return {key: value for key, value in scope.items() if value}
        case ArrayValue():
            return [_plain(value) for value in message.values]
        case KeyValueList():
            return _map(message.values)
    kind = message.WhichOneof("value")
    value = getattr(message, kind) if kind else None
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return _plain(value) if isinstance(value, Message) else value


def _map(entries: Iterable[KeyValue]) -> dict[str, Any]:
    return {entry.key: _plain(entry.value) for entry in entries}
