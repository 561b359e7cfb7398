"""The remote-write decoder: both versions, however compressed, and never surprised by bytes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.read import remote_write
from ingest.read.stream import Chunk
from tests.ingest.otlp_samples import framed
from tests.ingest.remote_write_samples import many, message, sample, series, snappy, version_2

NOW = datetime(2025, 1, 15, tzinfo=UTC)
PLAIN = message({1: [series("up", {"job": "orders"}, {2: [sample(1)]})]})


def read(path: Path, content: bytes) -> list[Chunk]:
    path.write_bytes(content)
    return list(remote_write.read(path, NOW))


def rows(chunks: list[Chunk]) -> list[dict[str, Any]]:
    return [row for chunk in chunks for row in chunk.raw.to_pylist()]


@pytest.mark.parametrize(
    "content",
    [PLAIN, snappy(PLAIN), zstandard.compress(PLAIN), framed([zstandard.compress(PLAIN)])],
    ids=["plain", "snappy", "zstd", "framed zstd"],
)
def test_a_body_is_read_however_it_is_compressed(tmp_path: Path, content: bytes) -> None:
    (row,) = rows(read(tmp_path / "t", content))
    assert row["labels"] == [
        {"name": "__name__", "value": "up"},
        {"name": "job", "value": "orders"},
    ]
    assert [one["value"] for one in row["samples"]] == [1.0]


def test_series_of_both_versions_keep_their_order_and_numbers(tmp_path: Path) -> None:
    second = version_2()[0]
    chunks = read(tmp_path / "t", framed([snappy(PLAIN), second, snappy(PLAIN)]))
    names = [row["labels"][0]["value"] for row in rows(chunks)]
    assert names == ["up", "jobs_done", "jobs", "up"]
    assert [row["position"] for row in rows(chunks)] == [1, 2, 3, 4]


def test_a_symbol_that_is_not_there_sets_only_its_body_aside(tmp_path: Path) -> None:
    chunks = read(tmp_path / "t", framed([snappy(PLAIN), *version_2(), snappy(PLAIN)]))
    assert len(rows(chunks)) == 4
    assert [one.position for chunk in chunks for one in chunk.broken] == [3]


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=200))
def test_random_bytes_never_surprise_it_nor_harm_their_neighbours(
    tmp_path_factory: pytest.TempPathFactory, junk: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "junk"
    read(path, junk)
    read(path, snappy(junk))
    good = list(many(4, in_a_body=2))
    assert len(rows(read(path, framed([good[0], junk, good[1]])))) >= 4
