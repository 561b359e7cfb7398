"""Who calls whom, and which databases, caches and queues got slow or failed for their callers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from langgraph.runtime import Runtime

from agent.analysis.per_request import PRESSING
from agent.nodes.context import Context
from agent.nodes.survey.deviations import Measure, signals
from agent.nodes.survey.season import same_hours, unusual
from agent.state import Call, Investigation, Signal, Window

UNANSWERED = "unanswered calls"
_SLOW = Measure(
    "calls", "p95_ms", "latency", "latency p95 of calls", "ms", own=True, least=5.0, ratio=1.5,
    log=True,
)  # fmt: skip
_FAILING = Measure(
    "calls", "failed_percent", "errors", "failed calls", "%", own=True, least=2.0, ratio=2.0,
    events="failed", trials="calls",
)  # fmt: skip
_UNANSWERED = Measure(
    "calls", "unanswered_percent", "errors", UNANSWERED, "%", own=True, least=2.0,
    ratio=2.0, events="unanswered", trials="calls",
)  # fmt: skip
_OF_STORES, _OF_SERVICES = (_SLOW, _FAILING), (_UNANSWERED,)
_ALONE, _OTHERS = 0.1, 30  # of a caller's failure rate is all that others see, in so many calls


def survey_calls(state: Investigation, runtime: Runtime[Context]) -> Investigation:
    """Draw the topology; a store that serves badly and a service that does not answer show here."""
    context, window = runtime.context, state["window"]
    context.progress("survey: calls between services and to stores")
    answer = context.notebook.ask("edges", **window.span)
    frame = answer.df
    called = _per_callee(frame)
    stores, services = called[called["is_store"]], called[~called["is_store"]]
    found = [
        replace(signal, own=not _pressed(signal, stores, window))
        for signal in signals(stores, "callee", _OF_STORES, window, answer.id)
    ]
    found += signals(services, "callee", _OF_SERVICES, window, answer.id)
    then = same_hours(context, window, "edges")
    past = _per_callee(then.df) if then else None
    return {
        "evidence": answer.noted() | (then.noted() if then else {}),
        "calls": _calls(frame),
        "signals": unusual(found, past, "callee", _OF_STORES + _OF_SERVICES, window),
    }


def _pressed(signal: Signal, called: pd.DataFrame, window: Window) -> bool:
    """Whether a store was asked so much more than before that it may be slow or fail by that.

    Whole requests are counted, for a call that fails may be made again within its request.
    """
    asked = np.zeros(window.buckets)
    of_it = called[called["callee"] == signal.resource]
    asked[of_it["bucket"]] = of_it["traces"]
    onset, end = (
        int((at - window.start).total_seconds() // window.bucket_s)
        for at in (signal.onset, signal.ended_at or window.end)
    )
    return onset > 0 and bool(asked[onset:end].mean() > PRESSING * asked[:onset].mean())


def _by_its_queries(frame: pd.DataFrame) -> pd.Series[bool]:
    """The rows of a store's one caller whose calls fail while many others' do not."""
    key = ["callee", "is_store"]
    in_trouble = frame.groupby([*key, "bucket"])["failed"].transform("sum") > 0
    counted = frame.assign(
        calls=frame["calls"].where(in_trouble, 0), failed=frame["failed"].where(in_trouble, 0)
    )
    own = counted.groupby([*key, "caller"])[["calls", "failed"]].transform("sum")
    others = counted.groupby(key)[["calls", "failed"]].transform("sum") - own
    well_served = others["failed"] * own["calls"] <= _ALONE * own["failed"] * others["calls"]
    return frame["is_store"] & (own["failed"] > 0) & (others["calls"] >= _OTHERS) & well_served


def _calls(frame: pd.DataFrame) -> list[Call]:
    edges = frame.fillna({"system": ""}).groupby(["caller", "callee", "system"], as_index=False)
    totals = edges[["calls", "failed"]].sum()
    return [Call(*row) for row in totals.itertuples(index=False)]


def _per_callee(frame: pd.DataFrame) -> pd.DataFrame:
    """A callee as its callers see it: their median p95, the shares of failed and unanswered calls.

    A service's failures are in its own spans; that it does not answer is seen by its callers only.
    A store that fails one caller and serves the others well fails by that caller's queries.
    """
    frame = frame.assign(is_store=frame["system"].notna())
    frame = frame.assign(failed=frame["failed"].where(~_by_its_queries(frame), 0))
    grouped = frame.groupby(["callee", "is_store", "bucket"])
    called = grouped[["calls", "traces", "failed", "unanswered"]].sum()
    called["p95_ms"] = grouped["p95_ns"].median() / 1e6
    for column in ("failed", "unanswered"):
        called[f"{column}_percent"] = 100 * called[column] / called["calls"]
    return called.reset_index()
