"""Does it name the right cause in systems that are not ours? Every set, measured.

The recordings lie beside the project, in `../shared`, and never in it. `INQUEST_BENCH_LAKES`
names a folder in which lakes are kept from one run to the next.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.apps.bench.pack import CASES, read_pack
from agent.apps.cli import run

SHARED = Path(__file__).resolve().parents[3] / "shared"
PACK = SHARED / "rca"
FOLDERS = SHARED / "cases"

_JUDGED = ("changes", "bundles", "k8s_rds")  # of case folders

pytestmark = [
    pytest.mark.bench,
    pytest.mark.skipif(not PACK.is_dir(), reason=f"the recorded faults are not here: {PACK}"),
]


def sets() -> Iterator[tuple[Path, str]]:
    """Every set there is, with the folder that holds it."""
    if (PACK / CASES).is_file():
        yield from ((PACK, name) for name in dict.fromkeys(case.set for case in read_pack(PACK)))
    yield from ((FOLDERS / name, name) for name in _JUDGED if (FOLDERS / name).is_dir())


@pytest.mark.parametrize(("folder", "name"), [*sets()])
def test_every_case_of_a_set_is_answered(
    folder: Path, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lakes = os.environ.get("INQUEST_BENCH_LAKES", str(tmp_path / "lakes"))
    out = str(tmp_path / "answers.jsonl")
    with capsys.disabled():
        code = run(
            ["bench", str(folder), "--set", name, "--out", out, "--lakes", lakes, "--baselines"]
        )
    assert code == 0
