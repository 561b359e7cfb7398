"""Which kinds of error lines are new or suddenly frequent."""

from __future__ import annotations

import numpy as np
from langgraph.runtime import Runtime

from agent.analysis.excursions import Bools
from agent.nodes.context import Context
from agent.nodes.lines import MEDIUM
from agent.nodes.quotes import quoted
from agent.nodes.survey.deviations import Identity, Measure, of_series
from agent.nodes.survey.metrics import Row, spread
from agent.state import Investigation, Window
from agent.tools.notebook import Answer

_GAP = 2  # buckets
_LINES = Measure("logs", "lines", "errors", "", "lines", own=False, least=1.0, ratio=3.0)


def survey_logs(state: Investigation, runtime: Runtime[Context]) -> Investigation:
    """Look for warning and error templates that appear or multiply."""
    context, window = runtime.context, state["window"]
    context.progress("survey: log templates")
    answer = context.notebook.ask("templates", **window.span)
    logged = context.notebook.ask("logged", **window.span)
    bad = [row for row in answer.rows.dicts() if (row["severity_id"] or 0) >= MEDIUM]
    counts = np.nan_to_num(spread(bad, "counts", window.buckets))  # none seen is none written,
    counts[:, ~_covered(logged, window)] = np.nan  # but where nobody wrote nothing is known
    identities = [_identity(row) for row in bad]
    found = of_series(counts, _LINES, window, answer.id, identities.__getitem__)
    return {"evidence": answer.noted() | logged.noted(), "signals": found}


def _covered(logged: Answer, window: Window) -> Bools:
    """The buckets in which there are logs, with their gaps of a bucket or two filled."""
    seen = np.zeros(window.buckets, dtype=np.bool_)
    seen[[row["bucket"] for row in logged.rows.dicts()]] = True
    padded = np.pad(seen, _GAP)
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * _GAP + 1)
    return np.asarray(around.any(axis=1))


def _identity(row: Row) -> Identity:
    words = f"{row['exception']}: {row['template']}" if row["exception"] else row["template"]
    return {
        "resource": row["service"] or "",
        "subject": f"log {quoted(words)}",
        "version": ", ".join(v for v in row["versions"] if v),
    }
