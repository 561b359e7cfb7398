"""What each service did for a request on its way, in small traces whose truth is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from agent.nodes.survey.traces import survey_traces
from agent.state import Anomaly, Window
from lake.store import Lake
from tests.agent.nodes.alone import alone
from tests.agent.tools.rows import Row, moment, put, span
from tests.agent.world import START

ALARM, END, EVERY = 600, 900, 12  # seconds
WINDOW = replace(Window(START, moment(END), 10), trouble=(moment(ALARM - 100), moment(END)))
Trace = Callable[..., list[Row]]


def seen(
    lake: Lake, spans: list[Row], lines: list[Row] | None = None, window: Window = WINDOW
) -> list[Anomaly]:
    put(lake, "trace_span", spans)
    if lines:
        put(lake, "log_record", lines)
    return alone(survey_traces, lake, {"window": window}).get("anomalies", [])


def traffic(trace: Trace, since: int = 0, until: int = END) -> list[Row]:
    """A request every few seconds: `trace` is told its id, when it begins (ms) and if it is ill."""
    starts = range(since, until, EVERY)
    return [row for at in starts for row in trace(f"t{at}", at * 1000, ill=at >= ALARM)]


def step(
    trace: str, uid: str, kind: str, service: str, start: int, took: int, *rest: Any, **more: Any
) -> Row:
    """A span of one trace, by whose id its own is told apart; what else may be said: its name."""
    name = more.pop("name", None)
    parent, *peer = rest or (None,)
    row = span(uid, kind, service, start, took, parent, *peer, trace=trace, **more)
    return row | {"span_name": name or f"{service} {kind}"}


def call(
    trace: str, uid: str, ends: tuple[str, str], start: int, took: int, parent: str, **more: Any
) -> list[Row]:
    """A call and its answer, which takes `answer` ms and does what `name` says."""
    caller, callee = ends
    answer = more.pop("answer", took - 2)
    return [
        step(trace, uid, "client", caller, start, took, parent, name="GET"),
        step(trace, f"{uid}a", "server", callee, start + 1, answer, uid, **more),
    ]


def written(trace: str, uid: str, at_ms: int, message: str, severity: int = 1) -> Row:
    return {
        "time": moment(at_ms / 1000),
        "time_ns": at_ms * 10**6,
        "severity_id": severity,
        "message": message,
        "trace_uid": trace,
        "span_uid": uid,
        "workload": {"service": "cart"},
    }


def shop(trace: str, at: int, *, ill: bool, silent: bool = False) -> list[Row]:
    """Web asks cart, which asks stock: once ill it asks no more, or gets no answer."""
    rows = [step(trace, "w", "server", "web", at, 60)]
    rows += call(trace, "c", ("web", "cart"), at + 5, 40, "w")
    asked = call(trace, "s", ("cart", "stock"), at + 10, 20, "ca")
    if silent and ill:
        return [*rows, asked[0]]
    return rows if ill else [*rows, *asked]


def well(trace: str, at: int, **_more: bool) -> list[Row]:
    return shop(trace, at, ill=False)


def test_requests_that_go_on_as_they_did_show_nothing(lake: Lake) -> None:
    assert seen(lake, traffic(well)) == []


def test_who_returns_early_is_told_and_neither_its_caller_nor_whom_it_no_longer_calls(
    lake: Lake,
) -> None:
    found = seen(lake, traffic(shop))
    assert {one.resource for one in found} == {"cart"}
    assert (found[0].peer, found[0].indicator, found[0].own) == ("stock", "traffic", True)
    assert (found[0].before, found[0].during) == (1.0, 0.0)
    assert abs(found[0].onset - moment(ALARM)) < timedelta(seconds=60)
    assert found[0].surprise > 5


def test_calls_that_nobody_answers_any_more_are_their_callees(lake: Lake) -> None:
    found = seen(lake, traffic(lambda t, at, ill: shop(t, at, ill=ill, silent=True)))
    assert [(one.resource, one.indicator, one.peer) for one in found if one.own] == [
        ("stock", "availability", "cart")
    ]


def test_a_request_that_ends_early_at_one_lost_call_loses_no_other_answers(lake: Lake) -> None:
    """Stock is asked first: once it does not answer, its caller asks no more."""

    def ending(trace: str, at: int, *, ill: bool) -> list[Row]:
        rows = [step(trace, "w", "server", "web", at, 60)]
        asked = call(trace, "s", ("web", "stock"), at + 5, 20, "w")
        paid = call(trace, "p", ("web", "payment"), at + 30, 20, "w")
        asked[0]["span_name"], paid[0]["span_name"] = "reserve", "charge"
        return [*rows, asked[0]] if ill else [*rows, *asked, *paid]

    found = seen(lake, traffic(ending))
    assert {one.resource for one in found if one.indicator == "availability"} == {"stock"}


PARTNER: Row = {"address": "api.partner.example", "port": 443}


def partnered(trace: str, at: int, took: int, path: str = "/pay") -> list[Row]:
    """Web asks one from where no spans come."""
    asked = step(trace, "p", "client", "web", at + 5, took, "w", PARTNER, name="POST")
    asked["attributes"] = f'{{"url.full": "https://api.partner.example:443{path}?q=1"}}'
    return [step(trace, "w", "server", "web", at, took + 20), asked]


def test_calls_to_where_no_spans_come_from_are_slow_by_whom_they_go_to(lake: Lake) -> None:
    found = seen(lake, traffic(lambda t, at, ill: partnered(t, at, 900 if ill else 40)))
    assert [(one.resource, one.subject) for one in found if one.own] == [
        ("api.partner.example", "time of the calls to it")
    ]


def test_who_asks_a_partner_for_something_else_is_told_and_not_the_partner(lake: Lake) -> None:
    def asking(trace: str, at: int, *, ill: bool) -> list[Row]:
        rows = partnered(trace, at, 40)
        if not ill:
            return rows
        return [*rows, partnered(trace, at, 900, "/token")[1] | {"span_uid": "t"}]

    found = seen(lake, traffic(asking))
    assert {one.resource for one in found if one.own} == {"web"}
    assert "/token" in found[0].subject


def test_keys_that_are_asked_for_once_hide_no_slow_store(lake: Lake) -> None:
    """Each request asks for another thing by a path that is its key: no two are alike."""

    def asking(trace: str, at: int, *, ill: bool) -> list[Row]:
        which = "".join(chr(ord("a") + int(digit)) for digit in str(at))
        return partnered(trace, at, 900 if ill else 40, f"/bucket/{which}")

    assert [(one.resource, one.subject) for one in seen(lake, traffic(asking)) if one.own] == [
        ("api.partner.example", "time of the calls to it")
    ]


def test_who_is_asked_much_more_than_before_is_not_slow_by_itself(lake: Lake) -> None:
    calm = traffic(lambda t, at, **_: partnered(t, at, 40), until=ALARM)
    surge = [row for at in range(ALARM, END, 2) for row in partnered(f"t{at}", at * 1000, 900)]
    assert not any(one.own for one in seen(lake, [*calm, *surge]) if one.resource != "web")


def test_a_line_that_a_request_no_longer_writes_is_told_of_its_service(lake: Lake) -> None:
    starts = range(0, END, EVERY)
    lines = [written(f"t{at}", "ca", at * 1000 + 8, f"found order {at}") for at in starts]
    lines = [one for one in lines if one["time"] < moment(ALARM)]
    found = seen(lake, traffic(well), lines)
    assert [(one.resource, one.during) for one in found] == [("cart", 0.0)]
    assert "found order <num>" in found[0].subject


def test_a_rare_operation_that_fails_wholly_is_told(lake: Lake) -> None:
    """One request in thirty asks for it: no share of its service's failures shows it."""

    def rarely(trace: str, at: int, *, ill: bool) -> list[Row]:
        rows = [step(f"{trace}-{n}", "w", "server", "web", at + n, 9, name="/a") for n in range(30)]
        failed = step(f"{trace}-x", "w", "server", "web", at, 9, name="/rare", failed=ill)
        return [*rows, failed]

    found = seen(lake, traffic(rarely))
    assert [(one.resource, one.subject) for one in found] == [("web", "own failures of /rare")]
    assert (found[0].before, found[0].during) == (0.0, 100.0)


def test_a_failure_that_a_callee_began_is_not_its_callers(lake: Lake) -> None:
    def failing(trace: str, at: int, *, ill: bool) -> list[Row]:
        rows = call(trace, "c", ("web", "cart"), at + 5, 40, "w", failed=ill)
        rows[0]["status_id"] = rows[1]["status_id"]
        return [step(trace, "w", "server", "web", at, 60, failed=ill), *rows]

    assert {one.resource for one in seen(lake, traffic(failing))} == {"cart"}


def test_time_on_the_way_is_of_whom_all_wait_for(lake: Lake) -> None:
    """Two callers wait longer for cart than it works, and for stock as they did."""

    def delayed(trace: str, at: int, *, ill: bool) -> list[Row]:
        rows = []
        for caller in ("web", "app"):
            rows.append(step(trace, caller, "server", caller, at, 900))
            took = 500 if ill else 40
            ends, other = (caller, "cart"), (caller, "stock")
            rows += call(trace, f"{caller}c", ends, at + 5, took, caller, answer=30)
            rows += call(trace, f"{caller}s", other, at + 600, 20, caller)
        return rows

    found = [one for one in seen(lake, traffic(delayed)) if one.own and one.surprise > 3]
    assert (found[0].resource, found[0].subject) == ("cart", "time on the way of calls to it")
    assert {one.resource for one in found} == {"cart"}


def test_time_on_the_way_of_all_that_one_calls_is_its_own(lake: Lake) -> None:
    def delayed(trace: str, at: int, *, ill: bool) -> list[Row]:
        took = 500 if ill else 40
        rows = [step(trace, "w", "server", "web", at, 2000)]
        for n, callee in enumerate(("cart", "stock", "payment")):
            start = at + 5 + n * 510
            rows += call(trace, f"w{n}", ("web", callee), start, took, "w", answer=30)
        return rows

    found = [one for one in seen(lake, traffic(delayed)) if one.own]
    assert {(one.resource, one.subject) for one in found} == {
        ("web", "time on the way of its calls")
    }


def test_a_step_that_awaits_a_call_beside_it_does_not_work_meanwhile(lake: Lake) -> None:
    def awaiting(trace: str, at: int, *, ill: bool) -> list[Row]:
        took = 800 if ill else 40
        return [
            step(trace, "w", "server", "web", at, took + 20),
            step(trace, "h", "internal", "web", at + 1, took + 10, "w", name="handle"),
            *call(trace, "c", ("web", "cart"), at + 5, took, "w"),
        ]

    assert {one.resource for one in seen(lake, traffic(awaiting))} == {"cart"}


def test_a_store_that_got_slow_is_told_beside_those_that_ask_it(lake: Lake) -> None:
    def asking(trace: str, at: int, *, ill: bool) -> list[Row]:
        took = 400 if ill else 4
        store = {"system": "postgresql", "namespace": "shop"}
        return [
            step(trace, "w", "server", "web", at, took + 20),
            step(trace, "q", "client", "web", at + 5, took, "w", store, name="SELECT"),
        ]

    found = seen(lake, traffic(asking))
    assert [one.resource for one in found if one.own] == ["postgresql/shop"]


def test_two_operations_of_the_one_store_that_is_asked_do_not_blame_who_asks(lake: Lake) -> None:
    def asking(trace: str, at: int, *, ill: bool) -> list[Row]:
        took = 400 if ill else 4
        store = {"system": "postgresql", "namespace": "shop"}
        return [
            step(trace, "w", "server", "web", at, 2 * took + 20),
            step(trace, "q", "client", "web", at + 5, took, "w", store, name="SELECT"),
            step(trace, "i", "client", "web", at + 6 + took, took, "w", store, name="INSERT"),
        ]

    found = seen(lake, traffic(asking))
    assert {one.resource for one in found if one.own} == {"postgresql/shop"}


def test_operations_are_told_without_the_ids_in_their_names(lake: Lake) -> None:
    def named(trace: str, at: int, *, ill: bool) -> list[Row]:
        return [step(trace, "w", "server", "web", at, 9, name=f"/orders/{at}", failed=ill)]

    (found,) = seen(lake, traffic(named))
    assert found.subject == "own failures of “/orders/<num>”"


def test_what_is_in_the_lake_twice_counts_once(lake: Lake) -> None:
    def doubled(trace: str, at: int, *, ill: bool) -> list[Row]:
        return shop(trace, at, ill=False) * (2 if ill else 1)

    assert seen(lake, traffic(doubled)) == []


@pytest.mark.parametrize("bare", [False, True], ids=["calls have spans", "answers alone have"])
def test_clocks_that_are_apart_change_no_times(lake: Lake, *, bare: bool) -> None:
    """Cart's clock is set back by a minute when the trouble begins."""

    def skewed(trace: str, at: int, *, ill: bool) -> list[Row]:
        rows = shop(trace, at, ill=False)
        for row in rows:
            if ill and row["workload"]["service"] == "cart":
                row["start_time_ns"] -= 60 * 10**9
        if bare:
            rows = [row for row in rows if row["span_kind"] == "server"]
            for row in rows:
                row["parent_span_uid"] = {"ca": "w", "sa": "ca"}.get(row["span_uid"])
        return rows

    assert [one for one in seen(lake, traffic(skewed)) if one.indicator == "latency"] == []


def test_orphans_cycles_and_bare_spans_are_borne(lake: Lake) -> None:
    def broken(trace: str, at: int, **_more: bool) -> list[Row]:
        return [
            step(trace, "a", "server", "web", at, 9, "b"),
            step(trace, "b", "server", "web", at, 9, "a"),
            step(trace, "c", "internal", "web", at, 9, "c"),
            step(trace, "d", "client", "web", at, 9, "nowhere"),
            step(trace, "e", "server", "cart", at, 9, ""),
        ]

    assert seen(lake, traffic(broken)) == []


def test_a_lake_without_spans_is_no_fault(lake: Lake) -> None:
    put(lake, "log_record", [written("t", "s", 0, "hello")])
    told = alone(survey_traces, lake, {"window": WINDOW})
    assert set(told) == {"evidence"}


def test_calm_elsewhere_is_compared_with_where_nothing_lies_before(lake: Lake) -> None:
    """Spans begin with the trouble; half an hour before there are some of a calm stretch."""
    calm = (moment(0), moment(300))
    late = timedelta(minutes=30)
    window = Window(
        START + late, moment(END) + late, 10, (moment(ALARM) + late, moment(END) + late)
    )
    spans = traffic(well, until=300)
    spans += traffic(shop, since=ALARM + 1800, until=END + 1800)
    assert {one.resource for one in seen(lake, spans, window=replace(window, calm=calm))} == {
        "cart"
    }
    assert seen(lake, [], window=window) == []


def test_without_an_alarm_the_window_is_searched(lake: Lake) -> None:
    found = seen(lake, traffic(shop), window=replace(WINDOW, trouble=None))
    assert {one.resource for one in found} == {"cart"}


CROWD = ("web", "cart", "stock", "payment")
BOTH = dict.fromkeys(CROWD, "ab")


def hosted(places: dict[str, str], slow: dict[str, str]) -> list[Row]:
    """A request to each service on each of its nodes in turn; `slow` are ill on those nodes."""

    def served(trace: str, at: int, *, ill: bool) -> list[Row]:
        rows = []
        for service, nodes in places.items():
            node = nodes[at // (EVERY * 250) % len(nodes)]
            took = 400 if ill and node in slow.get(service, "") else 20 + at // 1000 % 7
            row = step(f"{trace}{service}", "s", "server", service, at, took)
            row["workload"] |= {"node": f"node-{node}"}
            rows.append(row)
        return rows

    starts = range(0, END * 1000, EVERY * 250)
    return [row for at in starts for row in served(f"t{at}", at, ill=at >= ALARM * 1000)]


def nodes_told(found: list[Anomaly]) -> set[str]:
    return {one.resource for one in found if one.resource.startswith("node-")}


def test_a_node_is_told_where_several_services_are_slower_than_elsewhere(lake: Lake) -> None:
    found = seen(lake, hosted(BOTH, {"cart": "a", "stock": "a", "payment": "a"}))
    (node,) = (one for one in found if one.resource.startswith("node-"))
    assert (node.resource, node.indicator, node.own) == ("node-a", "latency", True)
    assert node.surprise > 10
    assert abs(node.onset - moment(ALARM)) < timedelta(seconds=60)
    assert node.before == pytest.approx(23, rel=0.1)
    assert node.during > 3 * node.before


@pytest.mark.parametrize(
    ("places", "slow"),
    [
        pytest.param(BOTH, {}, id="all are well"),
        pytest.param(BOTH, BOTH, id="all are slow wherever they run"),
        pytest.param(BOTH, {"cart": "a"}, id="one service alone is slow there"),
        pytest.param(dict.fromkeys(CROWD, "a"), dict.fromkeys(CROWD, "a"), id="there is one node"),
        pytest.param(
            {"web": "a", "cart": "b", "stock": "a", "payment": "b"},
            {"web": "a", "stock": "a"},
            id="each service runs on one node",
        ),
    ],
)
def test_nodes_are_not_blamed_where(
    lake: Lake, places: dict[str, str], slow: dict[str, str]
) -> None:
    assert nodes_told(seen(lake, hosted(places, slow))) == set()


def test_nodes_are_not_compared_where_no_span_names_its_node(lake: Lake) -> None:
    put(lake, "trace_span", traffic(well))
    assert "on_nodes" not in alone(survey_traces, lake, {"window": WINDOW})["evidence"]
