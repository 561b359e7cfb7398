"""Which metric series left their band: saturation of pools, memory, CPU, queues."""

from __future__ import annotations

import json
from itertools import chain
from typing import Any

import numpy as np
from langgraph.runtime import Runtime

from agent.nodes.context import Context
from agent.nodes.quotes import plain
from agent.nodes.survey.deviations import Floats, Identity, Measure, of_series
from agent.state import Investigation, Signal

Row = dict[str, Any]

_MOVED = Measure(
    "metrics", "level", "saturation", "", "", own=True, least=0.0, ratio=1.25, rises_only=False
)
_A_SERVICE = 12


def survey_metrics(state: Investigation, runtime: Runtime[Context]) -> Investigation:
    """Look for shifts in every series that moved at all; the clearest of each service are kept."""
    context, window = runtime.context, state["window"]
    context.progress("survey: metric series")
    answer = context.notebook.ask("metrics", **window.span)
    series = answer.rows.dicts()
    values = spread(series, "values", window.buckets)
    found = of_series(
        values, _MOVED, window, answer.id, [_identity(row) for row in series].__getitem__
    )
    return {"evidence": answer.noted(), "signals": _clearest(found)}


def spread(series: list[Row], column: str, buckets: int) -> Floats:
    """One row a series from its lists of buckets and values; what was not seen is NaN."""
    values = np.full((len(series), buckets), np.nan)
    rows = np.repeat(np.arange(len(series)), [len(row["buckets"]) for row in series])
    columns = np.fromiter(chain.from_iterable(row["buckets"] for row in series), np.int64)
    seen = np.fromiter(chain.from_iterable(row[column] for row in series), np.float64)
    inside = (columns >= 0) & (columns < buckets)
    values[rows[inside], columns[inside]] = seen[inside]
    return values


def labelled(row: Row) -> str:
    """A series in words: its metric and the attributes that tell it from its siblings.

    What an attribute's name shares with the metric's is left out: `db.client.connection.count`
    says `state=used` for `db.client.connection.state=used`.
    """
    metric = str(row["metric_name"])
    space = metric.rpartition(".")[0] + "."
    attributes = sorted(json.loads(row["attributes"]).items())
    labels = ", ".join(f"{key.removeprefix(space)}={value}" for key, value in attributes)
    return f"{metric}{{{plain(labels)}}}" if labels else metric


def _identity(row: Row) -> Identity:
    return {
        "resource": row["service"] or "",
        "subject": labelled(row),
        "indicator": "traffic" if row["is_rate"] else "saturation",
        "unit": (row["unit"] or "") + ("/s" if row["is_rate"] else ""),
        "attributes": row["attributes"],
    }


def _clearest(found: list[Signal]) -> list[Signal]:
    kept: dict[str, list[Signal]] = {}
    for signal in sorted(found, key=lambda s: (-abs(s.effect), s.subject)):
        of_service = kept.setdefault(signal.resource, [])
        if len(of_service) < _A_SERVICE:
            of_service.append(signal)
    return [signal for of_service in kept.values() for signal in of_service]
