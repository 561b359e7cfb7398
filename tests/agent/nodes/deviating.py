"""Facts of a small system in which some things deviate.

web, where the alarm is, calls payment, which runs on rack-7.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from agent.nodes.facts import Facts, gather
from agent.state import (
    Anomaly,
    Call,
    Change,
    Evidence,
    Incident,
    Indicator,
    Investigation,
    Look,
    Window,
)

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


_WATCHED = Evidence("requests", "?", "requests", "SELECT 1", {}, 40, "sha256:00")


def at(minutes: float) -> datetime:
    """So many minutes into the window."""
    return START + timedelta(minutes=minutes)


def anomaly(
    indicator: Indicator = "latency",
    before: float = 10.0,
    during: float = 900.0,
    *,
    look: Look = "metrics",
    subject: str = "latency",
    unit: str = "%",
    minutes: float = 20,
    resource: str = "payment",
    nats: float = 20.0,
    worse: int = 1,
) -> Anomaly:
    """An anomaly of payment getting slower unless told otherwise."""
    return Anomaly(
        look, resource, indicator, subject, nats, 9.0, at(minutes), before, during, unit, "E",
        worse=worse if look == "metrics" else 0,
    )  # fmt: skip


def surveyed(
    *anomalies: Anomaly,
    calm: tuple[datetime, datetime] | None = None,
    alarmed: tuple[str, ...] = ("web",),
    trigger: str = "TooSlow fired once",
    changed: str = "",
) -> Investigation:
    """What the survey says that found the anomalies, of a trouble from minute 10 to 30.

    Requests are watched if a service was `changed`.
    """
    window = Window(START, at(30), 60, (at(10), at(30)), calm)
    return {
        "window": window,
        "incident": Incident(at(20), START, at(30), services=alarmed, trigger=trigger),
        "calls": [
            Call("web", "payment", "", 1, 0),
            Call("payment", "rack-7", "", 0, 0, "runs_on"),
        ],
        "anomalies": list(anomalies),
        "changes": {"C1": Change("C1", "deploy", f"{changed} 2", changed)} if changed else {},
        "evidence": {"requests": _WATCHED} if changed else {},
    }


def facts(*anomalies: Anomaly, **asked: Any) -> Facts:
    """What is gathered of what was `surveyed`."""
    return gather(surveyed(*anomalies, **asked))
