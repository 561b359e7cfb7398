"""Seeds of the shop, recorded briefly: the engine is right about them, or says that it is not sure.

They are drawn and not chosen, so a false word about any of them is a fault of the engine's.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.shop.score import Score, ask, judge

RECORDED = Path(__file__).parents[1] / "shop" / "recorded"
SEEDS = sorted(folder.name for folder in RECORDED.iterdir())
LARGEST_BYTES = 300_000


@pytest.fixture(scope="module")
def scores() -> Mapping[str, Score]:
    """Each recording, investigated by the command line and judged."""
    return {name: score(RECORDED / name) for name in SEEDS}


def score(recording: Path) -> Score:
    truth: dict[str, Any] = json.loads((recording / "truth.json").read_bytes())
    return judge(recording.name, ask(recording / "evidence"), truth)


def test_the_recordings_are_small_and_of_different_kinds() -> None:
    for name in SEEDS:
        files = [file for file in (RECORDED / name).rglob("*") if file.is_file()]
        assert sum(file.stat().st_size for file in files) < LARGEST_BYTES
    truths = [json.loads((RECORDED / name / "truth.json").read_bytes()) for name in SEEDS]
    assert len({truth["name"] for truth in truths}) == len(SEEDS) >= 2
    assert any(truth["calm"] for truth in truths)


@pytest.mark.parametrize("name", SEEDS)
def test_an_investigation_comes_to_a_verdict(scores: Mapping[str, Score], name: str) -> None:
    assert scores[name].verdict in ("cause_found", "no_incident", "inconclusive")


@pytest.mark.parametrize("name", SEEDS)
def test_no_cause_is_made_up(scores: Mapping[str, Score], name: str) -> None:
    assert scores[name].right or scores[name].verdict == "inconclusive", dataclasses.asdict(
        scores[name]
    )


@pytest.mark.parametrize("name", SEEDS)
def test_no_innocent_change_is_implicated(scores: Mapping[str, Score], name: str) -> None:
    assert scores[name].innocent in (True, None)
