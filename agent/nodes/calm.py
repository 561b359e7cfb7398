"""Calm: a stretch elsewhere in the lake to compare with, where there is one that was well.

Traffic has its days and its weeks, so the same hours of past days come first, and among them those
of the same sort of day; then the stretch just before what is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from agent.nodes.context import Context
from agent.report.words import listed
from agent.state import Evidence, Window

Row = dict[str, Any]

DAYS = 7
_DAY = timedelta(days=1)
_COVERED = 0.5  # of the intervals in which the present has telemetry of a kind
_FAILING = 0.01  # so small a share of failed requests is calm, whatever other days had
_WORSE = 2.0  # times the least share of failed requests that any of the stretches has


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of the past as long as the window, and why it is no calm one; '' if it is."""

    start: datetime
    end: datetime
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Calm:
    """The calm stretches that were found, the best first, or the reason why there is none."""

    stretches: tuple[Stretch, ...] = ()
    reason: str = ""
    evidence: dict[str, Evidence] = field(default_factory=dict)

    @property
    def stretch(self) -> tuple[datetime, datetime] | None:
        """The best of them as (start, end)."""
        return (self.stretches[0].start, self.stretches[0].end) if self.stretches else None


def calm_stretch(context: Context, window: Window, alerts: Iterable[Row]) -> Calm:
    """Look for calm where the window has been before; `alerts` are rows of that tool.

    A stretch is calm if it has telemetry of the same kinds, no alert fired or was resolved in it,
    no incident was found in it, and hardly more requests failed than in the best of them.
    """
    answer = context.notebook.ask("calm", **window.span)
    findings = context.notebook.ask(
        "past_incidents", start=window.start - (DAYS + 1) * _DAY, end=window.end, service=None
    )
    troubled = [(a["time"], a["time"]) for a in alerts]
    troubled += [
        (row["started_at"], row["ended_at"] or row["started_at"])
        for row in findings.rows.dicts()
        if row["verdict"] == "cause_found" and row["started_at"]
    ]
    judged = list(_judged(answer.rows.dicts(), window, troubled))
    calm = tuple(one for one in judged if not one.doubt)
    return Calm(calm, "" if calm else _reason(judged), answer.noted() | findings.noted())


def _judged(
    rows: Sequence[Row], window: Window, troubled: Sequence[tuple[datetime, datetime]]
) -> Iterator[Stretch]:
    """Every stretch of the past, the best to compare with first, with what speaks against it."""
    held: dict[int, dict[str, Row]] = {}
    for row in rows:
        held.setdefault(row["before_s"], {})[row["table"]] = row
    present = held.get(0, {})
    length = window.end - window.start
    shares = {before: _failed(held.get(before, {})) for before in held if before}
    usual = min((s for s in shares.values() if s is not None), default=0.0)
    for back in _backwards(window.start, length):
        start, end = window.start - back, window.end - back
        then = held.get(int(back.total_seconds()), {})
        share = shares.get(int(back.total_seconds()))
        doubt = ""
        if not _is_there(then, present):
            doubt = "lack telemetry of a kind"
        elif any(since < end and until >= start for since, until in troubled):
            doubt = "had an alert or an incident"
        elif share is not None and share > max(_FAILING, _WORSE * usual):
            doubt = "had failing requests"
        yield Stretch(start, end, doubt)


def _backwards(start: datetime, length: timedelta) -> Iterator[timedelta]:
    """How far back to look: whole days, of the same sort of day first, then just before."""
    if length < _DAY:
        days = [n * _DAY for n in range(1, DAYS + 1)]
        yield from sorted(days, key=lambda back: _is_weekend(start - back) != _is_weekend(start))
    yield length


def _is_weekend(at: datetime) -> bool:
    return at.weekday() >= 5


def _is_there(then: dict[str, Row], present: dict[str, Row]) -> bool:
    """Whether a stretch has each kind of telemetry that the present has, about as long."""
    return bool(present) and all(
        table in then and then[table]["buckets"] >= _COVERED * row["buckets"]
        for table, row in present.items()
    )


def _failed(then: dict[str, Row]) -> float | None:
    """The share of requests that failed; None if there were none."""
    requests = sum(row["requests"] for row in then.values())
    return sum(row["failed"] for row in then.values()) / requests if requests else None


def _reason(judged: Sequence[Stretch]) -> str:
    """Why there is no calm stretch, in a sentence."""
    doubts = dict.fromkeys(one.doubt for one in judged)
    told = listed([f"{sum(one.doubt == d for one in judged)} {d}" for d in doubts])
    return f"No calm stretch to compare with: of {len(judged)} in the week before, {told}."
