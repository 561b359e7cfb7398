"""The OTLP decoder: equal to a plain loop over the messages, and never surprised by bytes."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import zstandard
from google.protobuf import json_format  # type: ignore[import-untyped]  # ships no types
from google.protobuf.message import Message  # type: ignore[import-untyped]  # ships no types
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from ingest.read import bodies, otlp
from ingest.read.stream import Chunk
from tests.ingest.otlp_samples import ODD, REQUESTS, SAMPLES, as_json, framed, many, varint_framed

NOW = datetime(2025, 1, 15, tzinfo=UTC)
SPANS = [request.SerializeToString() for request in SAMPLES["traces"]()]


def read(path: Path, content: bytes, signal: str = "traces") -> list[Chunk]:
    path.write_bytes(content)
    return list(otlp.read(signal, path, NOW))


def rows(chunks: list[Chunk]) -> list[dict[str, Any]]:
    return [row for chunk in chunks for row in chunk.raw.to_pylist()]


def reasons(chunks: list[Chunk]) -> list[str]:
    return [broken.reason for chunk in chunks for broken in chunk.broken]


def spans_of(bodies: list[bytes]) -> Iterator[tuple[bytes, bytes, str, int, int]]:
    """What a loop over protobuf's own messages finds."""
    for body in bodies:
        for group in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in group.scope_spans:
                for span in scope.spans:
                    yield (
                        span.trace_id,
                        span.span_id,
                        span.name,
                        span.end_time_unix_nano,
                        len(span.attributes),
                    )


def test_columns_hold_what_the_messages_hold(tmp_path: Path) -> None:
    bodies = [*SPANS, *many("traces", 200, in_a_body=50)]
    found = [
        (
            row["trace_id"],
            row["span_id"],
            row["name"],
            row["end_time_unix_nano"],
            len(row["attributes"]),
        )
        for row in rows(read(tmp_path / "t", framed(bodies)))
    ]
    assert found == list(spans_of(bodies))


def test_a_broken_body_is_set_aside_and_its_neighbours_are_read(tmp_path: Path) -> None:
    good = list(many("traces", 60, in_a_body=10))
    bodies = [*good[:2], b"\x0a\xff", *good[2:5], b"junk", *good[5:]]
    chunks = read(tmp_path / "t", framed(bodies))
    assert [row["trace_id"] for row in rows(chunks)] == [one[0] for one in spans_of(good)]
    assert [(one.position, one.raw) for chunk in chunks for one in chunk.broken] == [
        (3, "0aff"),
        (7, b"junk".hex()),
    ]


def test_a_body_cut_short_is_said(tmp_path: Path) -> None:
    chunks = read(tmp_path / "t", framed(SPANS)[:-3])
    assert len(rows(chunks)) == len(list(spans_of(SPANS[:-1])))
    assert reasons(chunks) == ["the last body breaks off"]


def test_a_length_that_no_body_has_ends_the_reading(tmp_path: Path) -> None:
    chunks = read(tmp_path / "t", framed(SPANS) + b"\xff\xff\xff\xff rest")
    assert len(rows(chunks)) == 3
    assert reasons(chunks) == ["no body begins here"]


def test_values_nested_deeper_than_protobuf_allows_are_set_aside(tmp_path: Path) -> None:
    body = b""
    for _ in range(5000):
        size, head = len(body), b""
        while True:
            head += bytes([size & 127 | (128 if size > 127 else 0)])
            size >>= 7
            if not size:
                break
        body = b"\x0a" + head + body
    chunks = read(tmp_path / "t", framed([SPANS[0], body]))
    assert len(rows(chunks)) + len(reasons(chunks)) in (3, 4)
    assert len(rows(chunks)) >= 2


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=200), st.sampled_from(sorted(REQUESTS)))
def test_random_bytes_never_surprise_it_nor_harm_their_neighbours(
    tmp_path_factory: pytest.TempPathFactory, junk: bytes, signal: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "junk"
    read(path, junk, signal)
    good = list(many(signal, 4, in_a_body=2))
    alone = read(path, framed(good), signal)
    among = read(path, framed([good[0], junk, good[1]]), signal)
    assert len(rows(among)) >= len(rows(alone)) == 4


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), st.sampled_from(sorted(REQUESTS)))
def test_damaged_bodies_never_lose_the_good_ones(
    tmp_path_factory: pytest.TempPathFactory, seed: int, signal: str
) -> None:
    rng = random.Random(seed)
    (good,) = many(signal, 4, seed, in_a_body=4)
    damaged = bytearray(good)
    for _ in range(rng.randrange(1, 5)):
        damaged[rng.randrange(len(damaged))] = rng.randrange(256)
    bodies = [good, bytes(damaged[: rng.randrange(len(damaged) + 1)]), good]
    path = tmp_path_factory.getbasetemp() / "damaged"
    chunks = read(path, framed(bodies), signal)
    kept, alone = (
        Counter(repr(row | {"position": 0}) for row in rows(of))
        for of in (chunks, read(path, framed([good]), signal))
    )
    assert len(reasons(chunks)) <= 1
    assert kept >= alone + alone


def compressed(bodies: list[bytes]) -> bytes:
    return framed(zstandard.compress(body) for body in bodies)


def json_spelled(request: Message, spelling: str) -> str:
    """Write a request as JSON in one of the ways found in files."""
    if spelling == "otlp":
        return as_json(request)
    options = {"preserving_proto_field_name": spelling == "as in .proto"}
    return str(json_format.MessageToJson(request, indent=None, **options))


def without_position(found: list[dict[str, Any]]) -> list[str]:
    plain = (row | {"position": 0, "path": "", "ingested_at": ""} for row in found)
    return [json.dumps(row, sort_keys=True, default=repr) for row in plain]


@pytest.mark.parametrize("signal", SAMPLES)
@pytest.mark.parametrize(
    "join", [varint_framed, compressed, b"".join], ids=["varint", "zstd bodies", "alone"]
)
def test_however_bodies_are_joined_they_are_the_same(
    tmp_path: Path, signal: str, join: Callable[[list[bytes]], bytes]
) -> None:
    bodies = [request.SerializeToString() for request in SAMPLES[signal]()]
    expected = rows(read(tmp_path / "framed", framed(bodies), signal))
    found = rows(read(tmp_path / "t", join(bodies), signal))
    assert sorted(without_position(found)) == sorted(without_position(expected))


@pytest.mark.parametrize("signal", SAMPLES)
@pytest.mark.parametrize("spelling", ["otlp", "protobuf's own", "as in .proto"])
def test_json_however_spelled_says_the_same_as_protobuf(
    tmp_path: Path, signal: str, spelling: str
) -> None:
    requests = SAMPLES[signal]() + ODD[signal]()
    bodies = framed(request.SerializeToString() for request in requests)
    expected = rows(read(tmp_path / "framed", bodies, signal))
    texts = [json_spelled(request, spelling) for request in requests]
    lines = rows(read(tmp_path / "lines", "\n".join(texts).encode(), signal))
    assert sorted(without_position(lines)) == sorted(without_position(expected))
    packed = compressed([text.encode() for text in texts])
    found = rows(read(tmp_path / "packed", packed, signal))
    assert without_position(found) == without_position(lines)


def test_a_damaged_zstd_body_and_one_too_large_are_set_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "MAX_BODY_BYTES", 1 << 20)
    good, bomb = zstandard.compress(SPANS[0]), zstandard.compress(SPANS[0] * 10_000)
    chunks = read(tmp_path / "t", framed([good, good[:-9], bomb, good]))
    assert len(rows(chunks)) == 2 * len(list(spans_of(SPANS[:1])))
    assert [one.position for chunk in chunks for one in chunk.broken] == [2, 3]


def test_a_body_that_is_no_json_among_bodies_of_json_is_set_aside(tmp_path: Path) -> None:
    good = as_json(SAMPLES["logs"]()[0]).encode()
    chunks = read(tmp_path / "t", compressed([good, b"{junk", good]), "logs")
    assert len(rows(chunks)) == 4
    assert [(one.position, one.raw) for chunk in chunks for one in chunk.broken] == [(2, "{junk")]


def test_labels_of_otlp_0_7_are_read(tmp_path: Path) -> None:
    # resource_metrics { instrumentation_library_metrics { metrics { name double_summary {
    #   data_points { labels { key value } time_unix_nano } } } } }
    label = b"\x0a\x09Namespace\x12\x07AWS/RDS"
    point = b"\x0a" + bytes([len(label)]) + label + b"\x19" + (1).to_bytes(8, "little")
    summary = b"\x0a" + bytes([len(point)]) + point
    metric = b"\x0a\x03cpu\x5a" + bytes([len(summary)]) + summary
    body = b"\x0a" + bytes([len(metric) + 4, 0x12, len(metric) + 2, 0x12, len(metric)]) + metric
    (row,) = rows(read(tmp_path / "t", framed([body]), "metrics"))
    assert row["labels"] == [{"key": "Namespace", "value": "AWS/RDS"}]
    assert (row["metric_name"], row["metric_type"], row["time_unix_nano"]) == ("cpu", "summary", 1)
