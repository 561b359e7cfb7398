"""Findings of earlier investigations, as the doors cite them."""

from __future__ import annotations

from tests.agent.tools.rows import Row, answer, moment


def found(uid: str, began_s: float, culprit: str, hit: str = "web", written_s: float = 9e4) -> Row:
    """A finding: `culprit` made `hit` suffer from `began_s` on."""
    return {
        "time": moment(written_s),
        "start_time": moment(began_s),
        "metadata": {"uid": uid},
        "verdict": "cause_found",
        "confidence_score": 93,
        "desc": f"{culprit} is slow",
        "impacted_services": [hit],
        "workload": {"service": culprit, "version": "2.8.0"},
        "cause": {"mechanism": "deploy", "indicator": "latency", "probability": 0.9312},
        "change": {"kind": "deploy", "revision": "a1f9c3e"},
        "src_url": f"reports/{uid}/report.html",
    }


def uids(service: str | None, *findings: Row) -> list[str]:
    rows = answer("past_incidents", {"service": service}, incident_finding=list(findings))
    return [row["uid"] for row in rows]


def test_an_incident_is_told_by_when_it_began_and_not_by_when_it_was_looked_into() -> None:
    rows = [
        found("a", 60, "cart"),
        found("b", 120, "cart"),
        found("before", -60, "cart", written_s=9),
    ]
    assert uids(None, *rows) == ["b", "a"]


def test_a_service_is_told_of_what_it_caused_and_of_what_hit_it() -> None:
    rows = [
        found("by", 60, "cart"),
        found("to", 120, "catalog", hit="cart"),
        found("else", 180, "catalog"),
    ]
    assert uids("cart", *rows) == ["to", "by"]


def test_the_latest_finding_on_an_incident_is_the_one_that_counts() -> None:
    first = found("first", 60, "cart", written_s=1000)
    assert uids("cart", first, found("again", 60, "catalog", written_s=2000)) == []
    assert uids("catalog", first, found("again", 60, "catalog", written_s=2000)) == ["again"]


def test_what_a_door_cites_comes_with_it() -> None:
    (row,) = answer("past_incidents", {"service": None}, incident_finding=[found("a", 60, "cart")])
    cited = ("title", "service", "version", "change_kind", "revision", "mechanism", "report")
    assert [row[name] for name in cited] == [
        "cart is slow",
        "cart",
        "2.8.0",
        "deploy",
        "a1f9c3e",
        "deploy",
        "reports/a/report.html",
    ]
    assert (row["confidence"], row["probability"]) == (0.93, 0.93)
