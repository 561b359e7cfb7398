"""How each service answered: latency, failures and load, its own part told from its callees'."""

from __future__ import annotations

import pandas as pd
from langgraph.runtime import Runtime

from agent.nodes.context import Context
from agent.nodes.survey.deviations import Measure, signals
from agent.nodes.survey.season import same_hours, unusual
from agent.state import Evidence, Investigation, Signal

ENTRANCE = "«users»"  # not a name that a service has


def _latency(column: str, subject: str, *, own: bool) -> Measure:
    return Measure(
        "requests", column, "latency", subject, "ms", own=own, least=5.0, ratio=1.5, log=True
    )


def _failures(events: str, subject: str, *, own: bool) -> Measure:
    column = f"{events}_percent"
    return Measure(
        "requests", column, "errors", subject, "%", own=own, least=2.0, ratio=2.0, events=events
    )


_MEASURES = (
    _latency("p95_ms", "latency p95", own=False),
    _latency("own_p95_ms", "own time p95", own=True),
    _failures("failed", "failed requests", own=False),
    _failures("own_failed", "own failures", own=True),
    Measure(
        "requests",
        "per_s",
        "traffic",
        "requests per second",
        "1/s",
        own=False,
        least=0.2,
        ratio=2.0,
        counts=True,
        rises_only=False,
    ),
)
_USERS = tuple(m for m in _MEASURES if m.column in {"p95_ms", "failed_percent", "per_s"})


def survey_requests(state: Investigation, runtime: Runtime[Context]) -> Investigation:
    """Look for shifts in what every service answered and in what users got at the entrance."""
    context, window = runtime.context, state["window"]
    context.progress("survey: requests of every service")
    evidence: dict[str, Evidence] = {}
    found: list[Signal] = []
    for tool, measures in (("requests", _MEASURES), ("entrance", _USERS)):
        answer = context.notebook.ask(tool, **window.span)
        then = same_hours(context, window, tool)
        past = _rated(then.df, window.bucket_s) if then else None
        frame = _rated(answer.df, window.bucket_s)
        shifted = signals(frame, "service", measures, window, answer.id)
        found += unusual(shifted, past, "service", measures, window)
        evidence |= answer.noted() | (then.noted() if then else {})
    requests = context.notebook.ask("requests", **window.span)
    return {
        "evidence": evidence,
        "services": sorted(set(requests.df["service"])),
        "signals": found,
    }


def _rated(frame: pd.DataFrame, bucket_s: int) -> pd.DataFrame:
    """Milliseconds, percentages and rates; those of users, if of no service."""
    frame = frame if "service" in frame else frame.assign(service=ENTRANCE)
    frame = frame.assign(per_s=frame["requests"] / bucket_s)
    for column in frame.columns.intersection(["p95_ns", "own_p95_ns"]):
        frame[column.replace("_ns", "_ms")] = frame[column] / 1e6
    for column in frame.columns.intersection(["failed", "own_failed"]):
        frame[f"{column}_percent"] = 100 * frame[column] / frame["requests"]
    return frame
