"""Where a cluster does well nothing is found, whatever an eager eye would take for trouble."""

from dataclasses import replace
from pathlib import Path

import pytest

from agent.apps.bundle import request_of
from agent.config import Request
from agent.investigation import investigate
from ingest.bundle import take
from lake.store import Lake
from tests.agent.healthy_cluster import write


@pytest.mark.parametrize("question", ["", "Is all well in shop?", "What is wrong with cart?"])
def test_no_cause_is_made_of_what_every_healthy_cluster_shows(
    lake: Lake, tmp_path: Path, question: str
) -> None:
    write(tmp_path / "cluster")
    take(lake, [tmp_path / "cluster"])
    asked = replace(request_of(tmp_path / "cluster", Request()), question=question)
    report = investigate(lake, asked)
    found = [(c.playbook, c.object, c.said, c.probability) for c in report.causes if c.playbook]
    assert not found
    assert report.verdict != "cause_found"
