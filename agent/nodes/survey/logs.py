"""Which kinds of error lines are new or suddenly frequent."""

from __future__ import annotations

from typing import Any

import pandas as pd
from langgraph.runtime import Runtime

from agent.nodes.context import Context
from agent.nodes.survey.deviations import Measure, of_series
from agent.nodes.survey.metrics import spread
from agent.state import Investigation

_MEDIUM = 3
_LINES = Measure("lines", "errors", "", "lines/bucket", own=False, least=1.0, ratio=3.0)


def survey_logs(state: Investigation, runtime: Runtime[Context]) -> Investigation:
    """Look for warning and error templates that appear or multiply."""
    context, window = runtime.context, state["window"]
    context.progress("survey: log templates")
    answer = context.notebook.ask("templates", **window.span)
    frame = answer.df
    frame = frame[frame["severity_id"] >= _MEDIUM].rename(columns={"counts": "values"})
    counts = spread(frame, window.buckets)
    counts[counts != counts] = 0.0
    found = of_series(counts, _LINES, window, answer.id, lambda row: _identity(frame.iloc[row]))
    return {"evidence": answer.noted(), "signals": found}


def _identity(row: pd.Series[Any]) -> dict[str, Any]:
    words = f"{row['exception']}: {row['template']}" if row["exception"] else row["template"]
    return {
        "resource": row["service"] or "",
        "subject": f"log “{words}”",
        "version": ", ".join(v for v in row["versions"] if v),
    }
