"""TrainTicket, a system that is not ours, as Nezha's authors recorded and broke it."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingest.run import Summary
from lake.store import Lake
from tests.bench.adapters import Case
from tests.bench.adapters.windows import ingested
from tests.bench.test_sets import PACK

NAME = "nezha-trainticket"

pytestmark = [
    pytest.mark.bench,
    pytest.mark.skipif(not PACK.is_dir(), reason=f"the recorded faults are not here: {PACK}"),
]


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    with Lake.create(tmp_path / "lake") as made:
        yield made


def taken_in(lake: Lake, case: str) -> dict[str, Summary]:
    """Ingest a case with its calm minute; the summaries by their source."""
    found: Case = {"at": f"{case[3:7]}-{case[7:9]}-{case[9:11]}", "dir": f"{NAME}/{case}"}
    return {summary.source: summary for summary in ingested(lake, PACK, found)}


def rows_of(pattern: str) -> list[dict[str, str]]:
    """What Python's own reader finds in files of the set."""
    found: list[dict[str, str]] = []
    for path in sorted((PACK / NAME).glob(pattern)):
        with gzip.open(path, "rt", encoding="utf-8", newline="") as text:
            found += csv.DictReader(text)
    return found


def test_of_two_writers_in_one_file_only_the_torn_rows_are_set_aside(lake: Lake) -> None:
    logs = taken_in(lake, "tt-20230129-100434")["nezha_log"]
    assert logs.quarantined == {
        "the row has 10 fields, the header 8": 1,
        "the log is no JSON of the container runtime": 1,
    }
    calm = rows_of("_fault_free/2023-01-29/*_log.csv.gz")
    assert logs.read == len(rows_of("tt-20230129-100434/*_log.csv.gz")) + len(calm)


def test_a_clock_that_overflowed_is_not_believed(lake: Lake) -> None:
    case = "tt-20230130-115921"
    assert any(row["TimeUnixNano"].startswith("-") for row in rows_of(f"{case}/*_log.csv.gz"))
    assert not taken_in(lake, case)["nezha_log"].quarantined
    (extent,) = lake.at().ask("SELECT min(time) AS a, max(time) AS b FROM log_record").dicts()
    assert extent["a"] > datetime(2023, 1, 30, 11, 30, tzinfo=UTC)
    assert extent["b"] < datetime(2023, 1, 30, 12, 10, tzinfo=UTC)


def test_a_wide_row_becomes_points_to_the_last_digit(lake: Lake) -> None:
    case = "tt-20230129-142331"
    metrics = taken_in(lake, case)["nezha_metrics"]
    assert all("which is not known" in reason for reason in metrics.quarantined)
    rows = rows_of(f"{case}/metrics.csv.gz")
    stored = lake.at().ask(
        "SELECT workload.pod AS pod, value FROM metric_point WHERE metric_name = 'CpuUsage'"
    )
    assert sorted((row["pod"], row["value"]) for row in stored.dicts()) == sorted(
        (row["PodName"], float(row["CpuUsage(m)"])) for row in rows
    )
