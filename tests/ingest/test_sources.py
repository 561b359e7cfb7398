"""The contract of every source: one file of SQL, one folder of samples, one suite over all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ingest.read.stream import ARRIVALS
from ingest.run import Summary, ingest
from ingest.source import load
from lake.store import Lake

DATA = Path(__file__).parents[1] / "data"
SOURCES = load()
SAMPLES = sorted(
    path
    for name in SOURCES
    for path in (DATA / name).glob("input*")
    if not path.name.endswith(ARRIVALS)
)


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    with Lake.create(tmp_path / "lake") as made:
        yield made


def stored(lake: Lake, summary: Summary) -> dict[str, Any]:
    """What an ingest left in the lake, without what differs from run to run."""
    aside = lake.at().ask("SELECT position, reason, raw FROM quarantine ORDER BY ALL").dicts()
    return {table: rows(lake, table) for table in sorted(summary.classes)} | {"quarantine": aside}


def rows(lake: Lake, table: str) -> list[dict[str, Any]]:
    found = lake.at().ask(f"SELECT * EXCLUDE (ingested_at, source) FROM {table}").dicts()
    plain = [json.dumps(without_nulls(row), default=iso, sort_keys=True) for row in found]
    return [json.loads(row) for row in sorted(plain)]


def golden_of(sample: Path) -> Path:
    """`input_x.json` becomes what `expected_x.json` says."""
    stem = sample.name.partition(".")[0]
    return sample.with_name(f"expected{stem.removeprefix('input')}.json")


def without_nulls(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    kept = {key: without_nulls(one) for key, one in value.items() if one is not None}
    return {key: one for key, one in kept.items() if one != {}}


def iso(value: object) -> str:
    assert isinstance(value, datetime)
    return value.astimezone(UTC).isoformat()


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_has_samples(name: str) -> None:
    assert [path for path in SAMPLES if path.parent.name == name]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_a_sample_becomes_what_is_expected(
    sample: Path, lake: Lake, pytestconfig: pytest.Config
) -> None:
    golden = golden_of(sample)
    summary = ingest(lake, sample.parent.name, [sample])
    found = stored(lake, summary)
    if pytestconfig.getoption("goldens"):
        golden.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")
    assert found == json.loads(golden.read_text("utf-8"))
    aside = found.pop("quarantine")
    assert summary.mapped == sum(map(len, found.values()))
    assert sum(summary.quarantined.values()) == len(aside)
