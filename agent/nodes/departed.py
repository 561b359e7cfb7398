"""What the anomalies of a changed service say of its change, where its requests say nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from agent.analysis.anomalies import REFERENCE, Departures, departures
from agent.analysis.excursions import DUST, LEAST_SCALE, Ints, clumping
from agent.nodes.facts import SURE, Facts
from agent.nodes.survey.axis import Axis, Row
from agent.nodes.survey.changes import began
from agent.nodes.survey.deviations import Floats
from agent.nodes.survey.metrics import labelled
from agent.nodes.trying import Trying
from agent.state import Change, Control

_PROMPT = timedelta(minutes=30)  # after which a departure is not told from one for other reasons
_LIKELY = SURE / 2  # nats of each of two that depart alike
_TELLS = 3 * REFERENCE  # buckets before a change: in fewer a trend is not told from what wanders
_CLOCKS = np.array([1.0, 1e3, 1e6, 1e9])  # a second: what climbs by one a second is an age
_SERIES = ("metric_name", "node", "attributes", "is_rate")


def departed(trying: Trying) -> Control | None:
    """What anomalies say of a service whose requests do not; None if it has none that is sure.

    One that began before the change clears nothing: it need not be of the trouble.
    """
    service, facts = trying.change.service, trying.facts
    sure = [a for a in facts.anomalies.get(service, ()) if a.own and a.surprise >= SURE]
    if not sure:
        return _moved(trying)
    first = min(sure, key=lambda a: (a.onset, -a.surprise))
    shows = f"{service} departed by its {first.subject} at {facts.when(first.onset)}"
    if elsewhere := _elsewhere_before(trying):
        text = f"{service} departed as {' and '.join(elsewhere)} did before the change."
        return trying.says("own_signals", "neutral", text, first.evidence)
    if first.onset < trying.came - facts.slack:
        text = f"{shows}, before the change."
        return trying.says("own_signals", "neutral", text, first.evidence)
    after = max(first.onset - trying.came, timedelta(0))
    text = f"{shows}, {after.total_seconds():.0f} s after the change."
    if after > _PROMPT:
        return trying.says("own_signals", "neutral", text, first.evidence)
    if trying.change.rollouts:
        return trying.says("own_signals", "implicates", text, first.evidence)
    if _is_early(trying):
        text = f"{shows} Of what it did before that too little is known to tell a trend."
        return trying.says("own_signals", "neutral", text, first.evidence)
    if trend := _under_way(trying):
        text = f"{service} was departing by its {trend.subject} before the change."
        return trying.says("own_signals", "neutral", text, first.evidence, trend.evidence)
    return trying.says(
        "own_signals", "implicates", text, first.evidence, p=_coincidence(after, trying)
    )


def _elsewhere_before(trying: Trying) -> list[str]:
    """The services that departed before the change in a way that this one does since.

    What is there before a change is not of its making, wherever it shows first.
    """
    service, facts = trying.change.service, trying.facts
    shown = {(a.look, a.subject) for a in facts.anomalies.get(service, ()) if a.surprise >= _LIKELY}
    bucket = timedelta(seconds=facts.window.bucket_s)
    return sorted({
        name
        for name, found in facts.anomalies.items()
        for a in found
        if name != service and (a.look, a.subject) in shown
        and a.surprise >= _LIKELY and a.onset + bucket <= trying.came
    })  # fmt: skip


def _moved(trying: Trying) -> Control | None:
    """What the metrics of a service do from the change on, where no calm shows that they depart.

    What departs slowly is calm and trouble to those who do not know when it began.
    """
    if trying.change.rollouts or not trying.facts.felt:
        return None
    shift = _shift(trying, trying.came, trying.facts.window.end)
    if shift is None or shift.onset - trying.came > _PROMPT:
        return None
    if _is_early(trying) or _under_way(trying):
        return None
    after = shift.onset - trying.came
    text = (
        f"{trying.change.service} departed by its {shift.subject} from "
        f"{trying.facts.when(shift.onset)} on, {after.total_seconds():.0f} s after the change."
    )
    p = _coincidence(after, trying)
    return trying.says("own_signals", "implicates", text, shift.evidence, p=p)


@dataclass(frozen=True, slots=True)
class _Shift:
    """A metric that departs from all before a time, and stays away."""

    subject: str
    onset: datetime
    evidence: str


def _shift(trying: Trying, since: datetime, until: datetime) -> _Shift | None:
    """The first metric of a service that departs for sure between two times, to the end."""
    window = trying.facts.window
    if not window.start < since < until <= window.end:
        return None
    axis = Axis(replace(window, calm=None, trouble=(since, until)))
    series, values, evidence = _metrics(trying, axis)
    found = departures(values, axis.calm, axis.trouble)
    missing = np.isnan(values[:, axis.trouble])[:, ::-1].argmin(axis=1)  # from the end on
    sure = np.flatnonzero((found.surprise >= SURE) & (found.end >= axis.trouble.stop - missing))
    if not sure.size:
        return None
    starts = {int(row): _left(values[row], found, int(row), axis) for row in sure}
    at = min(sure.tolist(), key=lambda row: (starts[row], -found.surprise[row], row))
    return _Shift(labelled(series[at]), axis.at(starts[at]), evidence)


def _metrics(trying: Trying, axis: Axis) -> tuple[list[Row], Floats, str]:
    """The metrics of the changed service in the window, and the evidence that they are of."""
    answer = trying.ask("metrics", **trying.facts.window.span)
    rows = [row for row in answer.rows.dicts() if row["service"] == trying.change.service]
    return *axis.spread(rows, _SERIES, "values"), answer.id


def _is_early(trying: Trying) -> bool:
    """Whether a change came too soon after the window's start for a trend before it to be seen."""
    return trying.facts.window.bucket(trying.came) < _TELLS


def _under_way(trying: Trying) -> _Shift | None:
    """A metric of the service that was departing before the change, and is since."""
    return _shift(trying, trying.came - _PROMPT, trying.came) or _trend(trying)


def _trend(trying: Trying) -> _Shift | None:
    """The first metric that climbs, or falls, for sure up to the change, and goes on after it.

    Asked of all that is known before the change: an old trend is its own calm time.
    """
    axis = Axis(replace(trying.facts.window, calm=None))
    series, values, evidence = _metrics(trying, axis)
    came = min(axis.window.bucket(trying.came), axis.buckets)
    nats, bends, slopes = _climbs(values[:, :came])
    ages = np.isclose(np.abs(slopes[:, None]), _CLOCKS * axis.window.bucket_s, rtol=0.01)
    sure = np.flatnonzero((nats >= SURE) & ~ages.any(axis=1)).tolist()
    on = [row for row in sure if _goes_on(values[row], came, slopes[row])]
    if not on:
        return None
    at = min(on, key=lambda row: (bends[row], -nats[row], row))
    return _Shift(labelled(series[at]), axis.at(int(bends[at])), evidence)


def _climbs(levels: Floats) -> tuple[Floats, Ints, Floats]:
    """How surely each row is level up to a bucket and climbs or falls evenly from there to its end.

    Nats, the bucket, and the slope a bucket. The logarithm of how much of the variance the best
    bend explains, as often as there are residuals that do not clump; paid for the places to bend.
    """
    known = np.isfinite(levels)
    count = known.sum(axis=1).astype(np.float64)
    places = np.arange(max(1, levels.shape[1] - REFERENCE + 1))
    ramps = np.maximum(0.0, np.arange(1.0, levels.shape[1] + 1.0) - places[:, None])
    mean = np.where(known, levels, 0.0).sum(axis=1) / np.maximum(count, 1.0)
    off = np.where(known, levels - mean[:, None], 0.0)
    of_ramps = known @ ramps.T / np.maximum(count, 1.0)[:, None]
    spread = np.maximum(known @ (ramps**2).T - count[:, None] * of_ramps**2, DUST)
    together = off @ ramps.T
    bends = (together**2 / spread).argmax(axis=1)
    rows = np.arange(len(levels))
    slopes = together[rows, bends] / spread[rows, bends]
    line = slopes[:, None] * (ramps[bends] - of_ramps[rows, bends, None])
    rest = np.where(known, off - line, 0.0)
    least = np.maximum(LEAST_SCALE * np.abs(mean), DUST) ** 2 * np.maximum(count, 1.0)
    ratio = np.maximum((off**2).sum(axis=1), least) / np.maximum((rest**2).sum(axis=1), least)
    free = np.maximum(count / clumping(rest, known) - 3.0, 0.0)  # a level, a slope and a bend
    nats = np.where(count >= _TELLS, free / 2.0 * np.log(ratio) - np.log(places.size), 0.0)
    return nats, bends, slopes


def _goes_on(levels: Floats, came: int, slope: float) -> bool:
    """Whether a trend went further after the change; what was not seen since may have."""
    last, since = (part[np.isfinite(part)] for part in (levels[:came][-REFERENCE:], levels[came:]))
    if not last.size or not since.size:
        return True
    return bool(np.sign(slope) * (np.median(since) - np.median(last)) > 0.0)


def _left(levels: Floats, found: Departures, row: int, axis: Axis) -> int:
    """The bucket in which a series that departs was first seen beyond all that it was before.

    What was not sampled has not departed: after a gap it is the gap's end.
    """
    start, heard = int(found.start[row]), np.flatnonzero(np.isfinite(levels))
    calm, since = heard[heard < axis.trouble.start], heard[heard >= axis.trouble.start]
    if found.kind[row] == "missing" or not calm.size or not (since >= start).any():
        return start
    height = np.sign(found.effect[row]) * levels
    inside = height[since] <= height[calm].max()
    first = int((since >= start).argmax())
    before = np.flatnonzero(inside[:first])
    return int(since[before[-1] + 1 if before.size else 0])


def _coincidence(after: timedelta, trying: Trying) -> float:
    """How probable a change so shortly before is, if changes come when they will.

    Paid for how many moments of change there are to choose from. Changes that no onset tells apart
    are of one moment, and as far from the departure as the first of them.
    """
    facts = trying.facts
    of_it = _moments(
        (c for c in facts.changes.values() if c.service == trying.change.service), facts
    )
    known = facts.window.end - min(facts.window.start, *of_it)
    lasts = after + trying.came - max(at for at in of_it if at <= trying.came)
    lasts = max(lasts, timedelta(seconds=facts.window.bucket_s))
    chance = -math.expm1(-len(of_it) * (lasts / known))
    return min(1.0, chance * len(_moments(facts.changes.values(), facts)))


def _moments(changes: Iterable[Change], facts: Facts) -> list[datetime]:
    """When there were changes; of those that no onset tells apart, the first."""
    moments: list[datetime] = []
    for at in sorted(began(c) for c in changes):
        if not moments or at - moments[-1] > facts.slack:
            moments.append(at)
    return moments
