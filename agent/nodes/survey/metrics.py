"""Which metric series left their band: saturation of pools, memory, CPU, queues."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
from langgraph.runtime import Runtime

from agent.nodes.context import Context
from agent.nodes.survey.deviations import Floats, Measure, of_series
from agent.state import Investigation, Signal

_MOVED = Measure("level", "saturation", "", "", own=True, least=0.0, ratio=1.25, rises_only=False)
_A_SERVICE = 12


def survey_metrics(state: Investigation, runtime: Runtime[Context]) -> Investigation:
    """Look for shifts in every series that moved at all; the clearest of each service are kept."""
    context, window = runtime.context, state["window"]
    context.progress("survey: metric series")
    answer = context.notebook.ask("metrics", **window.span)
    frame = answer.df
    found = of_series(
        spread(frame, window.buckets),
        _MOVED,
        window,
        answer.id,
        lambda row: _identity(frame.iloc[row]),
    )
    return {"evidence": answer.noted(), "signals": _clearest(found)}


def spread(frame: pd.DataFrame, buckets: int) -> Floats:
    """One row a series from its lists of buckets and values; what was not seen is NaN."""
    values = np.full((len(frame), buckets), np.nan)
    lengths = frame["buckets"].map(len).to_numpy(dtype=np.int64)
    if lengths.sum():
        rows = np.repeat(np.arange(len(frame)), lengths)
        columns = np.concatenate(frame["buckets"].to_list()).astype(np.int64)
        seen = np.concatenate(frame["values"].to_list())
        inside = (columns >= 0) & (columns < buckets)
        values[rows[inside], columns[inside]] = seen[inside]
    return values


def labelled(row: pd.Series[Any]) -> str:
    """A series in words: its metric and the attributes that tell it from its siblings."""
    attributes = json.loads(row["attributes"]) if row["attributes"] else {}
    labels = ", ".join(f"{key}={value}" for key, value in sorted(attributes.items()))
    return f"{row['metric_name']}{{{labels}}}" if labels else str(row["metric_name"])


def _identity(row: pd.Series[Any]) -> dict[str, Any]:
    return {
        "resource": row["service"] or "",
        "subject": labelled(row),
        "unit": (row["unit"] or "") + ("/s" if row["is_rate"] else ""),
        "instance": row["instance"] or "",
        "version": row["version"] or "",
    }


def _clearest(found: list[Signal]) -> list[Signal]:
    kept: dict[str, list[Signal]] = {}
    for signal in sorted(found, key=lambda s: (-abs(s.effect), s.subject, s.instance)):
        of_service = kept.setdefault(signal.resource, [])
        if len(of_service) < _A_SERVICE:
            of_service.append(signal)
    return [signal for of_service in kept.values() for signal in of_service]
