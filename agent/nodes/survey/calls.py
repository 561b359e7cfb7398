"""Who calls whom, and which databases, caches and queues got slow or failed for their callers."""

from __future__ import annotations

import pandas as pd
from langgraph.runtime import Runtime

from agent.nodes.context import Context
from agent.nodes.survey.deviations import Measure, signals
from agent.state import Call, Investigation

_SLOW = Measure(
    "calls", "p95_ms", "latency", "latency p95 of calls", "ms", own=True, least=5.0, ratio=1.5,
    log=True,
)  # fmt: skip
_FAILING = Measure(
    "calls", "failed_percent", "errors", "failed calls", "%", own=True, least=2.0, ratio=2.0
)


def survey_calls(state: Investigation, runtime: Runtime[Context]) -> Investigation:
    """Draw the topology; what a store does to its callers is the store's own signal."""
    context, window = runtime.context, state["window"]
    context.progress("survey: calls between services and to stores")
    answer = context.notebook.ask("edges", **window.span)
    frame = answer.df
    stores = _per_store(frame[frame["system"].notna()])
    return {
        "evidence": answer.noted(),
        "calls": _calls(frame),
        "signals": signals(stores, "callee", (_SLOW, _FAILING), window, answer.id),
    }


def _calls(frame: pd.DataFrame) -> list[Call]:
    edges = frame.fillna({"system": ""}).groupby(["caller", "callee", "system"], as_index=False)
    totals = edges[["calls", "failed"]].sum()
    return [Call(*row) for row in totals.itertuples(index=False)]


def _per_store(frame: pd.DataFrame) -> pd.DataFrame:
    """A store as all its callers see it: the slowest caller's p95, the share of failed calls."""
    grouped = frame.groupby(["callee", "bucket"])
    stores = grouped[["calls", "failed"]].sum()
    stores["p95_ms"] = grouped["p95_ns"].median() / 1e6
    stores["failed_percent"] = 100 * stores["failed"] / stores["calls"]
    return stores.reset_index()
