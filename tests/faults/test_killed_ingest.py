"""kill -9 at random points of an ingest: what the next run finds is whole, and nothing is twice."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from lake.store import Lake
from tests.ingest.otlp_samples import framed, many

RECORDS = 20_000
COUNT = "SELECT count(*) AS n, count(DISTINCT trace_uid || span_uid) AS different FROM trace_span"
EVERY = "SELECT trace_uid, span_uid, time, duration_ns FROM trace_span ORDER BY ALL"


def ingest(source: Path, lake: Path) -> list[str]:
    """The command line of one ingest."""
    program = [sys.executable, "-c", "from agent.apps.cli import main; main()"]
    return [*program, "ingest", "otlp_traces", str(source), "--lake", str(lake)]


def finished_after_a_kill(source: Path, lake: Path, after_s: float) -> None:
    """Kill one ingest after so long, unless it is done, and let the next one finish."""
    with suppress(subprocess.TimeoutExpired):
        subprocess.run(ingest(source, lake), timeout=after_s, capture_output=True, check=False)
    subprocess.run(ingest(source, lake), timeout=120, capture_output=True, check=True)


@pytest.mark.parametrize(
    "kills", [pytest.param(1, id="fast"), pytest.param(50, marks=pytest.mark.faults)]
)
def test_a_killed_ingest_loses_nothing_and_doubles_nothing(tmp_path: Path, kills: int) -> None:
    random = Random(20261121)
    source = tmp_path / "traces.otlp.binpb"
    source.write_bytes(framed(many("traces", RECORDS)))
    started = time.monotonic()
    subprocess.run(ingest(source, tmp_path / "whole"), capture_output=True, check=True)
    took = time.monotonic() - started
    with Lake.open(tmp_path / "whole") as lake:
        expected = lake.at().ask(EVERY).digest
    for number in range(kills):
        folder = tmp_path / f"lake{number}"
        finished_after_a_kill(source, folder, random.uniform(0.2, 1.0) * took)
        with Lake.open(folder) as lake:
            view = lake.at()
            assert view.ask(COUNT).dicts() == [{"n": RECORDS, "different": RECORDS}]
            assert view.ask(EVERY).digest == expected
