"""What the samples of metrics cannot show: times of now, tables of more than a chunk."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ingest.read import stream
from ingest.run import ingest
from lake.store import Lake
from tests.ingest.otlp_samples import framed
from tests.ingest.remote_write_samples import many


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    with Lake.create(tmp_path / "lake") as made:
        yield made


def points(lake: Lake, query: str) -> list[dict[str, Any]]:
    return lake.at().ask(f"SELECT {query} FROM metric_point ORDER BY ALL").dicts()


def test_a_sample_without_a_time_is_of_when_it_was_ingested_and_says_so(
    lake: Lake, tmp_path: Path
) -> None:
    file = tmp_path / "metrics.prom"
    file.write_text("# TYPE up gauge\nup 1\n", "utf-8")
    before = datetime.now(UTC)
    assert ingest(lake, "prometheus_text", [file]).mapped == 1
    (point,) = points(lake, """ "time", ingested_at, unmapped->>'$.time' AS told""")
    assert before <= point["time"] == point["ingested_at"]
    assert point["told"] == "not given: it is when this was ingested"


def test_columns_of_a_table_keep_their_roles_from_chunk_to_chunk(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "CHUNK_BYTES", 2048)
    rows = (f"2025-01-15T10:{n // 60:02}:{n % 60:02}Z,pod-{n % 3},{n}\n" for n in range(600))
    file = tmp_path / "cpu.csv.gz"
    file.write_bytes(gzip.compress(("time,pod,cpu\n" + "".join(rows)).encode()))
    summary = ingest(lake, "wide_csv", [file])
    assert (summary.mapped, summary.quarantined) == (600, {})
    assert points(lake, "count(DISTINCT series_uid) AS series, sum(value)::INT AS total") == [
        {"series": 3, "total": 179_700}
    ]


def test_every_series_of_many_requests_is_a_point(lake: Lake, tmp_path: Path) -> None:
    file = tmp_path / "remote_write.prompb"
    file.write_bytes(framed(many(3000)))
    assert ingest(lake, "prometheus_remote_write", [file]).mapped == 3000
    assert points(lake, "count(DISTINCT value) AS n, min(workload.pod) AS pod") == [
        {"n": 3000, "pod": "orders-6f7d9c8b5-x2k4q"}
    ]
