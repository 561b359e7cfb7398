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
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import zstandard
from google.protobuf import json_format  # type: ignore[import-untyped]  # ships no types
from google.protobuf.message import Message  # type: ignore[import-untyped]  # as above
from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    ArrayValue,
    InstrumentationScope,
    KeyValue,
    KeyValueList,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from ingest.read import bodies, json
from ingest.read.otlp_messages import METRIC_KINDS, UNPARSED, Signal, from_json, signal
from ingest.read.stream import RAW_CHARACTERS, Broken, Chunk, Stream

Array: TypeAlias = Any  # the stubs of pyarrow do not know nested arrays

_FIELD_1 = 0x0A
_SORTED = orjson.OPT_SORT_KEYS
_SNAKE = re.compile(r"(?<!^)([A-Z])")
_OF_METRIC = ("name", "description", "unit", "metadata")


def read(name: str, path: Path, now: datetime) -> Iterator[Chunk]:
    """Read a file of `traces`, `metrics` or `logs`; a body that cannot be decoded is broken.

    Records are numbered through the file, and what is broken has the number of its body.
    """
    of, first = signal(name), 1
    for chunk in _json(of, path, now) if _is_json(path) else _framed(of, path, now):
        records, refused = bodies.decoded(partial(_records, of), chunk.raw)
        position = pa.array(np.arange(first, first + len(records)))
        records = records.append_column("position", position)
        yield Chunk(records, chunk.broken + _broken(of, refused), chunk.consumed)
        first += len(records)


def begins(head: bytes) -> bool:
    """Whether a file that begins so can be OTLP: its first body begins with its first field."""
    found = None if head[0] == _FIELD_1 else _framing(head)(head, 0)
    at = found[0] if found else 0
    return head[at] == _FIELD_1 or head[at:].startswith(zstandard.FRAME_HEADER)


def empty(name: str) -> pa.Table:
    """The relation `raw` of a signal, without rows."""
    records = _records(signal(name), bodies.SCHEMA.empty_table())
    return records.append_column("position", pa.array([], pa.int64()))


def _broken(of: Signal, refused: pa.Table) -> tuple[Broken, ...]:
    rows: list[dict[str, Any]] = refused.to_pylist()
    reason = f"the body is not an OTLP {of.name} request"
    return tuple(
        Broken(
            row["position"],
            reason,
            row.get("doc", "")[:RAW_CHARACTERS] or bodies.shown(row["body"]),
        )
        for row in rows
    )


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
        valid = "SELECT *, CASE WHEN json_valid(doc) THEN doc END AS valid FROM docs"
        query = f"SELECT * EXCLUDE (valid), {from_json(of, 'valid')} AS body FROM ({valid})"
        docs = connection.sql(query).to_arrow_table()
    is_request = pc.is_valid(docs["body"])
    return docs.filter(is_request), _broken(of, docs.filter(pc.invert(is_request)))


def _framed(of: Signal, path: Path, now: datetime) -> Iterator[Chunk]:
    """Read bodies of protobuf; if the first of a chunk is JSON, all are."""
    for chunk in bodies.read(path, now, _framing):
        first: list[Any] = chunk.raw["body"][:1].to_pylist()
        if first and first[0].startswith(b"{"):
            contents: list[Any] = chunk.raw["body"].to_pylist()
            texts = [content.decode(errors="replace") for content in contents]
            docs = chunk.raw.set_column(1, "doc", pa.array(texts, pa.string()))
            yield Chunk(*_parsed(of, docs), chunk.consumed)
        else:
            yield chunk


def _framing(head: bytes) -> bodies.Cut:
    """Tell by the first byte how bodies are told apart: each begins with its field 1."""
    if bodies.is_fixed(head):
        return bodies.after_fixed
    return bodies.alone if head[0] == _FIELD_1 else bodies.after_varint


def _records(of: Signal, requests: pa.Table) -> pa.Table:
    """Flatten export requests to their records; ValueError or DecodeError if one is malformed."""
    of_body, groups = _down(_groups(of, requests["body"].combine_chunks()))
    of_group, scopes = _down(pc.struct_field(groups, of.levels[1]))
    of_scope, records = _down(pc.struct_field(scopes, of.levels[2]))
    if of.name == "metrics":
        of_scope, table = _points(of_scope, records)
    else:
        table = pa.Table.from_struct_array(_readable(records))
    of_group = of_group.take(of_scope)
    origin = requests.select(["path", "ingested_at"]).take(of_body.take(of_group))
    shared = {
        "resource": _shared(groups, "resource").take(of_group),
        "resource_rest": _shared(groups, "resource", "resource_rest").take(of_group),
        "resource_schema_url": pc.struct_field(groups, "schema_url").take(of_group),
        "scope": _shared(scopes, "scope").take(of_scope),
        "scope_schema_url": pc.struct_field(scopes, "schema_url").take(of_scope),
    }
    return pa.table(_columns(table) | shared | _columns(origin))


def _groups(of: Signal, requests: Array) -> Array:
    """Give the outermost list of each request."""
    if pa.types.is_binary(requests.type):
        return of.handler.array_to_record_batch(requests).column(of.levels[0])
    return pc.struct_field(requests, of.levels[0])


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
