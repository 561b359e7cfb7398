"""Which kinds of error lines are new or suddenly frequent."""

from __future__ import annotations

import numpy as np
from langgraph.runtime import Runtime

from agent.nodes.context import Context
from agent.nodes.lines import MEDIUM
from agent.nodes.survey.deviations import Identity, Measure, of_series
from agent.nodes.survey.metrics import Row, spread
from agent.state import Investigation

_LINES = Measure("logs", "lines", "errors", "", "lines", own=False, least=1.0, ratio=3.0)


def survey_logs(state: Investigation, runtime: Runtime[Context]) -> Investigation:
    """Look for warning and error templates that appear or multiply."""
    context, window = runtime.context, state["window"]
    context.progress("survey: log templates")
    answer = context.notebook.ask("templates", **window.span)
    bad = [row for row in answer.rows.dicts() if (row["severity_id"] or 0) >= MEDIUM]
    counts = np.nan_to_num(spread(bad, "counts", window.buckets))  # none seen is none written
    identities = [_identity(row) for row in bad]
    found = of_series(counts, _LINES, window, answer.id, identities.__getitem__)
    return {"evidence": answer.noted(), "signals": found}


def _identity(row: Row) -> Identity:
    words = f"{row['exception']}: {row['template']}" if row["exception"] else row["template"]
    return {
        "resource": row["service"] or "",
        "subject": f"log “{words}”",
        "version": ", ".join(v for v in row["versions"] if v),
    }
