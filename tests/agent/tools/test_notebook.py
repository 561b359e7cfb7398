"""What is asked is kept, as evidence that can be run again."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.tools import notebook
from agent.tools.notebook import SAMPLE, Notebook
from lake.ask import Limits
from lake.store import Lake
from tests.agent.world import START, record
from traces.tracer import Tracing

WINDOW: dict[str, Any] = {"start": START, "end": START + timedelta(minutes=12), "bucket_s": 10}


def test_an_answer_becomes_evidence_that_stands_alone(tmp_path: Path) -> None:
    with Lake.create(tmp_path / "lake") as lake, Tracing(lake, "test") as tracing:
        record(lake, minutes=2)
        answer = Notebook(lake.at(), tracing).ask("requests", **WINDOW)
        evidence = answer.evidence
        assert (evidence.id, evidence.tool) == ("requests", "requests")
        assert "12:00:00 to 12:12:00" in evidence.question
        assert "$" not in evidence.sql
        assert evidence.snapshots == {"trace_span": lake.snapshots()["trace_span"]}
        assert len(evidence.sample) == SAMPLE < evidence.rows
        assert lake.at(evidence.snapshots).ask(evidence.sql).digest == evidence.digest


def test_the_same_question_is_put_to_the_lake_once(tmp_path: Path) -> None:
    with Lake.create(tmp_path / "lake") as lake, Tracing(lake, "test") as tracing:
        record(lake, minutes=1)
        asking = Notebook(lake.at(), tracing)
        assert asking.ask("alerts", **WINDOW) is asking.ask("alerts", **WINDOW)
        assert asking.ask("history", "web", service="web", **WINDOW) is not asking.ask(
            "history", "cart", service="cart", **WINDOW
        )
        assert tracing.cost().queries == 3


def test_what_is_written_later_changes_no_answer(tmp_path: Path) -> None:
    with Lake.create(tmp_path / "lake") as lake, Tracing(lake, "test") as tracing:
        record(lake, minutes=1)
        asking = Notebook(lake.at(), tracing)
        before = asking.ask("extent", **WINDOW).evidence
        lake.append("trace_span", lake.at().ask("FROM trace_span").arrow, "more")
        assert asking.view.ask(before.sql).digest == before.digest
        assert lake.at().ask(before.sql).digest != before.digest


def test_an_answer_that_is_too_long_is_cut_where_it_says_and_can_be_cut_so_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notebook, "_LIMITS", Limits(rows=10))
    with Lake.create(tmp_path / "lake") as lake, Tracing(lake, "test") as tracing:
        record(lake, minutes=2)
        asking = Notebook(lake.at(), tracing)
        evidence = asking.ask("requests", **WINDOW).evidence
        assert asking.cut() == [evidence]
        again = lake.at(evidence.snapshots).ask(evidence.sql)
        assert (len(again), again.digest) == (10, evidence.digest)
