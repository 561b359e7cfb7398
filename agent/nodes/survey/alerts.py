"""Alerts as signals: whose fire together as they hardly ever did."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from langgraph.runtime import Runtime

from agent.analysis.alert_history import History, surprises
from agent.nodes.context import Context
from agent.quotes import named
from agent.state import Anomaly, Indicator, Investigation, Window

Row = dict[str, Any]

_LEAST = 0.05  # nats: less is not worth a word
_TOLD = 3  # alerts that a subject names
_WORDS: tuple[tuple[Indicator, tuple[str, ...]], ...] = (
    ("errors", ("error", "fail", "5xx", "exception", "success", "status")),
    ("latency", ("latency", "slow", "duration", "response time", "timeout", "p99", "p95", "p90")),
    ("availability", ("down", "unavailable", "crash", "restart", "unreachable", "absent", "ready")),
    ("traffic", ("qps", "rps", "traffic", "throughput", "request rate")),
)


def survey_alerts(state: Investigation, runtime: Runtime[Context]) -> Investigation:
    """Look for resources whose alerts surprise, beside all occasions on which any alert fired.

    An occasion is as long as the trouble. However many alerts a resource has, it has one anomaly.
    """
    context, window = runtime.context, state["window"]
    context.progress("survey: alerts, and when they fired before")
    start, end = window.trouble or (window.start, window.end)
    length_s = max(1, int((end - start).total_seconds()))
    answer = context.notebook.ask("alarms", start=start, end=end, bucket_s=length_s)
    found = anomalies(answer.rows.dicts(), window, answer.id)
    return {"evidence": answer.noted(), "anomalies": found}


def anomalies(rows: list[Row], window: Window, evidence: str) -> list[Anomaly]:
    """An anomaly for each resource that any alert of the present is about."""
    if not any(row["times"] for row in rows):
        return []
    resources, owner = np.unique([row["resource"] for row in rows], return_inverse=True)
    _, kind = np.unique([row["kind"] for row in rows], return_inverse=True)
    found = surprises(History(_fired(rows), owner.astype(np.int64), kind.astype(np.int64)))
    shown: defaultdict[str, list[_Shown]] = defaultdict(list)
    for row, nats in zip(rows, found.alert, strict=True):
        if row["times"]:
            shown[row["resource"]].append(_Shown(row, float(nats)))
    told = []
    for name, nats in zip(resources.tolist(), found.owner.tolist(), strict=True):
        if nats >= _LEAST:
            told.append(_anomaly(name, nats, shown[name], window, evidence))
    return sorted(told, key=lambda a: (-a.surprise, a.resource))


@dataclass(frozen=True, slots=True)
class _Shown:
    """An alert of the present, and what it says beside the others."""

    row: Row
    nats: float

    @property
    def text(self) -> str:
        """What fired, and who sees it where it is about a call."""
        title, caller = named(self.row["title"] or "without a title"), self.row["caller"]
        return f"{title} for {named(caller)}" if caller else title


def _fired(rows: list[Row]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which alert fired on which occasion, one row for each on which any did, the present last."""
    held = np.unique([*chain.from_iterable(row["occasions"] for row in rows), 0])
    fired = np.zeros((len(held), len(rows)), dtype=np.bool_)
    for column, row in enumerate(rows):
        fired[np.searchsorted(held, row["occasions"]), column] = True
    return fired


def _anomaly(name: str, nats: float, shown: list[_Shown], window: Window, evidence: str) -> Anomaly:
    """What a resource's alerts say together; the subject names those that say the most."""
    first = sorted(shown, key=lambda s: (-s.nats, s.text))
    texts = list(dict.fromkeys(s.text for s in first))
    more = len(texts) - _TOLD
    subject = ", ".join(texts[:_TOLD]) + (f" and {more} more" if more > 0 else "")
    instances = {s.row["instance"] for s in shown}
    callers = {s.row["caller"] for s in shown}
    return Anomaly(
        look="alerts",
        resource=name,
        indicator=_indicator(first),
        subject=f"{'alert' if len(texts) == 1 else 'alerts'} {subject}",
        surprise=nats,
        effect=float(len(shown)),
        onset=max(window.start, min(s.row["first_at"] for s in shown)),
        before=0.0,
        during=float(sum(s.row["times"] for s in shown)),
        unit="alerts",
        evidence=evidence,
        instance=(instances.pop() or "") if len(instances) == 1 else "",
        peer=(callers.pop() or "") if len(callers) == 1 else "",
    )


def _indicator(shown: list[_Shown]) -> Indicator:
    """What the most surprising alert that says so is about; saturation where none does."""
    for one in shown:
        text = one.text.lower()
        for indicator, words in _WORDS:
            if any(word in text for word in words):
                return indicator
    return "saturation"
