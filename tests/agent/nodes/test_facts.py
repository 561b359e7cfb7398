"""What a resource's anomalies say of it as a cause."""

from __future__ import annotations

import pytest

from agent.nodes.facts import gather
from agent.state import Anomaly, Call
from tests.agent.nodes.deviating import anomaly, at, facts, surveyed


def said(one: Anomaly) -> float:
    return facts(one).own_nats("payment")[one.look]


@pytest.mark.parametrize(
    "better",
    [
        anomaly(before=900.0, during=10.0),
        anomaly(before=10.0, during=10.0),
        anomaly("availability", 90.0, 100.0, subject="availability", worse=-1),
        anomaly("errors", 5.0, 0.0, look="requests", subject="failed requests"),
    ],
)
def test_what_got_no_worse_says_less_of_a_cause(better: Anomaly) -> None:
    assert said(better) < 20.0 / 2


@pytest.mark.parametrize(
    "worse",
    [
        anomaly(),
        anomaly("availability", 100.0, 97.0, subject="availability", worse=-1),
        anomaly("availability", 0.0, 3.0, look="state", subject="restarts", unit="restarts"),
        anomaly("saturation", 90.0, 10.0, subject="memory", worse=0),
    ],
)
def test_what_got_worse_or_moves_neither_way_for_sure_says_all_it_can(worse: Anomaly) -> None:
    assert said(worse) == 20.0


def test_how_much_worse_is_told_of_what_users_may_suffer_from() -> None:
    told = facts(
        anomaly(),
        anomaly("availability", 100.0, 97.0, subject="availability", worse=-1),
        anomaly("saturation", 10.0, 90.0, subject="cpu", worse=0),
        anomaly(before=10.0, during=4.0, subject="latency{statistic=p50}"),
    ).harm("payment")
    assert sorted(told.values()) == [3.0, 890.0]


def test_of_two_that_say_how_much_worse_the_larger_counts() -> None:
    told = facts(anomaly(during=900.0), anomaly(during=12.0, minutes=21)).harm("payment")
    assert list(told.values()) == [890.0]


LONG_AGO = (at(-9000), at(-8000))


def test_what_differs_from_calm_time_elsewhere_since_before_the_symptom_says_less() -> None:
    chronic, symptom = anomaly(minutes=0), anomaly(minutes=15, resource="web")
    assert facts(chronic, symptom, calm=LONG_AGO).own_nats("payment")["metrics"] < 20.0 / 2
    assert facts(chronic, symptom).own_nats("payment")["metrics"] == 20.0


def test_where_the_symptom_is_as_old_it_says_all_it_can() -> None:
    both = anomaly(minutes=0), anomaly(minutes=0, resource="web")
    assert facts(*both, calm=LONG_AGO).own_nats("payment")["metrics"] == 20.0


def test_a_resource_deviates_since_the_first_anomaly_that_is_no_chance() -> None:
    assert facts(anomaly(minutes=12), anomaly(minutes=14)).onset("payment") == at(12)
    chance = anomaly(before=10.0, during=4.0, minutes=11)
    assert facts(chance, anomaly(minutes=14)).onset("payment") == at(14)
    assert facts().onset("payment") is None


def test_what_others_run_on_and_nobody_calls_is_a_node() -> None:
    state = surveyed(anomaly())
    state["calls"] += [
        Call("payment", "node-a", "", 0, 0, relation="runs_on"),
        Call("payment-0", "payment", "", 0, 0, relation="runs_on"),
    ]
    told = gather(state)
    kinds = {name: told.kind(name) for name in ("node-a", "payment", "web")}
    assert kinds == {"node-a": "node", "payment": "service", "web": "service"}


def test_where_telemetry_begins_with_the_trouble_there_is_no_before() -> None:
    assert facts(anomaly(minutes=1)).begins_ill
    assert not facts(anomaly(minutes=1), calm=LONG_AGO).begins_ill
    assert not facts(anomaly(minutes=12)).begins_ill
    assert not facts().begins_ill


def test_a_changed_service_that_only_its_logs_show_is_unseen() -> None:
    logged = anomaly(resource="mailer", look="logs", subject="log “no pool”")
    assert facts(logged, changed="mailer").unseen == ("mailer",)
    assert facts(anomaly(), changed="payment").unseen == ()
    assert facts(anomaly(), changed="mailer").unseen == ()
