"""What is asked is kept, as evidence that can be run again."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from agent.tools.notebook import SAMPLE, Notebook
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
        notebook = Notebook(lake.at(), tracing)
        assert notebook.ask("extent") is notebook.ask("extent")
        assert notebook.ask("history", "web", service="web", **WINDOW) is not notebook.ask(
            "history", "cart", service="cart", **WINDOW
        )
        assert tracing.cost().queries == 3


def test_what_is_written_later_changes_no_answer(tmp_path: Path) -> None:
    with Lake.create(tmp_path / "lake") as lake, Tracing(lake, "test") as tracing:
        record(lake, minutes=1)
        notebook = Notebook(lake.at(), tracing)
        before = notebook.ask("extent").evidence
        lake.append("trace_span", lake.at().ask("FROM trace_span").arrow, "more")
        assert notebook.view.ask(before.sql).digest == before.digest
        assert lake.at().ask(before.sql).digest != before.digest
