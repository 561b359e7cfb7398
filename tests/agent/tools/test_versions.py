"""Which version ran where: by spans and logs, and by metrics of a service that has neither."""

from __future__ import annotations

from tests.agent.tools.rows import answer, point, span


def test_metrics_tell_the_versions_of_a_service_without_spans() -> None:
    cart = {"service": "cart", "version": "1", "instance": "cart-0"}
    points = [point(s, 1.0, workload=cart) for s in (0, 60, 120)]
    rows = answer("versions", metric_point=points)
    assert [(r["service"], r["version"], r["instance"]) for r in rows] == [("cart", "1", "cart-0")]
    assert (rows[0]["last_seen_at"] - rows[0]["first_seen_at"]).total_seconds() == 120


def test_where_spans_tell_the_version_metrics_are_not_asked() -> None:
    stale = {"service": "app", "version": "1.0", "instance": "app-0"}
    rows = answer(
        "versions",
        trace_span=[span("a", "server", "app", 0, 5)],
        metric_point=[point(30, 1.0, workload=stale)],
    )
    assert {r["version"] for r in rows} == {"2.8.0"}
