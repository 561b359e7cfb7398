"""Prometheus remote-write: `raw` is one row a series of a request, or a family's metadata.

Versions 1.0 (`prometheus.WriteRequest`) and 2.0 (`io.prometheus.write.v2.Request`), which share no
field number, so that one message reads both. A file is one body as it was sent, or bodies behind 4
bytes of length; a body is snappy, zstd or plain protobuf.
https://prometheus.io/docs/specs/prw/remote_write_spec/
https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/

`raw` has position, `labels` (a list of {name, value}), `samples`, `histograms` and `exemplars` as
in the protocol, `type`, `help`, `unit` of the series' metadata, `created` (ms), path, ingested_at;
of a family's metadata `family` and no labels.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import ptars
import pyarrow as pa
import pyarrow.compute as pc
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto  # type: ignore[import-untyped]  # ships no types
from google.protobuf.descriptor_pool import DescriptorPool  # type: ignore[import-untyped]  # as above

from ingest.read import bodies
from ingest.read.stream import Broken, Chunk

Array: TypeAlias = Any  # the stubs of pyarrow do not know nested arrays

TEXT = """json_merge_patch(to_json(raw), '{"path": null, "ingested_at": null}')::VARCHAR"""

_MESSAGES = {
    "Request": "Series* timeseries 1, Family* metadata 3, string* symbols 4, SeriesOf2* series 5",
    "Series": "Label* labels 1, Sample* samples 2, Exemplar* exemplars 3, Histogram* histograms 4",
    "SeriesOf2": "uint32* labels_refs 1, Sample* samples 2, Histogram* histograms 3, "
    "ExemplarOf2* exemplars 4, Metadata metadata 5, int64 created_timestamp 6",
    "Label": "string name 1, string value 2",
    "Sample": "double value 1, int64 timestamp 2",
    "Exemplar": "Label* labels 1, double value 2, int64 timestamp 3",
    "ExemplarOf2": "uint32* labels_refs 1, double value 2, int64 timestamp 3",
    "Family": "int32 type 1, string metric_family_name 2, string help 4, string unit 5",
    "Metadata": "int32 type 1, uint32 help_ref 3, uint32 unit_ref 4",
    "Span": "sint32 offset 1, uint32 length 2",
    "Histogram": "uint64 count_int 1, double count_float 2, double sum 3, sint32 schema 4, "
    "double zero_threshold 5, uint64 zero_count_int 6, double zero_count_float 7, "
    "Span* negative_spans 8, sint64* negative_deltas 9, double* negative_counts 10, "
    "Span* positive_spans 11, sint64* positive_deltas 12, double* positive_counts 13, "
    "int32 reset_hint 14, int64 timestamp 15, double* custom_values 16",
}
_SCALARS = {
    name: getattr(FieldDescriptorProto, f"TYPE_{name.upper()}")
    for name in ("string", "double", "int32", "int64", "uint32", "uint64", "sint32", "sint64")
}
_EXCLUSIVE = {"count_int": 0, "count_float": 0, "zero_count_int": 1, "zero_count_float": 1}
_STALE = 0x7FF0000000000002


def read(path: Path, now: datetime) -> Iterator[Chunk]:
    """Read a file's series; a body that cannot be decoded is broken, and told by its number."""
    first = 1
    for chunk in bodies.read(path, now, _framing):
        series, refused = bodies.decoded(_series, chunk.raw)
        position = pa.array(np.arange(first, first + len(series)))
        lost = tuple(
            Broken(
                row["position"], "the body is no remote-write request", bodies.shown(row["body"])
            )
            for row in refused.to_pylist()
        )
        yield Chunk(series.append_column("position", position), chunk.broken + lost, chunk.consumed)
        first += len(series)


def empty() -> pa.Table:
    """The relation `raw` without rows."""
    return _series(bodies.SCHEMA.empty_table()).append_column("position", pa.array([], pa.int64()))


def _framing(head: bytes) -> bodies.Cut:
    return bodies.after_fixed if bodies.is_fixed(head) else bodies.alone


def _series(requests: pa.Table) -> pa.Table:
    """Flatten requests to series; ValueError or DecodeError if one is malformed."""
    sent: list[Any] = requests["body"].to_pylist()
    plain = pa.array([_plain(body) for body in sent], pa.binary())
    batch: Any = _handler().array_to_record_batch(plain)
    parts = [
        _of_1(batch.column("timeseries")),
        _of_2(batch.column("series"), batch.column("symbols")),
        _families(batch.column("metadata")),
    ]
    of_body = pa.concat_arrays([body for body, _ in parts])
    order = pc.array_sort_indices(of_body)
    table = pa.concat_tables([part for _, part in parts], promote_options="default")
    origin = requests.select(["path", "ingested_at"]).take(of_body)
    for name in origin.column_names:
        table = table.append_column(name, origin[name])
    return table.take(order)


def _plain(body: bytes) -> bytes:
    """What a snappy block holds; what is none is protobuf already."""
    found = bodies.varint(body[:5])
    if not found or not 0 < found[0] <= bodies.MAX_BODY_BYTES:
        return body
    try:
        return pa.decompress(body, found[0], codec="snappy", asbytes=True)
    except OSError:
        return body


def _of_1(lists: Array) -> tuple[Array, pa.Table]:
    of_body, series = pc.list_parent_indices(lists), pc.list_flatten(lists)
    names = ("labels", "histograms", "exemplars")
    table = pa.table({name: pc.struct_field(series, name) for name in names})
    return of_body, table.append_column("samples", _samples(series))


def _of_2(lists: Array, symbols: Array) -> tuple[Array, pa.Table]:
    """The same of version 2, whose texts are numbers of its request's symbols."""
    of_body: Array = pc.list_parent_indices(lists)
    series: Array = pc.list_flatten(lists)
    exemplars = pc.struct_field(series, "exemplars")
    of_exemplar = _parents(exemplars, of_body)
    each = pc.list_flatten(exemplars)
    shaped = pa.StructArray.from_arrays(
        [
            _labels(pc.struct_field(each, "labels_refs"), of_exemplar, symbols),
            pc.struct_field(each, "value"),
            pc.struct_field(each, "timestamp"),
        ],
        ["labels", "value", "timestamp"],
    )
    metadata = pc.struct_field(series, "metadata")
    texts = {
        name: _symbols(pc.fill_null(pc.struct_field(metadata, f"{name}_ref"), 0), of_body, symbols)
        for name in ("help", "unit")
    }
    return of_body, pa.table(
        {
            "labels": _labels(pc.struct_field(series, "labels_refs"), of_body, symbols),
            "samples": _samples(series),
            "histograms": pc.struct_field(series, "histograms"),
            "exemplars": _lists(_lengths(exemplars), shaped),
            "type": pc.struct_field(metadata, "type"),
            "created": pc.struct_field(series, "created_timestamp"),
        }
        | texts
    )


def _samples(series: Array) -> Array:
    """Samples with `is_stale`: that the series ends there is told by one NaN among many."""
    samples = pc.struct_field(series, "samples")
    each = pc.list_flatten(samples)
    value, timestamp = (pc.struct_field(each, name) for name in ("value", "timestamp"))
    is_stale = pa.array(np.asarray(value).view(np.uint64) == _STALE)
    shaped = pa.StructArray.from_arrays(
        [value, timestamp, is_stale], ["value", "timestamp", "is_stale"]
    )
    return _lists(_lengths(samples), shaped)


def _families(lists: Array) -> tuple[Array, pa.Table]:
    """What version 1 tells of a family, in requests of their own: a row without samples."""
    of_body, families = pc.list_parent_indices(lists), pc.list_flatten(lists)
    names = ("type", "help", "unit", "metric_family_name")
    table = pa.table({name: pc.struct_field(families, name) for name in names})
    return of_body, table.rename_columns(["type", "help", "unit", "family"])


def _labels(refs: Array, of_body: Array, symbols: Array) -> Array:
    """Make lists of numbers, a name's and a value's in turn, lists of {name, value}."""
    lengths = _lengths(refs)
    if (lengths % 2).any():
        raise ValueError("a label has a name and no value")
    texts = _symbols(pc.list_flatten(refs), _parents(refs, of_body), symbols)
    names, values = (texts.take(pa.array(np.arange(at, len(texts), 2))) for at in (0, 1))
    return _lists(lengths // 2, pa.StructArray.from_arrays([names, values], ["name", "value"]))


def _symbols(refs: Array, of_body: Array, symbols: Array) -> Array:
    """Look up numbers among the symbols of their requests; symbol 0 is '' where there is none."""
    body, number = np.asarray(of_body), np.asarray(refs)
    known, starts = _lengths(symbols), np.asarray(symbols.offsets)[:-1]
    if (number >= np.maximum(known[body], 1)).any():
        raise ValueError("a symbol is not there")
    at = pa.array(starts[body] + number, mask=known[body] == 0)
    return pc.fill_null(symbols.values.take(at), "")


def _parents(lists: Array, of_body: Array) -> Array:
    """For each item of lists the body that its list is of."""
    return of_body.take(pc.list_parent_indices(lists))


def _lengths(lists: Array) -> Any:
    lengths: Array = pc.list_value_length(lists)
    return np.asarray(pc.fill_null(lengths, 0))


def _lists(lengths: Any, values: Array) -> Array:
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values)


@cache
def _handler() -> Any:
    file = FileDescriptorProto(name="remote_write.proto", package="prw", syntax="proto3")
    for message, fields in _MESSAGES.items():
        made = file.message_type.add(name=message)
        if message == "Histogram":
            made.oneof_decl.add(name="total")
            made.oneof_decl.add(name="zeros")
        for field in fields.split(", "):
            kind, name, number = field.split()
            made.field.append(_field(kind, name, int(number)))
    pool = DescriptorPool()
    pool.Add(file)
    found = pool.FindFileByName(file.name)
    return ptars.HandlerPool([found]).get_for_message(found.message_types_by_name["Request"])


def _field(kind: str, name: str, number: int) -> FieldDescriptorProto:
    field = FieldDescriptorProto(name=name, number=number)
    base = kind.removesuffix("*")
    field.label = field.LABEL_OPTIONAL if base == kind else field.LABEL_REPEATED
    field.type = _SCALARS.get(base, field.TYPE_MESSAGE)
    if base not in _SCALARS:
        field.type_name = f".prw.{base}"
    if name in _EXCLUSIVE:
        field.oneof_index = _EXCLUSIVE[name]
    return field
