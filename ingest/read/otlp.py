"""OTLP: `raw` is one row a span, log record or data point, its columns named as in the protocol.

https://opentelemetry.io/docs/specs/otlp/ and the messages of opentelemetry-proto. A file holds
export requests: JSON, one a document; protobuf, one alone, or each behind its length. That is 4
bytes, big-endian, as the OTel Collector's file exporter writes (which, if told to compress, makes
each request a zstd frame, JSON or not), or a varint, as a CloudWatch metric stream has it.

Beside the record's own fields `raw` has position, path, ingested_at, `resource` (JSON text of the
resource's attributes), `resource_rest` (of what else it has, or NULL), `scope` (JSON text of name,
version, attributes), `resource_schema_url`, `scope_schema_url` and, for a data point, the fields of
its metric. `attributes` is a list of {key, value}, a value a struct of which one field is
set; arrays and maps inside are JSON text.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import zstandard
from google.protobuf import json_format  # type: ignore[import-untyped]  # ships no types
from google.protobuf.message import DecodeError, Message  # type: ignore[import-untyped]  # as above
from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    ArrayValue,
    InstrumentationScope,
    KeyValue,
    KeyValueList,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from ingest.read import json
from ingest.read.otlp_messages import METRIC_KINDS, UNPARSED, Signal, from_json, signal
from ingest.read.stream import (
    CHUNK_BYTES,
    COMPRESSED_BLOCK_BYTES,
    RAW_CHARACTERS,
    Broken,
    Chunk,
    Stream,
    arrivals,
)

Array: TypeAlias = Any  # the stubs of pyarrow do not know nested arrays
Cut: TypeAlias = Callable[[bytes, int], tuple[int, int] | None]

MAX_BODY_BYTES = 64 << 20

_FIXED_LENGTH_BYTES = 4
_VARINT_BYTES = 5
_FIELD_1 = 0x0A
_SORTED = orjson.OPT_SORT_KEYS
_SNAKE = re.compile(r"(?<!^)([A-Z])")
_OF_METRIC = ("name", "description", "unit", "metadata")
_BODIES = json.SCHEMA.set(1, pa.field("body", pa.binary()))


def read(name: str, path: Path, now: datetime) -> Iterator[Chunk]:
    """Read a file of `traces`, `metrics` or `logs`; a body that cannot be decoded is broken.

    Records are numbered through the file, and what is broken has the number of its body.
    """
    of, first = signal(name), 1
    for chunk in _json(of, path, now) if _is_json(path) else _framed(of, path, now):
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
    for chunk in json.read(path, now):
        docs, broken = _parsed(of, chunk.raw)
        yield Chunk(docs, chunk.broken + broken, chunk.consumed)


def _parsed(of: Signal, docs: pa.Table) -> tuple[pa.Table, tuple[Broken, ...]]:
    """Give documents of JSON their `body`, and say which are no requests."""
    with json.database().cursor() as connection:
        connection.register("docs", docs)
        docs = connection.sql(
            f"SELECT *, {from_json(of, 'doc')} AS body FROM docs"
        ).to_arrow_table()
    is_request = pc.is_valid(docs["body"])
    return docs.filter(is_request), _broken(of, docs.filter(pc.invert(is_request)))


def _framed(of: Signal, path: Path, now: datetime) -> Iterator[Chunk]:
    """Read a stream of bodies, some megabytes at a time."""
    received, seen = arrivals(path, now), 0
    with Stream(path) as stream:
        for bodies in _grouped(_frames(stream)):
            numbers = range(seen, seen + len(bodies))
            origin = pa.repeat(str(path), len(bodies))
            columns: list[Any] = [[n + 1 for n in numbers], bodies, origin, received(numbers)]
            raw, broken = _uniform(of, pa.table(columns, schema=_BODIES))
            yield Chunk(raw, broken, stream.consumed)
            seen += len(bodies)
        if stream.fault:
            fault = Broken(seen + 1, stream.fault, _hex(stream.rest))
            yield Chunk(_BODIES.empty_table(), (fault,), stream.consumed)


def _uniform(of: Signal, bodies: pa.Table) -> tuple[pa.Table, tuple[Broken, ...]]:
    """Bodies as they are, or if the first of them is JSON, all as JSON."""
    contents: list[Any] = bodies["body"].to_pylist()
    if not contents[0].startswith(b"{"):
        return bodies, ()
    texts = [content.decode(errors="replace") for content in contents]
    docs = bodies.set_column(1, "doc", pa.array(texts, pa.string()))
    return _parsed(of, docs)


def _frames(stream: Stream) -> Iterator[bytes]:
    """Cut a stream into its bodies; what cannot be cut becomes the stream's fault."""
    held, cut = b"", None
    for block in stream.blocks():
        held, at = held + block, 0
        cut = cut or _framing(held)
        while found := cut(held, at):
            start, end = found
            if end - start > MAX_BODY_BYTES:
                stream.fault, stream.rest = "no OTLP body begins here", held[at:]
                return
            if end > len(held):
                break
            yield _inflated(held[start:end])
            at = end
        held = held[at:]
    if held and cut is _alone and not stream.fault:
        yield held
    elif held:
        stream.fault, stream.rest = stream.fault or "the last body breaks off", held


def _framing(head: bytes) -> Cut:
    """Tell how bodies are told apart by the first byte: each body begins with its field 1."""
    if head[0] <= MAX_BODY_BYTES >> 24:
        return _after_fixed
    return _alone if head[0] == _FIELD_1 else _after_varint


def _after_fixed(held: bytes, at: int) -> tuple[int, int] | None:
    """Where the body begins and ends whose length stands in 4 bytes; None if not all do."""
    start = at + _FIXED_LENGTH_BYTES
    return (start, start + int.from_bytes(held[at:start])) if start <= len(held) else None


def _after_varint(held: bytes, at: int) -> tuple[int, int] | None:
    """The same of a length of 7 bits a byte, the lowest first, where the last byte is < 128."""
    length = 0
    for number, byte in enumerate(held[at : at + _VARINT_BYTES]):
        length |= (byte & 127) << 7 * number
        if byte < 128:
            return at + number + 1, at + number + 1 + length
    return (at, at + MAX_BODY_BYTES + 1) if len(held) >= at + _VARINT_BYTES else None


def _alone(held: bytes, at: int) -> tuple[int, int] | None:
    """None, as long as one body may hold all that there is."""
    return (at, len(held)) if len(held) > MAX_BODY_BYTES else None


def _inflated(body: bytes) -> bytes:
    """Decompress a body that is a zstd frame; one that is damaged or too large is left so."""
    if not body.startswith(zstandard.FRAME_HEADER):
        return body
    inflate, whole = zstandard.ZstdDecompressor().decompressobj(), b""
    try:
        for at in range(0, len(body), COMPRESSED_BLOCK_BYTES):
            whole += inflate.decompress(body[at : at + COMPRESSED_BLOCK_BYTES])
            if inflate.eof or len(whole) > MAX_BODY_BYTES:
                break
    except zstandard.ZstdError:
        return body
    return whole if inflate.eof and len(whole) <= MAX_BODY_BYTES else body


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
        "resource_rest": _shared(groups, "resource", "resource_rest").take(of_group),
        "resource_schema_url": pc.struct_field(groups, "schema_url").take(of_group),
        "scope": _shared(scopes, "scope").take(of_scope),
        "scope_schema_url": pc.struct_field(scopes, "schema_url").take(of_scope),
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
        described = {
            f"metric_{name}": _readable(pc.struct_field(metrics, name)) for name in _OF_METRIC
        }
        for name in sorted({field.name for field in data.type} - {"data_points"}):
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
        return _texts(array, name, name).dictionary_decode()
    if pa.types.is_list(array.type):
        values = _readable(array.values, name)
        return pa.ListArray.from_arrays(array.offsets, values, mask=array.is_null())
    if pa.types.is_struct(array.type):
        fields = [field.name for field in array.type]
        children = [_readable(array.field(i), field) for i, field in enumerate(fields)]
        return pa.StructArray.from_arrays(children, fields, mask=array.is_null())
    return array


def _shared(messages: Array, name: str, told: str = "") -> Array:
    """Give the resource or scope of each message; one that is absent is empty."""
    unparsed = pc.struct_field(messages, name)
    nothing = b"" if pa.types.is_binary(unparsed.type) else "{}"
    return _texts(pc.fill_null(unparsed, nothing), name, told or name)


def _texts(unparsed: Array, name: str, told: str) -> Array:
    """Write messages as JSON text, looking at each distinct one once."""
    distinct = unparsed.dictionary_encode()
    texts = [_text(value, UNPARSED[name], told) for value in distinct.dictionary.to_pylist()]
    return pa.DictionaryArray.from_arrays(distinct.indices, pa.array(texts, pa.string()))


def _text(unparsed: bytes | str, kind: type[Message], told: str) -> str | None:
    """Write what is told of a message; None if that is nothing."""
    try:
        plain = (
            _OF_MESSAGE[told](kind.FromString(unparsed))
            if isinstance(unparsed, bytes)
            else _OF_JSON[told](orjson.loads(unparsed))
        )
        return None if plain is None else orjson.dumps(plain, option=_SORTED).decode()
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"no {kind.DESCRIPTOR.name}: {error}") from error


def _resource_rest(message: Resource) -> dict[str, Any] | None:
    """What a resource has besides its attributes."""
    rest = json_format.MessageToDict(message, preserving_proto_field_name=True)
    return {name: value for name, value in rest.items() if name != "attributes"} or None


def _scope(message: InstrumentationScope) -> dict[str, Any]:
    scope = {
        "name": message.name,
        "version": message.version,
        "attributes": _map(message.attributes),
        "dropped_attributes_count": message.dropped_attributes_count,
    }
    return {name: value for name, value in scope.items() if value}


def _map(entries: Iterable[KeyValue]) -> dict[str, Any]:
    return {entry.key: _value(entry.value) for entry in entries}


def _value(message: AnyValue) -> Any:
    """Turn a value into what JSON has; bytes become base64."""
    kind = message.WhichOneof("value")
    value = getattr(message, kind) if kind else None
    match value:
        case ArrayValue():
            return [_value(one) for one in value.values]
        case KeyValueList():
            return _map(value.values)
        case bytes():
            return base64.b64encode(value).decode()
        case float():
            return _number(value)
    return value


def _number(value: float) -> float | str:
    """JSON has no numbers that are not finite."""
    return value if math.isfinite(value) else str(value)


def _json_resource_rest(resource: dict[str, Any]) -> dict[str, Any] | None:
    rest = {_SNAKE.sub(r"_\1", key).lower(): value for key, value in resource.items()}
    return {name: value for name, value in rest.items() if name != "attributes" and value} or None


def _json_scope(scope: dict[str, Any]) -> dict[str, Any]:
    rest = _json_resource_rest(scope) or {}
    return rest | ({"attributes": attributes} if (attributes := _json_map(scope)) else {})


def _json_map(holder: dict[str, Any], of: str = "attributes") -> dict[str, Any]:
    return {one["key"]: _json_value(one.get("value") or {}) for one in holder.get(of) or ()}


def _json_value(value: dict[str, Any]) -> Any:
    """The same as `_value` of JSON, where a 64-bit number is a text and may be a number."""
    for key, one in value.items():
        match key.removesuffix("Value").removesuffix("_value"):
            case "array":
                return [_json_value(item) for item in one.get("values") or ()]
            case "kvlist":
                return _json_map(one, "values")
            case "int":
                return int(one)
            case "double":
                return _number(float(one))
        return one
    return None


_OF_MESSAGE: dict[str, Callable[[Any], Any]] = {
    "resource": lambda resource: _map(resource.attributes),
    "resource_rest": _resource_rest,
    "scope": _scope,
    "array_value": lambda array: [_value(one) for one in array.values],
    "kvlist_value": lambda kvlist: _map(kvlist.values),
}
_OF_JSON: dict[str, Callable[[Any], Any]] = {
    "resource": _json_map,
    "resource_rest": _json_resource_rest,
    "scope": _json_scope,
    "array_value": lambda array: [_json_value(one) for one in array.get("values") or ()],
    "kvlist_value": lambda kvlist: _json_map(kvlist, "values"),
}
