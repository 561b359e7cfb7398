"""The log lines that explain: kinds of error that a resource did not write before the trouble."""

from __future__ import annotations

from typing import Any

import numpy as np

from agent.analysis.log_templates import novelty
from agent.nodes.facts import Facts
from agent.tools.notebook import Answer

Row = dict[str, Any]

MEDIUM = 3  # OCSF's severity_id from which a line is a warning or worse


def new_lines(resource: str, facts: Facts, templates: Answer) -> list[Row]:
    """The templates of `resource` that came with the trouble: new ones, then frequent ones."""
    started, window = facts.incident.started_at, facts.window
    rows = [
        row
        for row in templates.rows.dicts()
        if row["service"] == resource and (row["severity_id"] or 0) >= MEDIUM
    ]
    if started is None or not rows:
        return []
    onset = window.bucket(started)
    until = window.bucket(facts.incident.ended_at or window.end)
    before = [_counted(row, 0, onset) for row in rows]
    during = [_counted(row, onset, until) for row in rows]
    found = novelty(before, during, max(onset, 1), max(until - onset, 1))
    risen = [at for at, kind in enumerate(found.kind) if kind in ("new", "more")]
    risen.sort(key=lambda at: (found.kind[at] != "new", -during[at], rows[at]["template"] or ""))
    return [rows[at] for at in risen]


def _counted(row: Row, start: int, end: int) -> int:
    buckets, counts = np.asarray(row["buckets"]), np.asarray(row["counts"])
    return int(counts[(buckets >= start) & (buckets < end)].sum())
