"""Instances with a change beside those without it, where metrics alone tell how each fared.

A natural experiment like that on requests: at the same time, by the same metric, of the same edge.
An instance that was started and from which nothing is heard, while its siblings report, is one too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.analysis.distributions import most_said
from agent.analysis.meaning import Meaning, meaning
from agent.analysis.siblings import Siblings, beside_siblings
from agent.nodes.trying import Trying
from agent.quotes import plain
from agent.state import Change, Control, Window

Row = dict[str, Any]
Floats = NDArray[np.float64]

ALPHA = 0.01
ALPHA_SILENT = 0.05  # twenty others reach it, if all are heard from
_BUCKET_S = 60  # metrics that come every minute have one value in each
_PATIENCE = timedelta(minutes=3)  # after which an instance that was started is missed
_LEAST_BUCKETS = 3  # side by side, or silent
_WARMS_UP = 2  # buckets of a new instance that are left out where enough others are there
_SURE = 2.0  # scales: a difference that is not seen is smaller than so many more
_NEVER = 1e-13  # the least probability that is told


@dataclass(frozen=True, slots=True)
class Series:
    """A metric of a service by instance: `values` are instances x buckets."""

    name: str
    unit: str
    labels: str
    is_rate: bool
    values: Floats

    @property
    def meaning(self) -> Meaning:
        """What it tells of harm."""
        return meaning(self.name, self.unit, self.labels, is_rate=self.is_rate)


@dataclass(frozen=True, slots=True)
class Cohorts:
    """Who has a change and who has not, by instance and bucket, and what each measured."""

    instances: tuple[str, ...]
    has_it: NDArray[np.bool_]
    had_it_not: NDArray[np.bool_]
    before: NDArray[np.bool_]
    series: tuple[Series, ...]


def by_instance(trying: Trying) -> Control:
    """Old and new instances by their metrics; a control without data says so."""
    change, facts = trying.change, trying.facts
    span = {"start": facts.window.start, "end": facts.window.end}
    started = trying.ask("started", **span)
    announced = started.rows.dicts()
    missed = _missed(trying, announced)
    if missed:
        if facts.window.calm:
            span["start"] = min(facts.window.start, facts.window.calm[0])
            started = trying.ask("started", about="calm time too", **span)
        names = {row["instance"] for row in missed}
        others = [r for r in started.rows.dicts() if r["instance"] not in names]
        return _unheard(trying, missed, others, started.id)
    bucket_s = max(facts.window.bucket_s, _BUCKET_S)
    answer = trying.ask(
        "instances", about=change.service, service=change.service, bucket_s=bucket_s, **span
    )
    window = Window(facts.window.start, facts.window.end, bucket_s)
    cohorts = _cohorts(change, answer.rows.dicts(), announced, window)
    if cohorts is None:
        text = "No second version was seen to compare it with."
        return trying.says("old_against_new", "not_assessable", text)
    return _compared(trying, cohorts, answer.id, started.id)


def _missed(trying: Trying, announced: list[Row]) -> list[Row]:
    """The change's instances that were started and that nothing was heard from for long.

    Of a change that names a version those that name it too; of any, those that came with it.
    """
    change, facts = trying.change, trying.facts
    return [
        row
        for row in announced
        if row["service"] == change.service
        and row["version"] == (change.version or row["version"])
        and row["started_at"] is not None
        and row["started_at"] >= _since(trying)
        and row["first_at"] is None
        and (row["stopped_at"] or facts.window.end) - row["started_at"] >= _PATIENCE
    ]


def _unheard(trying: Trying, missed: list[Row], others: list[Row], evidence: str) -> Control:
    """What it says that new instances are silent: much, where many others are not.

    p is the share of silent ones among all others, one added to both (Laplace's rule).
    """
    change, window = trying.change, trying.facts.window
    waited = [r for r in others if r["first_at"] or _there(r, window) >= _PATIENCE]
    heard = [r for r in waited if r["first_at"] is not None]
    names = " and ".join(sorted(r["instance"] for r in missed))
    since = min(r["started_at"] for r in missed)
    text = f"Nothing was heard from {names} since started at {trying.facts.when(since)}"
    if not waited:
        text += "; whether what is started is ever heard from here is not known."
        return trying.says("old_against_new", "not_assessable", text, evidence)
    p = (1 + len(waited) - len(heard)) / (1 + len(waited))
    since_then = [r for r in heard if r["started_at"] and r["started_at"] >= _since(trying)]
    if any(r["service"] == change.service for r in since_then):
        text += f", but others of {change.service} that were started were heard from."
        return trying.says("old_against_new", "neutral", text, evidence, p=p)
    share = f"{len(heard)} of {len(waited)} others started or stopped were heard from"
    if p >= ALPHA_SILENT:
        text += f"; {share}, too few to tell."
        control = trying.says("old_against_new", "neutral", text, evidence, p=p)
        return replace(control, log_odds=most_said(p))
    text += f", though {share}."
    return trying.says("old_against_new", "implicates", text, evidence, p=p)


def _since(trying: Trying) -> datetime:
    """From when what is started may have come with the change."""
    return trying.came - trying.facts.slack


def _there(row: Row, window: Window) -> timedelta:
    """For how long an instance was there, as far as is known."""
    return (row["stopped_at"] or window.end) - (row["started_at"] or window.start)


def _cohorts(
    change: Change, rows: list[Row], announced: list[Row], window: Window
) -> Cohorts | None:
    """The instances of both sides over time; None unless both reported at the same time."""
    mine = {r.instance: r.first_observed_at for r in change.rollouts}
    instances = tuple(sorted({str(row["instance"]) for row in rows}))
    place = {name: at for at, name in enumerate(instances)}
    came = np.full(len(instances), window.buckets)
    for name, at in mine.items():
        if name in place:
            came[place[name]] = window.bucket(at)
    gone = np.full(len(instances), window.buckets)
    for row in announced:
        if row["stopped_at"] is not None and row["instance"] in place:
            gone[place[row["instance"]]] = window.bucket(row["stopped_at"])
    if not mine or came.min(initial=window.buckets) >= window.buckets:
        return None
    bucket = np.arange(window.buckets)
    there = (bucket >= _first_heard(rows, place, window)[:, None]) & (bucket < gone[:, None])
    without = there & (bucket >= came.min()) & (bucket < came[:, None])
    warm = np.where(window.buckets - came >= _WARMS_UP + _LEAST_BUCKETS, came + _WARMS_UP, came)
    has_it = (bucket >= warm[:, None]) & (bucket < gone[:, None])
    if not (has_it.any() and without.any()):
        return None
    return Cohorts(
        instances, has_it, without, bucket < came.min(), tuple(_series(rows, place, window))
    )


def _first_heard(rows: list[Row], place: dict[str, int], window: Window) -> NDArray[np.int64]:
    first = np.full(len(place), window.buckets)
    for row in rows:
        at = place[row["instance"]]
        first[at] = min(first[at], row["buckets"][0])
    return first


def _series(rows: list[Row], place: dict[str, int], window: Window) -> list[Series]:
    """The metrics of a service, each as a matrix of instances x buckets."""
    found: dict[tuple[str, str], Series] = {}
    for row in rows:
        key = (str(row["metric_name"]), str(row["attributes"]))
        if key not in found:
            values = np.full((len(place), window.buckets), np.nan)
            found[key] = Series(key[0], row["unit"] or "", key[1], row["is_rate"], values)
        at, seen = np.array(row["buckets"]), np.array(row["values"])
        within = (at >= 0) & (at < window.buckets)
        found[key].values[place[row["instance"]], at[within]] = seen[within]
    return list(found.values())


@dataclass(frozen=True, slots=True)
class _Difference:
    """A series in which the new are worse than the old, or are silent."""

    series: Series
    old: float
    new: float
    p_value: float
    silent: int = 0

    def __str__(self) -> str:
        name = self.series.name + (f"{{{plain(self.series.labels)}}}" if self.silent else "")
        if self.silent:
            return f"says nothing of {name} in {self.silent} intervals in which the others do"
        return f"has {name} {self.new:.3g} against {self.old:.3g} {self.series.unit}".rstrip()


def _compared(trying: Trying, cohorts: Cohorts, *evidence: str) -> Control:
    values = np.stack([one.values for one in cohorts.series])
    beside = beside_siblings(values, cohorts.has_it, cohorts.had_it_not, cohorts.before)
    worse = sorted(_worse(beside, cohorts.series), key=lambda d: d.p_value)
    names = _names(trying.change)
    if worse:
        text = f"{names}: the new {' and '.join(map(str, worse[:2]))}."
        p = max(_NEVER, worse[0].p_value)
        return trying.says("old_against_new", "implicates", text, *evidence, p=p)
    harmful = [
        at
        for at, one in enumerate(cohorts.series)
        if one.meaning.worse and beside.buckets[at] >= _LEAST_BUCKETS
    ]
    known = beside.p_value[harmful]
    p = float(np.nanmin(known, initial=1.0))
    if not harmful:
        text = f"{names}: no metric that tells harm was measured on both at the same time."
        return trying.says("old_against_new", "not_assessable", text, *evidence)
    if not all(_excludes(beside, at, cohorts.series[at]) for at in harmful):
        text = f"{names}: no difference to be seen between so few instances."
        return trying.says("old_against_new", "neutral", text, *evidence, p=p)
    if _in_trouble(beside, cohorts, harmful):
        text = f"{names}: alike, but both in trouble."
        return trying.says("old_against_new", "neutral", text, *evidence, p=p)
    text = f"{names}: alike, and a difference that harms would have shown."
    return trying.says("old_against_new", "clears", text, *evidence, p=p)


def _worse(beside: Siblings, series: tuple[Series, ...]) -> list[_Difference]:
    """Where the new are worse than the old, after paying for how many metrics were compared."""
    searched = max(1, int(np.isfinite(beside.p_value).sum()))
    found = []
    for at, one in enumerate(series):
        if beside.silent[at] >= _LEAST_BUCKETS and one.meaning.worse:
            # as likely as an instance that reports every second time and is never seen
            p = searched * 0.5 ** int(beside.silent[at])
            found.append(_Difference(one, np.nan, np.nan, p, int(beside.silent[at])))
            continue
        told, p = one.meaning, searched * float(beside.p_value[at])
        old, new = float(beside.old[at]), float(beside.new[at])
        if beside.buckets[at] >= _LEAST_BUCKETS and p < ALPHA and _harms(told, old, new):
            found.append(_Difference(one, old, new, p))
    return [d for d in found if d.p_value < ALPHA]


def _harms(told: Meaning, old: float, new: float) -> bool:
    """Whether a difference is large enough, and in the way that users mind."""
    more, less = (new, old) if told.worse > 0 else (old, new)
    return told.worse != 0 and more - less >= told.least and more >= told.ratio * less


def _excludes(beside: Siblings, at: int, one: Series) -> bool:
    """Whether a difference that harms would have shown: the upper bound of it is none."""
    told, old = one.meaning, float(beside.old[at])
    bound = float(beside.effect[at]) * told.worse + _SURE * float(beside.scale[at])
    return bound < max(told.least, (told.ratio - 1.0) * abs(old))


def _in_trouble(beside: Siblings, cohorts: Cohorts, harmful: list[int]) -> bool:
    """Whether the instances without the change are ill too, against the time before."""
    for at in harmful:
        one = cohorts.series[at]
        calm = one.values[:, cohorts.before]
        before = float(np.nanmedian(calm)) if np.isfinite(calm).any() else np.nan
        if np.isfinite(before) and _harms(one.meaning, before, float(beside.old[at])):
            return True
    return False


def _names(change: Change) -> str:
    if change.version != change.previous_version:
        return f"{change.version} beside {change.previous_version}"
    return f"{change.what} beside instances without it"
