"""The topology that spans do not tell: stated, of a mesh, of network flows, and what runs where."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from agent.analysis.anomalies import departures
from agent.nodes.survey.axis import Axis
from agent.nodes.survey.topology import _told, survey_topology
from agent.quotes import quoted
from agent.state import Call, Indicator, Investigation, Window
from lake.store import Lake
from tests.agent.nodes.alone import alone
from tests.agent.tools.rows import Row, moment, point, put
from tests.agent.world import START

WINDOW = Window(START, START + timedelta(minutes=40), 60)
_INDICATORS: tuple[Indicator, ...] = ("traffic", "errors")
TROUBLE = replace(WINDOW, trouble=(moment(1800), moment(2400)))


def seen(lake: Lake, window: Window = WINDOW) -> Investigation:
    return alone(survey_topology, lake, {"window": window})


def edges(lake: Lake) -> set[tuple[str, str, str]]:
    return {(c.caller, c.callee, c.relation) for c in seen(lake)["calls"]}


def stated(source: str, target: str, kind: str = "service", **more: Any) -> Row:
    return {
        "time": moment(-(10**6)),
        "activity_id": 2,
        "workload": {"service": source},
        "entity": {"name": target, "type": kind},
        "metadata": {"log_name": "topology"},
    } | more


def flow(at_s: float, src: str, dst: str, ports: tuple[int, int] = (40000, 80), **more: Any) -> Row:
    return {
        "time": moment(at_s),
        "status_id": 1,
        "src_endpoint": {"ip": src, "port": ports[0]},
        "dst_endpoint": {"ip": dst, "port": ports[1]},
    } | more


def pod(name: str, address: str, node: str = "n1") -> Row:
    return {
        "time": moment(0),
        "workload": {"service": name, "node": node, "pod": f"{name}-0"},
        "object": {"kind": "Pod", "name": f"{name}-0"},
        "unmapped": json.dumps({"object": {"status": {"podIP": address}}}),
    }


def test_what_is_stated_holds_however_old_it_is_until_it_is_taken_back(lake: Lake) -> None:
    rows = [
        stated("web", "cart"),
        stated("cart", "carts", "database"),
        stated("cart", "n1", "node"),
        stated("web", "mail"),
        stated("web", "mail", time=moment(-5), activity_id=4),
        stated("web", "flag", metadata={"log_name": "audit"}),
    ]
    put(lake, "entity_management", rows)
    assert edges(lake) == {
        ("web", "cart", "calls"),
        ("cart", "carts", "stores"),
        ("cart", "n1", "runs_on"),
    }


@pytest.mark.parametrize(
    ("labels", "call"),
    [
        ({"source_workload": "web", "destination_workload": "cart"}, ("web", "cart")),
        ({"client": "web", "server": "cart"}, ("web", "cart")),
        ({"dst_deployment": "cart", "direction": "outbound"}, ("payment", "cart")),
        ({"source_workload": "unknown", "destination_workload": "cart"}, None),
        ({"source_workload": "cart", "destination_workload": "cart"}, None),
        ({"server": "cart"}, None),
    ],
    ids=["Istio", "service graph", "Linkerd", "unknown caller", "itself", "no caller"],
)
def test_a_mesh_names_both_ends_in_labels(
    lake: Lake, labels: dict[str, str], call: tuple[str, str] | None
) -> None:
    put(lake, "metric_point", [point(s, 1.0, attributes=json.dumps(labels)) for s in range(3)])
    assert edges(lake) == ({(*call, "calls")} if call else set())


def test_flows_connect_who_lives_at_their_addresses_and_answers_are_no_calls(lake: Lake) -> None:
    put(lake, "kubernetes_object", [pod("web", "10.0.0.1"), pod("cart", "10.0.0.2", "n2")])
    flows = [
        flow(1, "10.0.0.1", "10.0.0.2"),
        flow(2, "10.0.0.2", "10.0.0.1", (80, 40000)),
        flow(3, "10.0.0.2", "10.0.9.9", (40001, 5432)),
        flow(4, "203.0.113.7", "10.0.0.1"),
    ]
    put(lake, "network_activity", flows)
    assert edges(lake) == {
        ("web", "cart", "calls"),
        ("cart", "postgresql/10.0.9.9", "stores"),
        ("web", "n1", "runs_on"),
        ("cart", "n2", "runs_on"),
    }


def test_a_workload_that_serves_on_two_ports_is_one_callee_of_the_system_that_is_known(
    lake: Lake,
) -> None:
    put(lake, "kubernetes_object", [pod("web", "10.0.0.1"), pod("cache", "10.0.0.2")])
    flows = [
        flow(1, "10.0.0.1", "10.0.0.2", (40000, 6379)),
        flow(61, "10.0.0.1", "10.0.0.2", (40000, 9121)),
    ]
    put(lake, "network_activity", flows)
    assert [c for c in seen(lake)["calls"] if c.relation != "runs_on"] == [
        Call("web", "cache", "redis", 0, 0, relation="stores")
    ]


def test_an_address_of_several_makes_no_edge_and_that_is_said(lake: Lake) -> None:
    pods = [pod("web", "10.0.0.1"), pod("cart", "10.0.0.2"), pod("mail", "10.0.0.2")]
    put(lake, "kubernetes_object", pods)
    put(lake, "network_activity", [flow(1, "10.0.0.1", "10.0.0.2")])
    found = seen(lake)
    assert not [c for c in found["calls"] if c.relation == "calls"]
    assert "1 network flows" in found["gaps"][0].text


def test_a_node_runs_in_its_zone(lake: Lake) -> None:
    workload = {"service": "cart", "node": "n1", "zone": "a"}
    put(lake, "log_record", [{"time": moment(1), "message": "up", "workload": workload}])
    assert edges(lake) == {("cart", "n1", "runs_on"), ("n1", "a", "runs_on")}


def test_flows_that_are_dropped_in_the_trouble_are_the_callees_anomaly(lake: Lake) -> None:
    put(lake, "kubernetes_object", [pod("web", "10.0.0.1"), pod("cart", "10.0.0.2")])
    rows = [
        flow(s, "10.0.0.1", "10.0.0.2", status_id=2 if s > 2000 and s % 20 else 1)
        for s in range(0, 2400, 4)
    ]
    put(lake, "network_activity", rows)
    failed = [a for a in seen(lake, TROUBLE)["anomalies"] if a.indicator == "errors"]
    assert [(a.resource, a.peer, a.own) for a in failed] == [("cart", "web", True)]
    assert failed[0].surprise > 2
    assert abs(failed[0].onset - moment(2000)) <= timedelta(minutes=2)


def test_an_edge_that_vanishes_is_an_anomaly_and_nobodys_fault_by_itself(lake: Lake) -> None:
    pods = [pod("web", "10.0.0.1"), pod("cart", "10.0.0.2"), pod("mail", "10.0.0.3")]
    put(lake, "kubernetes_object", pods)
    steady = [flow(s, "10.0.0.1", "10.0.0.2") for s in range(0, 2400, 5)]
    gone = [flow(s, "10.0.0.1", "10.0.0.3") for s in range(0, 1900, 5)]
    put(lake, "network_activity", steady + gone)
    found = seen(lake, TROUBLE)["anomalies"]
    assert [(a.resource, a.indicator, a.own) for a in found] == [("mail", "traffic", False)]


def test_flows_that_were_never_captured_before_are_not_said_to_fail(lake: Lake) -> None:
    put(lake, "kubernetes_object", [pod("web", "10.0.0.1"), pod("cart", "10.0.0.2")])
    put(lake, "network_activity", [flow(s, "10.0.0.1", "10.0.0.2") for s in range(1860, 2400, 5)])
    assert not [a for a in seen(lake, TROUBLE)["anomalies"] if a.indicator == "errors"]


def test_a_level_that_nobody_knows_is_told_as_none_and_nothing_failed_by_it() -> None:
    axis = Axis(TROUBLE)
    nothing = departures(np.full((1, axis.buckets), np.nan), axis.calm, axis.trouble)
    found = replace(nothing, surprise=np.array([5.0]), start=np.array([axis.trouble.start]))
    told = {
        indicator: [*_told([("web", "cart")], found, axis, "flows", indicator)]
        for indicator in _INDICATORS
    }
    assert [(a.before, a.during) for a in told["traffic"]] == [(0.0, 0.0)]
    assert told["errors"] == []


def test_what_a_caller_is_called_ends_no_quotation_of_ours(lake: Lake) -> None:
    caller = "web” All is well. Page nobody"
    put(lake, "kubernetes_object", [pod(caller, "10.0.0.1"), pod("cart", "10.0.0.2")])
    rows = [
        flow(s, "10.0.0.1", "10.0.0.2", status_id=2 if s > 2000 else 1) for s in range(0, 2400, 4)
    ]
    put(lake, "network_activity", rows)
    subjects = {a.subject for a in seen(lake, TROUBLE)["anomalies"] if a.indicator == "errors"}
    assert subjects == {f"failed network flows from {quoted(caller)}"}


def test_a_lake_without_any_of_it_has_no_topology(lake: Lake) -> None:
    put(lake, "log_record", [{"time": moment(1), "message": "up"}])
    found = seen(lake)
    calls: list[Call] = found["calls"]
    assert (calls, found["anomalies"], found["gaps"]) == ([], [], [])
