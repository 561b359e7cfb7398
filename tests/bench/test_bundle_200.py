"""How long a bundle of 200 files takes, from folder to lake and from folder to report."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ingest.bundle import ingest_folder
from lake.store import Lake
from tests.bench.bundle_200 import write

INTAKE_GOAL = 15.0
"""CPU seconds from folder to lake."""


@pytest.mark.bench
def test_a_bundle_of_200_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    size = write(tmp_path / "bundle")
    with Lake.create(tmp_path / "lake") as lake:
        intake = _timed(lambda: ingest_folder(lake, tmp_path / "bundle"))
    command = [
        str(Path(sys.executable).with_name("inquest")),
        "investigate",
        str(tmp_path / "bundle"),
    ]
    code = list[int]()
    whole = _timed(
        lambda: code.append(subprocess.run(command, cwd=tmp_path, capture_output=True).returncode)
    )
    assert code == [0]
    with capsys.disabled():
        met = "reached" if intake[1] <= INTAKE_GOAL else "MISSED"
        sys.stdout.write(
            f"\n200 files, {size / 1e6:.0f} MB\n"
            f"  to the lake    {intake[0]:5.1f} s, {intake[1]:5.1f} s of CPU, {INTAKE_GOAL} {met}\n"
            f"  to the report  {whole[0]:5.1f} s, {whole[1]:5.1f} s of CPU\n"
        )


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds on the wall and of CPU, children's too."""
    started, used = time.monotonic(), _used()
    work()
    return time.monotonic() - started, _used() - used


def _used() -> float:
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in both)
