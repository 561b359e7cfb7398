"""What the report has first, and what it keeps."""

from __future__ import annotations

from dataclasses import replace

from agent.nodes.write import _TOLD, _anomalies, _ranked
from agent.state import Cause, Resource
from tests.agent.nodes.deviating import anomaly, facts

OURS = Cause(
    0, "z", Resource("service", "web"), "latency", "unknown", probability=0.4, status="likely"
)


def test_of_causes_as_likely_the_engines_own_comes_first() -> None:
    proposed = replace(OURS, text="a", grounded=True, proposed_by="model")
    assert _ranked([proposed, OURS]) == [OURS, proposed]
    likelier = replace(proposed, probability=0.5)
    assert _ranked([OURS, likelier]) == [likelier, OURS]


def test_the_anomalies_that_causes_speak_of_are_kept_however_many_there_are() -> None:
    many = [anomaly(subject=f"s{n}", resource="payment", nats=90.0 - n) for n in range(_TOLD + 9)]
    few = [anomaly(subject=f"s{n}", resource="web", nats=9.0 - n) for n in range(2)]
    first = replace(OURS, resource=Resource("service", "payment"), probability=0.9)
    kept = _anomalies([first, OURS], facts(*many, *few))
    assert [one.subject for one in kept[:_TOLD]] == [f"s{n}" for n in range(_TOLD)]
    assert [one.resource for one in kept[_TOLD:]] == ["web", "web"]
