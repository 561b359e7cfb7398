"""Simple rules on the same evidence, in the same run: what the engine has to beat."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.apps.bench.reading import NO_CHANGE, Ranked

if TYPE_CHECKING:
    from agent.apps.bench.pack import Rank
    from agent.config import Request
    from agent.state import Window
    from lake.ask import View

NAMES = ("N-sigma", "BARO", "error count", "latest deploy")

_HERE = Path(__file__).parent
_NEVER, _EVER = datetime(1970, 1, 1, tzinfo=UTC), datetime(2300, 1, 1, tzinfo=UTC)
_SAME_INCIDENT = timedelta(minutes=30)
_BUCKET_S = 60
_LASTS = timedelta(minutes=5)  # of a trouble whose end is not known


def rankings(view: View, window: Window, at: datetime, rank: Rank) -> dict[str, Ranked]:
    """The ranking of each rule, by its name; those that rank something else, or nothing, are empty.

    N-sigma: the most standard deviations that a series lies from its calm mean. BARO's scorer (Pham
    et al. 2024, BARO: robust root cause analysis, section 3.4): the most interquartile ranges from
    the calm median; its change point detection is not needed, since the alarm says when. Error
    count: error lines beyond those of calm time. Latest deploy: the later changed, the more to
    blame.
    """
    _, end = window.trouble or (at, at + _LASTS)
    calm = window.calm or (_NEVER, _NEVER)
    asked = {
        "start": window.start,
        "at": at,
        "until": max(end, at + timedelta(seconds=1)),
        "calm_start": calm[0],
        "calm_end": calm[1],
    }
    series = _ask(view, "series_scores", asked)
    entry = "metric" if rank == "metric" else "resource"
    of_series = [] if rank == "commit" else series
    return {
        "N-sigma": _best((row[entry], row["n_sigma"]) for row in of_series),
        "BARO": _best((row[entry], row["baro"]) for row in of_series),
        "error count": []
        if rank in ("metric", "commit")
        else _best((row["resource"], row["score"]) for row in _ask(view, "error_counts", asked)),
        "latest deploy": _latest(_ask(view, "latest_changes", asked), rank),
    }


def about(view: View, request: Request) -> tuple[Window, datetime] | None:
    """What to look at where the engine does not say: the request's time, or the last alarm's.

    Without either it is the end of the telemetry, as for the engine; None if there is none.
    """
    from agent.state import Window

    at = request.at or _alarm(view) or _last(view)
    if at is None:
        return None
    end = request.until or at + _LASTS
    start = at - timedelta(seconds=request.lookback_s)
    return Window(start, end, _BUCKET_S, (at, end), request.calm), at


def _alarm(view: View) -> datetime | None:
    """When the latest run of alerts began to fire; a run has no gap of half an hour."""
    first = last = None
    for alert in _asked(view, "alerts"):
        if last is None or alert["time"] - last > _SAME_INCIDENT:
            first = None
        first = first or (None if alert["resolved"] else alert["time"])
        last = alert["time"]
    return first


def _last(view: View) -> datetime | None:
    return max((row["last_at"] for row in _asked(view, "extent")), default=None)


def _asked(view: View, name: str) -> list[dict[str, Any]]:
    """The answer of one of the engine's tools, of all time."""
    from agent.tools.catalogue import tool
    from lake.ask import bind

    return view.ask(bind(tool(name).sql, start=_NEVER, end=_EVER)).dicts()


def _latest(rows: list[dict[str, Any]], rank: Rank) -> Ranked:
    entry = "revision" if rank == "commit" else "resource"
    found = _best((row[entry], row["changed_at"].timestamp()) for row in rows if row[entry])
    return found if found or rank != "commit" else [(NO_CHANGE, 1.0)]


def _ask(view: View, name: str, values: dict[str, Any]) -> list[dict[str, Any]]:
    from lake.ask import bind

    sql = (_HERE / f"{name}.sql").read_text("utf-8")
    return view.ask(bind(sql, **{key: values[key] for key in values if f"${key}" in sql})).dicts()


def _best(scored: Iterable[tuple[str, float]]) -> Ranked:
    best: dict[str, float] = {}
    for name, score in scored:
        best[name] = max(score, best.get(name, score))
    return sorted(best.items(), key=lambda pair: -pair[1])
