"""The OTLP decoder: equal to a plain loop over the messages, and never surprised by bytes."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from ingest.read import otlp
from ingest.read.stream import Chunk
from tests.ingest.otlp_samples import REQUESTS, SAMPLES, framed, many

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
    assert reasons(chunks) == ["no OTLP body begins here"]


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
