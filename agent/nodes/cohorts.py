"""Cohorts: what had a change beside what had not, at the same time or before.

Instances of two versions that serve side by side are a natural experiment; so are those restarted
with a new configuration beside those that were not yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from agent.analysis.experiments import Trial, failures_old_against_new, old_against_new
from agent.nodes.facts import Facts
from agent.nodes.instances import by_instance
from agent.nodes.survey.changes import NEVER, began
from agent.nodes.trying import Trying
from agent.state import Change, Control, ControlVerdict, Rollout

ALPHA = 0.01
_SLOWER = 0.64  # Vargha and Delaney (2000): A from .64 is a medium effect
_RATIO = 1.5  # and the new version's median is at least so many times the old one's
_MORE_FAILURES = 0.03  # a risk difference that users would notice
_Z = 1.96
_TOGETHER = timedelta(minutes=2)  # before: what came then may have waited for the same restart
_BY_RESTART = ("deploy", "config")  # a flag is had by old and new alike
_STRATUM_S = 30  # what is served within it counts as served at the same time


def old_beside_new(trying: Trying) -> Control:
    """A natural experiment: both versions answering the same kind of request at the same time."""
    change, facts = trying.change, trying.facts
    if not (change.previous_version and change.rollouts):
        return by_instance(trying)
    start, end = _side_by_side(change, facts)
    asked = {
        "about": f"{change.id} {change.what}",
        "service": change.service,
        "old": change.previous_version,
        "new": change.version,
        "instances": [] if _has_new_version(change) else _instances(change),
        "start": start,
        "end": end,
        "bucket_s": max(facts.window.bucket_s, _STRATUM_S),
    }
    answer = trying.ask("old_against_new", **asked)
    trials = Trials.of(answer.df)
    names = _names(change, end)
    tested = [t for t in (trials.slower, trials.failing, trials.failing_calls) if t.assessable]
    if not tested:
        text = f"{names}: {trials.slower.reason}."
        told = trying.says("old_against_new", "not_assessable", text, answer.id)
        return told if len(answer.df) else by_instance(trying)
    both = trying.ask("side_by_side", **asked)
    compared = _compared(both.rows.dicts())
    worse = trials.worse()
    p = min(t.p_value for t in tested)
    if worse and (other := inseparable(change, facts)):
        text = (
            f"{names}, {_clock(start, end)}: it {' and '.join(worse)} ({compared}), but {other.id} "
            "came with it, and nothing had one without the other."
        )
        return trying.says("old_against_new", "neutral", text, both.id, answer.id, p=p)
    if worse:
        return trying.says(
            "old_against_new",
            "implicates",
            f"{names}, {_clock(start, end)}: {_new(change)} {' and '.join(worse)} ({compared}).",
            both.id,
            answer.id,
            p=p,
        )
    verdict, alike = _alike(service=change.service, until=end, trials=trials, facts=facts)
    return trying.says(
        "old_against_new",
        verdict,
        f"{names}, {_clock(start, end)}: {alike} ({compared}).",
        both.id,
        answer.id,
        p=p,
    )


def inseparable(change: Change, facts: Facts) -> Change | None:
    """Another change that came to the service with this one, so that no instance had but one."""
    if not change.rollouts:
        return None
    start, end = _side_by_side(change, facts)
    mine = {r.instance: r.first_observed_at for r in change.rollouts}
    for other in facts.changes.values():
        came = began(other) if other.kind == "deploy" else other.declared_at or began(other)
        together = (
            other.kind in _BY_RESTART
            and other.service == change.service
            and other.id != change.id
            and change.id != other.reverts
            and other.id != change.reverts
            and start - _TOGETHER <= came <= end
        )
        alone = any(
            r.first_observed_at < min(end, mine.get(r.instance, end))
            and (r.finished_at or end) > start
            for r in other.rollouts
        )
        if together and not alone:
            return other
    return None


def _has_new_version(change: Change) -> bool:
    """Whether its version tells what has a change from what has not."""
    return change.version != change.previous_version


def _instances(change: Change) -> list[str]:
    return [r.instance for r in change.rollouts]


def _names(change: Change, end: datetime) -> str:
    if _has_new_version(change):
        return f"{change.version} beside {change.previous_version}"
    first = [r.instance for r in change.rollouts if r.first_observed_at < end]
    return f"{' and '.join(first)} beside those not restarted yet"


def _new(change: Change) -> str:
    return "the new version" if _has_new_version(change) else "the new configuration"


def _alike(
    service: str, until: datetime, trials: Trials, facts: Facts
) -> tuple[ControlVerdict, str]:
    """What it says of a change that both versions fared alike: nothing, unless harm would show."""
    started = facts.incident.started_at
    if facts.own(service):
        return "neutral", "alike, but both in trouble"
    if started is not None and until <= started + facts.slack:
        return "neutral", "alike, but that was before the trouble began"
    if not trials.exclude_harm(facts):
        return "neutral", "no difference to be seen in so few requests"
    return "clears", "alike, and a difference that harms would have shown"


def spared(trying: Trying) -> Control:
    """What had this change and not yet another one of the service, while that one was in trouble.

    Well as before the change, it clears it; ill, it says that the other alone cannot be blamed.
    """
    change, facts = trying.change, trying.facts
    started = facts.incident.started_at
    apart = _apart(change, facts, started) if started else None
    if apart is None:
        return trying.says(
            "spared", "not_assessable", "Nothing had it without another change of the service."
        )
    answer = trying.ask(
        "spared",
        about=f"{change.id} {change.what}",
        service=change.service,
        instances=list(apart.instances),
        since=apart.since,
        until=apart.until,
        began=trying.began,
        start=facts.window.start,
        bucket_s=facts.window.bucket_s,
        end=facts.window.end,
    )
    trials = Trials.of(answer.df, strata=("operation",))
    names = (
        f"{' and '.join(apart.instances)} had it without {apart.other.what}, "
        f"{_clock(apart.since, apart.until)}"
    )
    if not trials.slower.assessable:
        return trying.says(
            "spared", "not_assessable", f"{names}: {trials.slower.reason}.", answer.id
        )
    worse = trials.worse()
    if worse:
        text = f"{names}: it {' and '.join(worse)} than before."
        return trying.says("spared", "neutral", text, answer.id)
    if not trials.exclude_harm(facts):
        text = f"{names}: too few requests to say that it was well."
        return trying.says("spared", "neutral", text, answer.id)
    return trying.says("spared", "clears", f"{names}, and stayed well.", answer.id)


@dataclass(frozen=True, slots=True)
class Apart:
    """Instances that had one change and not yet the `other`, in a time of trouble."""

    other: Change
    instances: tuple[str, ...]
    since: datetime
    until: datetime


def _apart(change: Change, facts: Facts, started: datetime) -> Apart | None:
    """The longest stretch of trouble in which instances had the change without another one."""
    found = (
        Apart(other, (rollout.instance,), since, until)
        for other in facts.changes.values()
        if other.service == change.service and other.id != change.id and other.rollouts
        for rollout in change.rollouts
        for had in [_had(other, rollout)]
        if had > rollout.first_observed_at
        for since in [max(started, rollout.first_observed_at, began(other))]
        for until in [min(rollout.finished_at or facts.window.end, _over(facts), had)]
        if since < until
    )
    return max(found, key=lambda a: (a.until - a.since, a.instances), default=None)


def _had(other: Change, rollout: Rollout) -> datetime:
    """From when what a rollout started had another change too.

    A change without a version is had by all that starts after it.
    """
    seen = [r.first_observed_at for r in other.rollouts if r.instance == rollout.instance]
    if other.kind != "deploy" and began(other) <= rollout.first_observed_at:
        return began(other)
    return min(seen, default=NEVER)


def _over(facts: Facts) -> datetime:
    return facts.incident.ended_at or facts.window.end


def _side_by_side(change: Change, facts: Facts) -> tuple[datetime, datetime]:
    """From the first instance on the new version to the last instance's turn."""
    last = change.rollouts[-1].first_observed_at
    if len(change.rollouts) == 1:
        last = change.rollouts[0].finished_at or facts.window.end
    return began(change), last


@dataclass(frozen=True, slots=True)
class Trials:
    """The new version against the old: its own time, its own failures, and all its failures."""

    slower: Trial
    failing: Trial
    failing_calls: Trial

    @classmethod
    def of(cls, frame: pd.DataFrame, strata: Sequence[str] = ("bucket", "operation")) -> Trials:
        """Try both on requests of the same stratum: the same operation in the same bucket."""
        stratum = frame.groupby(list(strata), sort=True).ngroup().to_numpy()
        is_new = frame["is_new"].to_numpy(dtype=bool)
        own_ms = frame["own_ns"].to_numpy(dtype=np.float64) / 1e6
        return cls(
            old_against_new(own_ms, is_new, stratum),
            failures_old_against_new(frame["own_failed"].to_numpy(dtype=bool), is_new, stratum),
            failures_old_against_new(frame["failed"].to_numpy(dtype=bool), is_new, stratum),
        )

    def worse(self) -> list[str]:
        """In which ways the new version is worse, in words."""
        slower = self.slower
        found = {
            "is slower": slower.assessable
            and slower.p_value < ALPHA
            and slower.effect >= _SLOWER
            and slower.new >= _RATIO * slower.old,
            "fails more": _fails_more(self.failing) or _fails_more(self.failing_calls),
        }
        return [words for words, is_so in found.items() if is_so]

    def exclude_harm(self, facts: Facts) -> bool:
        """Whether a difference that could explain the trouble would have shown.

        The upper 97.5 % bounds: of the risk difference by Agresti and Caffo (2000), of A by its
        variance without ties.
        """
        slower, failing = self.slower, self.failing_calls
        if not (slower.assessable and failing.assessable):
            return False
        m, n = slower.n_new, slower.n_old
        bound = slower.effect + _Z * np.sqrt((m + n + 1) / (12 * m * n))
        return bool(bound < _SLOWER) and _upper_difference(failing) < _harm(facts)


def _fails_more(trial: Trial) -> bool:
    return trial.assessable and trial.p_value < ALPHA and trial.effect >= _MORE_FAILURES


def _harm(facts: Facts) -> float:
    """The least difference in failures that could explain the symptom: half of its rise."""
    rises = [(s.during - s.before) / 100 for s in facts.symptom if s.indicator == "errors"]
    return max(_MORE_FAILURES, max(rises, default=0.0) / 2)


def _upper_difference(trial: Trial) -> float:
    new = (trial.new * trial.n_new + 1) / (trial.n_new + 2)
    old = (trial.old * trial.n_old + 1) / (trial.n_old + 2)
    variance = new * (1 - new) / (trial.n_new + 2) + old * (1 - old) / (trial.n_old + 2)
    return float(new - old + _Z * np.sqrt(variance))


def _compared(rows: list[dict[str, Any]]) -> str:
    """Both versions in figures, the new one first, as the evidence has them."""
    new, old = sorted(rows, key=lambda row: not row["is_new"])
    return (
        f"own failures {new['own_failed_percent']:g} against {old['own_failed_percent']:g} %, "
        f"own time p95 {new['own_p95_ms']:g} against {old['own_p95_ms']:g} ms"
    )


def _clock(start: datetime, end: datetime) -> str:
    return f"{start:%H:%M:%S} to {end:%H:%M:%S}"
