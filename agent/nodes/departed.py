"""What the anomalies of a changed service say of its change, where its requests say nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from agent.analysis.anomalies import Departures, departures
from agent.nodes.facts import SURE, Facts
from agent.nodes.survey.axis import Axis
from agent.nodes.survey.changes import began
from agent.nodes.survey.deviations import Floats
from agent.nodes.trying import Trying
from agent.state import Change, Control

_PROMPT = timedelta(minutes=30)  # after which a departure is not told from one for other reasons
_LIKELY = SURE / 2  # nats of each of two that depart alike
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
    if trend := _shift(trying, trying.came - _PROMPT, trying.came):
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
    before = _shift(trying, trying.came - _PROMPT, trying.came)
    if shift is None or before or shift.onset - trying.came > _PROMPT:
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
    answer = trying.ask("metrics", **window.span)
    rows = [row for row in answer.rows.dicts() if row["service"] == trying.change.service]
    series, values = axis.spread(rows, _SERIES, "values")
    found = departures(values, axis.calm, axis.trouble)
    missing = np.isnan(values[:, axis.trouble])[:, ::-1].argmin(axis=1)  # from the end on
    sure = np.flatnonzero((found.surprise >= SURE) & (found.end >= axis.trouble.stop - missing))
    if not sure.size:
        return None
    starts = {int(row): _left(values[row], found, int(row), axis) for row in sure}
    at = min(sure.tolist(), key=lambda row: (starts[row], -found.surprise[row], row))
    return _Shift(series[at]["metric_name"], axis.at(starts[at]), answer.id)


def _left(levels: Floats, found: Departures, row: int, axis: Axis) -> int:
    """The bucket in which a series that departs left all that was seen of it before."""
    sign, start = np.sign(found.effect[row]), int(found.start[row])
    beyond = ~(sign * levels <= np.nanmax(sign * levels[axis.calm]))  # or not sampled
    while start > axis.trouble.start and beyond[start - 1]:
        start -= 1
    return start


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
