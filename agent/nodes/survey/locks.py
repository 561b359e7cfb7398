"""Which database sessions others had to wait for."""

from __future__ import annotations

import numpy as np
from langgraph.runtime import Runtime

from agent.nodes.context import Context
from agent.nodes.survey.deviations import Floats, Identity, Measure, of_series
from agent.nodes.survey.metrics import Row
from agent.state import Investigation

_WAITS = Measure("locks", "waits", "latency", "", "waits", own=True, least=1.0, ratio=3.0)


def survey_locks(state: Investigation, runtime: Runtime[Context]) -> Investigation:
    """Look for sessions that others wait for more than before, in what databases log of locks."""
    context, window = runtime.context, state["window"]
    context.progress("survey: lock waits")
    answer = context.notebook.ask("lock_waits", **window.span)
    rows = answer.rows.dicts()
    identities = [_identity(row) for row in rows]
    found = of_series(
        _counts(rows, window.buckets), _WAITS, window, answer.id, identities.__getitem__
    )
    return {"evidence": answer.noted(), "signals": found}


def _counts(rows: list[Row], buckets: int) -> Floats:
    """How many waits began in each bucket; none told is none."""
    counts = [np.bincount(row["buckets"], minlength=buckets)[:buckets] for row in rows]
    return np.array(counts, dtype=np.float64).reshape(len(rows), buckets)


def _identity(row: Row) -> Identity:
    return {
        "resource": store(row),
        "subject": f"waits for session {row['holder']}",
        "attributes": session(row),
    }


def session(row: Row) -> str:
    """Which session of which database a row is of."""
    return f"{store(row)} {row['holder']}"


def store(row: Row) -> str:
    """The database as the topology names it: its system and its namespace."""
    return "/".join(part for part in (row["system"], row["namespace"]) if part)
