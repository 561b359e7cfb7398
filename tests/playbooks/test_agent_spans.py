"""Whatever convention an agent's spans are written by, they are the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agent.playbook.compile import whole
from ingest.bundle import take
from lake.ask import View, bind, placeholders
from lake.store import Lake
from tests.agent.apps.agent_traces import BEGAN, TRACES, Span, ingested, span

Row = dict[str, Any]


def asked(view: View, sql: str, question: str = "") -> list[Row]:
    end = datetime(2100, 1, 1, tzinfo=UTC)
    values = {"start": BEGAN, "since": BEGAN, "end": end, "question": question}
    made = whole(sql)
    return view.ask(bind(made, **{name: values[name] for name in placeholders(made)})).dicts()


@pytest.fixture(scope="module")
def view(tmp_path_factory: pytest.TempPathFactory) -> Iterator[View]:
    folder = tmp_path_factory.mktemp("agents")
    with Lake.create(folder / "lake") as lake:
        yield ingested(lake, folder / "raw", *TRACES).at()


def rows(view: View, service: str, operation: str = "") -> list[Row]:
    found = asked(view, "FROM agent_spans ORDER BY start_time_ns, span_uid")
    return [r for r in found if r["service"] == service and operation in ("", r["operation"])]


def test_a_call_that_two_libraries_wrote_is_one_call_with_its_tokens_once(view: View) -> None:
    (call,) = rows(view, "concierge", "chat")
    assert call["name"] == "openai.chat"
    assert (call["input_tokens"], call["output_tokens"]) == (1200, 80)
    assert sum(row["input_tokens"] or 0 for row in rows(view, "concierge")) == 1200


def test_what_a_graph_says_of_itself_holds_for_all_beneath(view: View) -> None:
    (call,) = rows(view, "concierge", "chat")
    assert (call["agent"], call["node"]) == ("LangGraph", "plan")
    assert {row["conversation"] for row in rows(view, "concierge")} == {"thread-7"}
    assert [row["tool"] for row in rows(view, "concierge", "tool")] == ["search", "search"]
    assert [row["name"] for row in rows(view, "concierge", "workflow")] == ["LangGraph.workflow"]


def test_openinference_is_read(view: View) -> None:
    (call,) = rows(view, "researcher", "chat")
    assert (call["model"], call["provider"], call["agent"]) == (
        "m-small",
        "anthropic",
        "Researcher",
    )
    assert (call["input_tokens"], call["output_tokens"]) == (900, 300)
    assert (call["cache_read_tokens"], float(call["usd"])) == (400, 0.0125)
    assert call["first_token_ms"] == pytest.approx(700)
    (tool,) = rows(view, "researcher", "tool")
    assert (tool["tool"], tool["error"]) == ("browse", "browse failed: page did not load")
    assert len(rows(view, "researcher", "retrieval")) == len(rows(view, "researcher", "agent")) == 1


def test_tokens_that_an_agent_sums_up_are_those_of_its_calls(view: View) -> None:
    assert [row["input_tokens"] for row in rows(view, "helpdesk", "agent")] == [None]
    assert [row["input_tokens"] for row in rows(view, "helpdesk", "chat")] == [1000, 1000]
    assert {row["conversation"] for row in rows(view, "helpdesk")} == {"session-3"}


def test_of_tokens_that_nobody_splits_the_total_counts_and_no_output_is_made_up(view: View) -> None:
    well, ill = rows(view, "nightly", "chat")
    assert (well["model"], well["input_tokens"], well["output_tokens"]) == ("m-old", 500, None)
    assert ill["error"].endswith("429 Too Many Requests")


def test_an_answer_that_was_replayed_is_paid_for_once(view: View) -> None:
    calls = rows(view, "inquest", "chat")
    assert [row["input_tokens"] for row in calls] == [3000, None, 3000, None]
    assert [row["is_replayed"] for row in calls] == [False, True, False, True]
    assert {row["node"] for row in calls} == {"propose"}
    assert calls[0]["first_token_ms"] == pytest.approx(250)


def chat(answer: str = "", error: str = "", **said: Any) -> Span:
    """A call of a model, answered under an id or failed."""
    more = {"gen_ai.response.id": answer, "gen_ai.usage.input_tokens": 5} if answer else {}
    told = {"gen_ai.operation.name": "chat", **more, **said}
    return span("chat m", 0, 1, told, error=error)


def root(*calls: Span, **said: Any) -> Span:
    """An agent's own span around its calls."""
    return span("run", 0, 9, {"gen_ai.operation.name": "invoke_workflow", **said}, *calls)


AGAIN: dict[str, Any] = {"inquest.chat.replayed": True}
REFUSED = (
    chat(error="too many", **{"error.type": "429"}),
    chat(error="refused", **{"error.type": "not_connected"}),
    chat(error="Error code: 529 - overloaded"),
    chat(error="slow down", **{"error.type": "openai.RateLimitError"}),
)
LOST = (
    chat(error="no answer within 500 ms", **{"error.type": "timeout"}),
    chat(**{"error.type": "httpx.ReadTimeout"}),
    chat(error="broke off after 429 chunks"),
)
RUN_A, RUN_B = ({"inquest.run.root": one} for one in ("abab", "baba"))
ODD = (
    ("alike", "a1", 0.0, root(chat("r-1"), chat("r-1"))),
    ("resumed", "a2", 0.0, root(*[chat("r-1", **AGAIN)] * 2, chat("r-2"), chat("r-2", **AGAIN))),
    ("refused", "a3", 0.0, root(*REFUSED)),
    ("lost", "a4", 0.0, root(*LOST)),
    ("inquest", "a5", 0.0, span("ci", 0, 9, {}, root(chat("r-1"), **RUN_A), root(**RUN_B))),
    ("web", "a6", 0.0, span("GET /", 0, 1, {}, chat("r-1"), chat("r-2"))),
)


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> View:
    """A lake to which all but the last trace was sent twice."""
    folder = tmp_path_factory.mktemp("odd")
    with Lake.create(folder / "lake") as lake:
        ingested(lake, folder / "first", *ODD)
        return ingested(lake, folder / "again", *ODD[:-1]).at()


def test_a_span_that_was_sent_twice_is_one(odd: View) -> None:
    sent = asked(odd, "FROM trace_span WHERE workload.service = 'alike' ORDER BY span_uid")
    assert (len(sent), len(rows(odd, "alike"))) == (6, 3)


def test_a_replayed_answer_counts_once_in_its_trace_and_for_no_other(odd: View) -> None:
    calls = rows(odd, "resumed", "chat")
    assert [row["input_tokens"] for row in calls] == [5, None, 5, None]
    assert [row["is_due"] for row in calls] == [True, False, True, False]
    assert [row["is_due"] for row in rows(odd, "alike", "chat")] == [True, True]


def test_a_failed_call_is_free_only_if_it_was_refused_or_never_arrived(odd: View) -> None:
    assert [row["is_due"] for row in rows(odd, "refused", "chat")] == [False] * len(REFUSED)
    assert [row["is_due"] for row in rows(odd, "lost", "chat")] == [True] * len(LOST)


def test_a_run_is_a_trace_but_one_of_inquest_is_what_it_says(odd: View) -> None:
    runs = [row["run_uid"].partition("/")[2] for row in rows(odd, "inquest")]
    assert sorted(runs) == ["abab", "abab", "baba"]
    assert {row["run_uid"] for row in rows(odd, "web")} == {"a6".ljust(32, "0")}


def test_what_inquest_did_is_no_model_call_unless_it_is_asked_about(view: View) -> None:
    sql = "SELECT DISTINCT service FROM model_calls ORDER BY service"
    others = {"concierge", "researcher", "helpdesk", "nightly"}
    assert {row["service"] for row in asked(view, sql)} == others
    assert {row["service"] for row in asked(view, sql, "why is inquest slow?")} > others


def test_spans_that_name_each_other_as_parents_are_rows_all_the_same(tmp_path: Path) -> None:
    said = {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 5}
    folder = tmp_path / "raw"
    with Lake.create(tmp_path / "lake") as lake:
        ingested(lake, folder, ("loop", "ff", 0.0, span("a", 0, 1, said, span("b", 0, 1, {}))))
        file = folder / "traces.jsonl"
        turned = file.read_text().replace('"parentSpanId": ""', f'"parentSpanId": "{2:016x}"')
        file.write_text(turned.replace("ff00", "fe00"))
        take(lake, [folder])
        found = asked(lake.at(), "FROM agent_spans ORDER BY trace_uid")
    assert [(row["operation"], row["input_tokens"]) for row in found] == [("chat", 5)] * 2
