"""What is as it is every day is no signal, though it shifted: the same hours of a past day tell."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta

import pandas as pd

from agent.nodes.context import Context
from agent.nodes.survey.deviations import Measure, matters
from agent.state import Signal, Window
from agent.tools.notebook import Answer

_DAY = timedelta(days=1)
_SLACK = timedelta(minutes=1)


def same_hours(context: Context, window: Window, tool: str) -> Answer | None:
    """A tool's answer about the same hours of a past day, if such a stretch is known to be calm."""
    span = window.calm_span
    if span is None or abs(_from_whole_days(window.start - span["start"])) > _SLACK:
        return None
    return context.notebook.ask(tool, "calm", **span)


def _from_whole_days(apart: timedelta) -> timedelta:
    """How far a span of time is from the nearest whole number of days."""
    return apart - max(round(apart / _DAY), 1) * _DAY


def unusual(
    found: Iterable[Signal],
    then: pd.DataFrame | None,
    key: str,
    measures: Iterable[Measure],
    window: Window,
) -> list[Signal]:
    """The signals without those whose level matters no more beside that of the same hours then.

    `then` is a frame as that in which they were found, of a past day; None leaves all.
    """
    if then is None:
        return list(found)
    of = {(m.indicator, m.subject): m for m in measures}
    return [s for s in found if _is_unusual(s, then, key, of[s.indicator, s.subject], window)]


def _is_unusual(
    signal: Signal, then: pd.DataFrame, key: str, measure: Measure, window: Window
) -> bool:
    """Whether a past day's same hours were otherwise; also where nothing is known of them."""
    end = signal.ended_at or window.end
    inside = then["bucket"].between(window.bucket(signal.onset), window.bucket(end) - 1)
    rows = then[(then[key] == signal.resource) & inside]
    level = _LEVELS[bool(measure.events)](rows, measure)
    return bool(pd.isna(level)) or matters(float(level), signal.during, measure)


def _share(rows: pd.DataFrame, measure: Measure) -> float:
    trials = rows[measure.trials].sum()
    return float(100 * rows[measure.events].sum() / trials) if trials else float("nan")


def _typical(rows: pd.DataFrame, measure: Measure) -> float:
    return float(rows[measure.column].quantile(0.5, interpolation="lower"))


_LEVELS: dict[bool, Callable[[pd.DataFrame, Measure], float]] = {True: _share, False: _typical}
