"""The controls: ways to try a change, each a plain function from facts to one verdict.

A control without data says so; it never passes for want of data.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from agent.analysis.experiments import Trial, before_against_after, difference_in_differences
from agent.nodes.about import about
from agent.nodes.cohorts import ALPHA, inseparable, old_beside_new, spared
from agent.nodes.departed import departed
from agent.nodes.facts import SURE, Facts
from agent.nodes.health import health_doubts
from agent.nodes.scope import BY_ITSELF
from agent.nodes.survey.changes import began, undone
from agent.nodes.survey.deviations import Floats, matrix
from agent.nodes.track_record import track_record
from agent.nodes.trying import Trying
from agent.state import Change, Control, ControlKind, ControlVerdict

_ENOUGH = 30  # requests a side
_SOON = timedelta(minutes=3)  # after which a trouble that goes on was not taken back
_EBBS = timedelta(seconds=45)  # for queues to empty and the last instance to be in its place
_WEEK = timedelta(days=7)


def order(trying: Trying) -> Control:
    """A cause comes first: the change against the first deviation."""
    facts = trying.facts
    if not facts.watched:
        return _before_the_alarm(trying)
    started = facts.incident.started_at
    if started is None and facts.incident.alerts and _first_departed(facts):
        return _before_the_alarm(trying)
    if started is None:
        health = [trying.ask(name, **facts.window.span) for name in ("entrance", "requests")]
        if any(health_doubts(health[0].df, health[1].df, facts)):
            text = "No deviation to compare with, and too little to say that there was none."
            return trying.says("order", "not_assessable", text, "requests", "entrance")
        text = "Nothing deviated, before it or after."
        return trying.says("order", "clears", text, "requests", "entrance")
    seen = trying.came == trying.began and trying.change.rollouts
    how = "First seen" if seen else "Announced"
    evidence = ("versions" if seen else "changes", "requests")
    began_at, first = facts.when(trying.came), facts.when(started)
    if trying.came > started + facts.slack:
        text = f"{how} at {began_at}, after the first deviation at {first}."
        return trying.says("order", "clears", text, *evidence)
    text = f"{how} at {began_at}, the first deviation came at {first}: in time to be the cause."
    return trying.says("order", "neutral", text, *evidence)


def _before_the_alarm(trying: Trying) -> Control:
    """Where no request shows when the trouble began: what the alarm is about departed by then.

    At the latest it was there when the alarm was raised. Metrics see a version late: from its
    announcement on it may have been in place.
    """
    facts, declared = trying.facts, trying.change.declared_at
    evidence = "versions" if trying.change.rollouts else "changes"
    came = min(trying.came, declared or trying.came)
    first = _first_departed(facts)
    limit, what = (first, "departure") if first else (facts.incident.detected_at, "alarm")
    at, alarm = facts.when(came), f"the {what} at {facts.when(limit)}"
    if facts.incident.trigger == BY_ITSELF:
        text = f"It came at {at}; when the trouble began is not known."
        return trying.says("order", "not_assessable", text, evidence)
    if came > limit + facts.slack:
        text = f"It came at {at}, after {alarm}."
        return trying.says("order", "clears", text, evidence)
    text = f"It came at {at}, {alarm}: in time to be the cause."
    return trying.says("order", "neutral", text, evidence)


def _first_departed(facts: Facts) -> datetime | None:
    """When what the alarm is about first departed for sure; None if it did not, or is not known."""
    onsets = [
        one.onset
        for name in facts.incident.services
        for one in facts.anomalies.get(name, ())
        if one.surprise >= SURE and one.onset <= facts.incident.detected_at
    ]
    return min(onsets, default=None)


def reach(trying: Trying) -> Control:
    """A cause has a way to its effect: calls from the symptom down to what was changed."""
    service, facts = trying.change.service, trying.facts
    if not facts.felt:
        return trying.says("reach", "not_assessable", "There is no symptom to have reached.")
    if service not in facts.services:
        return trying.says(
            "reach", "not_assessable", f"No call from or to {service} was traced.", "edges"
        )
    for symptom in facts.symptomatic:
        if symptom == service or facts.topology.reaches(symptom, service):
            how = "shows the symptom itself" if symptom == service else f"is called by {symptom}"
            return trying.says("reach", "neutral", f"{service} {how}.", "edges")
        shared = sorted(s for s in facts.topology.shared(symptom, service) if facts.of(s))
        if shared:
            return trying.says(
                "reach", "neutral", f"{service} shares {shared[0]} with {symptom}.", "edges"
            )
    above = any(facts.topology.reaches(service, symptom) for symptom in facts.symptomatic)
    if not facts.topology.callers(service) and not above:
        text = f"Who calls {service} is not known: no call to it was traced."
        return trying.says("reach", "not_assessable", text, "edges")
    symptoms = " and ".join(facts.symptomatic) or "the symptom"
    text = f"{symptoms} neither calls {service} nor shares a store in trouble with it."
    return trying.says("reach", "clears" if facts.watched else "neutral", text, "edges")


def own_signals(trying: Trying) -> Control:
    """What was changed misbehaves by itself, and did not before."""
    service, facts = trying.change.service, trying.facts
    own = facts.own(service)
    is_seen = facts.symptom and _served(service, facts)
    if not own and not is_seen and (told := departed(trying)):
        return told
    if not facts.felt:
        return trying.says("own_signals", "not_assessable", "There is no symptom to have caused.")
    if facts.begins_ill:
        text = "The telemetry begins with the trouble: how it was before is not known."
        return trying.says("own_signals", "not_assessable", text, "requests")
    if not own:
        if not _served(service, facts):
            return trying.says(
                "own_signals", "not_assessable", f"{service} left no requests to judge by.",
                "requests",
            )  # fmt: skip
        if _falls_silent(service, facts):
            text = f"{service} answers fewer requests than before: those say little of the others."
            return trying.says("own_signals", "not_assessable", text, "requests")
        if facts.of(service):
            text = f"{service} deviates only through what it calls."
            return trying.says("own_signals", "neutral", text, "requests", "edges")
        text = f"{service}'s own time and own failures stayed in their band."
        return trying.says("own_signals", "clears", text, "requests")
    onset = min(s.onset for s in own)
    if onset < trying.came - facts.slack:
        return trying.says(
            "own_signals",
            "clears",
            f"{service}'s own trouble began at {facts.when(onset)}, before the change.",
            "requests", "versions",
        )  # fmt: skip
    words = " and ".join(f"{s.subject} from {facts.when(s.onset)}" for s in own)
    before = max(0.0, (onset - trying.came).total_seconds())
    return trying.says(
        "own_signals",
        "implicates",
        f"{service} left its band by its {words}; the change came {before:.0f} s before.",
        "requests", "versions",
    )  # fmt: skip


def _served(service: str, facts: Facts) -> bool:
    """Whether requests of a service were seen; calls that are only stated show none."""
    calls = [c.calls for c in facts.calls if service in (c.caller, c.callee)]
    return facts.watched and service in facts.services and (any(calls) or not calls)


def _falls_silent(service: str, facts: Facts) -> bool:
    """Whether a service answers less, though nobody who calls it is asked less."""
    return facts.quieter(service) and not any(
        facts.quieter(caller) for caller in facts.topology.callers(service)
    )


def window_before(trying: Trying) -> Control:
    """Difference in differences: the service before and after, beside services that do not call it.

    Compared is the logarithm of own time, bucket by bucket, up to the end of the trouble.
    """
    service, facts = trying.change.service, trying.facts
    own = _own_time(trying.ask("requests", **facts.window.span).df, facts.window.buckets)
    if service not in own:
        return trying.says(
            "before_against_after", "not_assessable", f"{service} answered no requests."
        )
    split = max(0, facts.window.bucket(trying.began))
    until = facts.window.bucket(facts.incident.ended_at or facts.window.end)
    related = facts.topology.blast_radius(service) | {service}
    apart = [times for name, times in own.items() if name not in related]
    if apart:
        beside = "beside services that do not call it"
        trial = _differed(own[service], _typical(apart), split, until)
    else:
        beside = "with no service to compare it with that does not call it"
        trial = before_against_after(own[service][:until], split)
    if not trial.assessable:
        return trying.says(
            "before_against_after", "not_assessable", f"Too short: {trial.reason}.", "requests"
        )
    worse = trial.p_value < ALPHA and trial.new > trial.old
    verb = "rose" if worse else "did not rise"
    return trying.says(
        "before_against_after",
        "implicates" if worse else "neutral",
        f"{service}'s own time {verb} from before the change to after, {beside}.",
        "requests", "versions",
        p=trial.p_value,
    )  # fmt: skip


def _own_time(frame: pd.DataFrame, buckets: int) -> dict[str, Floats]:
    """log10 of each service's own time in every bucket; NaN where it answered nothing."""
    names, own = matrix(frame, "service", "own_p95_ns", buckets)
    return dict(zip(names, np.log10(np.maximum(own, 1.0)), strict=True))


def _typical(series: list[Floats]) -> Floats:
    """The mean of what is known in each bucket; NaN where nothing is."""
    known = np.isfinite(series)
    count = known.sum(axis=0)
    total = np.where(known, series, 0.0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _differed(changed: Floats, apart: Floats, split: int, until: int) -> Trial:
    return difference_in_differences(
        changed[:split], changed[split:until], apart[:split], apart[split:until]
    )


def recovery(trying: Trying) -> Control:
    """Taking the change back ends the trouble, if it was the cause."""
    change, facts = trying.change, trying.facts
    back = undone(change, facts.changes.values())
    if back is None:
        return _outlived(trying)
    how = "took it back" if back.reverts == change.id else "replaced it"
    times = [r.first_observed_at for r in back.rollouts] or [began(back)]
    ended = facts.incident.ended_at
    evidence = ("versions", "requests")
    if ended is None:
        if facts.window.end - max(times) < _SOON:
            return trying.says(
                "recovery", "not_assessable", f"{back.id} {how} too late to tell.", *evidence
            )
        return trying.says(  # queues and leaks outlast what made them
            "recovery", "neutral", f"{back.id} {how}, the trouble went on.", *evidence
        )
    if _ended_with(back, facts) and (other := inseparable(change, facts)):
        gone = undone(other, facts.changes.values())
        if gone and abs(began(gone) - began(back)) <= _SOON:
            text = f"{back.id} {how}, but {other.id} went with it."
            return trying.says("recovery", "neutral", text, *evidence)
    if _ended_with(back, facts):
        return trying.says(
            "recovery",
            "implicates",
            f"{back.id} {how} from {facts.when(min(times))}; the trouble ended "
            f"{f'at {facts.when(ended)}' if ended >= min(times) else 'about then'}.",
            *evidence,
        )
    return trying.says(
        "recovery", "neutral", f"The trouble ended at {ended:%H:%M:%S}, apart from {back.id}, "
        f"which {how}.", *evidence,
    )  # fmt: skip


def _outlived(trying: Trying) -> Control:
    """What stays in place while the trouble ends, because another change was taken back."""
    change, facts = trying.change, trying.facts
    backs = [
        c
        for c in facts.changes.values()
        if c.reverts
        and _ended_with(c, facts)
        and _may_have_done_it(facts.changes[c.reverts], facts)
    ]
    if not backs or change in backs or not _in_place(change, backs[0], facts):
        return trying.says("recovery", "not_assessable", "It was not taken back in the window.")
    text = (
        f"It stayed when the trouble ended with {backs[0].id}, which took {backs[0].reverts} back."
    )
    return trying.says("recovery", "clears", text, "versions", "requests")


def _may_have_done_it(change: Change, facts: Facts) -> bool:
    """Whether a change came before the trouble, to a service that has trouble of its own."""
    started = facts.incident.started_at
    return (
        started is not None
        and began(change) <= started + facts.slack
        and bool(facts.own(change.service))
    )


def _in_place(change: Change, back: Change, facts: Facts) -> bool:
    """Whether a change was still in force when the trouble had ended.

    A version is in force again when what replaced it was taken back. Of a change without a version
    on the service that `back` restarted, nothing shows that it stayed.
    """
    ended = facts.incident.ended_at
    if ended is None or began(change) >= began(back):
        return False
    later = [
        c
        for c in facts.changes.values()
        if (c.service, c.kind) == (change.service, change.kind)
        and began(change) < began(c) <= ended + facts.slack
    ]
    if change.kind != "deploy":
        return not later and change.service != back.service
    return not later or max(later, key=began).version == change.version


def _ended_with(back: Change, facts: Facts) -> bool:
    """Whether the trouble ended as a change was taken back."""
    times = [r.first_observed_at for r in back.rollouts] or [began(back)]
    ended = facts.incident.ended_at
    ebbed = max(times) + max(_EBBS, facts.slack)
    return ended is not None and min(times) - facts.slack <= ended <= ebbed


def peers(trying: Trying) -> Control:
    """What does not depend on the changed service should be well, or something wider is wrong."""
    service, facts = trying.change.service, trying.facts
    reached = facts.topology.blast_radius(service) | {service}
    apart = sorted(facts.services - reached)
    if not facts.calls:
        return trying.says("peers", "not_assessable", "No call was traced.", "edges")
    if not apart:
        return trying.says(
            "peers", "not_assessable", f"Every service depends on {service}.", "edges"
        )
    ill = [name for name in apart if facts.of(name)]
    if ill:
        return trying.says(
            "peers", "neutral", f"{', '.join(ill)} deviated too without depending on {service}.",
            "edges", "requests",
        )  # fmt: skip
    return trying.says(
        "peers", "neutral", f"{', '.join(apart)}, which do not depend on {service}, stayed well.",
        "edges", "requests",
    )  # fmt: skip


def same_hour_last_week(trying: Trying) -> Control:
    """What happened at the same hour a week before, without the change, is not its doing."""
    service, window = trying.change.service, trying.facts.window
    answer = trying.ask(
        "history",
        about=service,
        service=service,
        start=window.start - _WEEK,
        end=window.end - _WEEK,
    )
    row: dict[str, Any] = answer.rows.dicts()[0]
    if row["requests"] < _ENOUGH:
        return trying.says(
            "same_hour_last_week",
            "not_assessable",
            f"The lake has no requests to {service} from the same hour last week.",
            answer.id,
        )
    then = 100 * row["failed"] / row["requests"]
    now = [s for s in trying.facts.of(service) if s.indicator == "errors"]
    alike = bool(now) and then >= max(s.during for s in now) / 2
    return trying.says(
        "same_hour_last_week",
        "clears" if alike else "neutral",
        f"At the same hour last week {then:.1f} % of {service}'s requests failed.",
        answer.id,
    )


CONTROLS: dict[ControlKind, Callable[[Trying], Control]] = {
    "order": order,
    "reach": reach,
    "own_signals": own_signals,
    "relevance": about,
    "before_against_after": window_before,
    "old_against_new": old_beside_new,
    "spared": spared,
    "recovery": recovery,
    "peers": peers,
    "same_hour_last_week": same_hour_last_week,
    "track_record": track_record,
}

WEIGHTS: dict[tuple[ControlKind, ControlVerdict], float] = {
    ("own_signals", "implicates"): 1.0,
    ("relevance", "implicates"): 0.0,  # but for what its p says
    ("before_against_after", "implicates"): 0.5,
    ("old_against_new", "implicates"): 3.0,
    ("recovery", "implicates"): 2.0,
}
IMPLICATED = 3.0
CLEARER, MOST_CLEARER = 0.1, 15.0  # of the nats below `ALPHA`
GUILTY_FITS, MOST_FITTING = 0.5, 2.5
MOST_PROMPT = 1.5  # a moment alone implicates nothing: the nearest change is often not the cause
_FITTING: dict[ControlKind, float] = {"relevance": MOST_FITTING, "own_signals": MOST_PROMPT}


def weight(controls: tuple[Control, ...]) -> float:
    """What the controls add to the log-odds that the change is the cause.

    A test that was significant at more than `ALPHA` is worth a little more: of several changes that
    are implicated, the clearest comes first.
    """
    return sum(WEIGHTS.get((c.kind, c.verdict), 0.0) + _clearer(c) + c.log_odds for c in controls)


def _clearer(control: Control) -> float:
    """What a control's p adds, in log-odds.

    Of a test what lies below `ALPHA`; of a text and of a moment all that they say: that those of a
    guilty change fit best is no certainty, about every second does.
    """
    if (control.kind, control.verdict) not in WEIGHTS or not control.p_value:
        return 0.0
    if control.kind in _FITTING:
        fits = math.log(GUILTY_FITS / control.p_value)
        return min(_FITTING[control.kind], max(0.0, fits))
    return CLEARER * min(MOST_CLEARER, max(0.0, math.log(ALPHA / control.p_value)))


def tried(change: Change, controls: tuple[Control, ...]) -> Change:
    """The change with its verdict: cleared by any control that clears, implicated by enough.

    What only leans decides nothing.
    """
    clearing = [c for c in controls if c.verdict == "clears"]
    implicating = [c for c in controls if c.verdict == "implicates"]
    strong = weight(tuple(implicating)) >= IMPLICATED
    if clearing and not strong:
        return replace(change, verdict="cleared", reason=clearing[0].text, controls=controls)
    if strong and not clearing:
        reason = max(implicating, key=lambda c: WEIGHTS[c.kind, c.verdict]).text
        return replace(change, verdict="implicated", reason=reason, controls=controls)
    reason = (
        "The controls contradict each other."
        if clearing
        else "Nothing clears it, and no control tells it from coincidence."
    )
    return replace(change, verdict="not_assessable", reason=reason, controls=controls)
