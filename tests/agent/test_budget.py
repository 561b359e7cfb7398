"""Budgets in one vocabulary: what is spent is counted, and past it nothing is begun."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from langsmith.utils import get_env_var, tracing_is_enabled

from agent.budget import NO_LIMIT, USUAL, Budget, BudgetSpent, Meter, Shared, Spent, read_budget
from agent.config import LOOKS, Request
from agent.errors import SettingError
from agent.investigation import investigate
from agent.nodes.context import Means
from lake.store import Lake
from tests.agent.world import record


def test_a_budget_is_read_as_it_is_written_and_says_the_rest_by_what_is_usual() -> None:
    given = read_budget("calls=3, usd=0.25,wall_s=none", USUAL)
    assert (given.calls, given.usd, given.wall_s) == (3, 0.25, None)
    assert given.output_tokens == USUAL.output_tokens
    assert read_budget(str(given)) == given
    assert read_budget("") == NO_LIMIT


@pytest.mark.parametrize(
    "text", ["money=3", "calls", "calls=", "calls=-1", "calls=nan", "calls=1.5", "usd=inf", "=3"]
)
def test_what_is_no_budget_is_said_in_one_sentence(text: str) -> None:
    with pytest.raises(SettingError, match=r"budget"):
        read_budget(text)


@pytest.mark.parametrize(
    ("limit", "spent"),
    [
        (Budget(calls=2), Spent(calls=2)),
        (Budget(input_tokens=100), Spent(input_tokens=120)),
        (Budget(output_tokens=10), Spent(output_tokens=10)),
        (Budget(usd=0.5), Spent(usd=0.5)),
        (Budget(queries=1), Spent(queries=1)),
        (Budget(calls=0), Spent()),
    ],
)
def test_what_is_used_up_is_named_with_its_limit(limit: Budget, spent: Spent) -> None:
    meter = Meter(limit)
    meter.charge(spent)
    with pytest.raises(BudgetSpent, match=str(limit).partition("=")[0]):
        meter.check_call(is_priced=True)


@pytest.mark.parametrize("text", ["calls=0", "usd=0", "input_tokens=0", "output_tokens=0"])
def test_what_a_model_may_not_take_does_not_stop_the_engine(text: str) -> None:
    meter = Meter(read_budget(text))
    meter.check()
    assert meter.reached() == ""
    with pytest.raises(BudgetSpent):
        meter.check_call(is_priced=True)


def test_what_an_earlier_process_of_the_run_took_counts() -> None:
    with pytest.raises(BudgetSpent, match="3 calls"):
        Meter(Budget(calls=3), before=Spent(calls=3)).check_call(is_priced=True)


def test_a_budget_that_is_shared_stops_a_call_and_says_whose_it_is() -> None:
    day = Shared("today", Budget(calls=5), lambda: Spent(calls=5))
    meter = Meter(shared=(day,))
    meter.check()
    with pytest.raises(BudgetSpent, match="5 calls for today"):
        meter.check_call(is_priced=True)


def test_queries_are_counted_and_past_the_last_none_is_made_if_it_asks_first() -> None:
    meter = Meter(Budget(queries=2))
    meter.query_if_left()
    meter.query_if_left()
    with pytest.raises(BudgetSpent, match="2 queries"):
        meter.query_if_left()
    meter.query()
    assert meter.spent().queries == 3
    assert meter.reached() == "2 queries"


def test_a_shared_budget_without_limits_is_not_even_looked_at() -> None:
    def unreadable() -> Spent:
        raise AssertionError

    Meter(shared=(Shared("today", NO_LIMIT, unreadable),)).check_call(is_priced=True)


def test_without_a_price_no_limit_in_money_can_be_kept_so_nothing_is_called() -> None:
    Meter(Budget(calls=5)).check_call(is_priced=False)
    Meter(Budget(usd=1.0)).check_call(is_priced=True)
    with pytest.raises(BudgetSpent, match="price is not known"):
        Meter(Budget(usd=1.0)).check_call(is_priced=False)


def test_time_and_words_that_are_left_bound_what_comes_next() -> None:
    meter = Meter(Budget(output_tokens=100, wall_s=3600.0), before=Spent(output_tokens=60))
    assert meter.left_output(4000) == 40
    assert meter.left_s(10.0) == 10.0
    assert 3500 < meter.left_s(1e9) <= 3600
    assert Meter(NO_LIMIT).left_s(7.0) == 7.0


@pytest.mark.parametrize(
    ("budget", "left_out"),
    [
        (Budget(queries=0), {f"the look at {look}" for look in LOOKS - {"experiments"}}),
        (Budget(wall_s=0.0), {"the look at logs", "the look at topology"}),
    ],
)
def test_past_the_budget_an_investigation_ends_in_a_report_of_what_stayed_undone(
    lake: Lake, budget: Budget, left_out: set[str]
) -> None:
    record(lake)
    report = investigate(lake, Request(), means=Means(budget=budget))
    assert report.verdict == "stopped_by_budget"
    (gap,) = [gap for gap in report.gaps if gap.kind == "budget"]
    assert gap.text.startswith("The budget of ")
    assert all(one in gap.text for one in left_out)


def test_a_budget_of_queries_binds_all_that_can_be_left_out_to_the_last_one(lake: Lake) -> None:
    record(lake)
    report = investigate(lake, Request(), means=Means(budget=Budget(queries=10)))
    asked = lake.at().ask(
        "SELECT n.span_name AS node, count(*) AS queries FROM trace_span q "
        "JOIN trace_span n ON q.parent_span_uid = n.span_uid "
        f"WHERE q.trace_uid = '{report.cost.trace_id}' AND q.span_name LIKE 'execute_tool%' "
        "GROUP BY ALL ORDER BY ALL"
    )
    by_node = {row["node"]: row["queries"] for row in asked.dicts()}
    limited = {node: n for node, n in by_node.items() if node.startswith("survey_")}
    assert sum(limited.values()) + by_node["scope"] == 10
    assert any(gap.text.startswith("The budget of 10 queries left out: ") for gap in report.gaps)


def test_nothing_of_a_run_goes_to_langsmith_whatever_the_environment_says(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[bytes] = []

    class Taker(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(202)
            self.end_headers()

        do_GET = do_PATCH = do_POST  # noqa: N815 - the names that the base class calls

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Taker)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    for name in ("LANGSMITH_TRACING", "LANGCHAIN_TRACING_V2"):
        monkeypatch.setenv(name, "true")
    monkeypatch.setenv("LANGSMITH_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    get_env_var.cache_clear()  # type: ignore[attr-defined]  # it is there, cached by lru_cache
    monkeypatch.setenv("LANGSMITH_API_KEY", "of-the-test")
    record(lake)
    investigate(lake, Request(without=frozenset({"traces", "playbooks", "experiments"})))
    assert not tracing_is_enabled()
    server.shutdown()
    server.server_close()
    assert taken == []
