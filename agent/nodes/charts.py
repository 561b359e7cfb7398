"""The charts of a report: the symptom, the culprit's new against its old, and what ran out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from agent.nodes.facts import Facts
from agent.nodes.prose import well
from agent.nodes.shortage import Shortage
from agent.nodes.survey.changes import began
from agent.nodes.survey.requests import ENTRANCE
from agent.state import Cause, Change, Chart, Mark, Series, SeriesRole, Window
from agent.tools.notebook import Answer

Points = tuple[tuple[datetime, float | None], ...]

_MOST_LINES = 6


def marks(facts: Facts, firings: Sequence[tuple[datetime, str]]) -> tuple[Mark, ...]:
    """The changes and alerts in the window, to be drawn on every chart."""
    found = [Mark(began(c), c.what, c.verdict) for c in facts.changes.values()]
    seen: set[str] = set()
    for at, name in firings:
        found.append(Mark(at, "again" if name in seen else name, "alert"))
        seen.add(name)
    inside = (m for m in found if facts.window.start <= m.at <= facts.window.end)
    return tuple(sorted(inside, key=lambda m: (m.at, m.label)))


def shaded(facts: Facts) -> tuple[datetime, datetime] | None:
    """From the first deviation to the end of the trouble, or of the window."""
    if facts.incident.started_at is None:
        return None
    return facts.incident.started_at, facts.incident.ended_at or facts.window.end


def of_symptom(facts: Facts, answers: dict[str, Answer], drawn: tuple[Mark, ...]) -> list[Chart]:
    """What the alarm was about: failures and latency, of the symptom's resource or of all users."""
    resource = _alarmed(facts)
    answer = answers.get("entrance" if resource == ENTRANCE else "requests")
    if answer is None:
        return []
    frame = answer.df
    if resource != ENTRANCE:
        frame = frame[frame["service"] == resource]
    if frame.empty:
        return []
    role: SeriesRole = "bad" if facts.symptom else "plain"
    failed = 100 * frame["failed"] / frame["requests"]
    charts = [
        ("latency p95", "ms", frame["p95_ns"] / 1e6),
        ("failed requests", "%", failed),
    ]
    if facts.symptom and facts.symptom[0].indicator == "errors":
        charts.reverse()  # the first one is what a terminal shows
    return [
        Chart(
            title=f"{well(resource)} · {words}",
            unit=unit,
            series=(Series(resource, points(frame["bucket"], values, facts.window), role),),
            evidence=answer.id,
            marks=drawn,
            shaded=shaded(facts),
            group="symptom",
        )
        for words, unit, values in charts
    ]


def _alarmed(facts: Facts) -> str:
    """The resource that the alarm was about."""
    if facts.symptom:
        return facts.symptom[0].resource
    return next((name for name in facts.incident.services if name in facts.services), ENTRANCE)


@dataclass(frozen=True, slots=True)
class Cohort:
    """Some instances of a service, to be told from others: how they fared, a row a bucket.

    `rows` has `bucket`, `requests`, `own_failed` and `own_p95_ns`.
    """

    name: str
    role: SeriesRole
    rows: pd.DataFrame


def carriers(change: Change | None) -> list[str]:
    """The instances that had a change which is told by no version; empty for one that is."""
    if change is None or change.version != change.previous_version:
        return []
    return [rollout.instance for rollout in change.rollouts]


def of_service(
    cause: Cause, facts: Facts, answers: dict[str, Answer], drawn: tuple[Mark, ...]
) -> list[Chart]:
    """The culprit's new against its old: versions, or instances with and without the change."""
    name = cause.resource.name
    if f"with_and_without:{name}" in answers:
        change, answer = facts.changes[cause.change], answers[f"with_and_without:{name}"]
        return _with_and_without(change, facts, answer, drawn)
    by_version = answers.get(f"by_version:{name}")
    return _by_version(cause, facts, by_version, drawn) if by_version else []


def _with_and_without(
    change: Change, facts: Facts, answer: Answer, drawn: tuple[Mark, ...]
) -> list[Chart]:
    """The instances that had a change against those that had not, those that had it on top."""
    found = [
        Cohort(
            f"{'with' if has_it else 'without'} {change.what}", "bad" if has_it else "good", rows
        )
        for has_it, rows in answer.df.groupby("has_it", sort=True)
    ]
    return of_cohorts(change.service, found, facts, answer.id, drawn)


def _by_version(cause: Cause, facts: Facts, answer: Answer, drawn: tuple[Mark, ...]) -> list[Chart]:
    """The culprit's versions against each other, the blamed one last and so on top."""
    blamed = cause.resource.version
    other: SeriesRole = "good" if blamed else "bad"
    found = [
        Cohort(str(version), "bad" if version == blamed else other, rows)
        for version, rows in answer.df.groupby("version", sort=True)
    ]
    found.sort(key=lambda c: (c.role == "bad", c.rows["requests"].sum()))
    return of_cohorts(cause.resource.name, found[-_MOST_LINES:], facts, answer.id, drawn)


def of_cohorts(
    service: str,
    cohorts: Sequence[Cohort],
    facts: Facts,
    evidence: str,
    drawn: tuple[Mark, ...],
) -> list[Chart]:
    """Own time and own failures, cohort against cohort, with the service's changes marked.

    What users or callees do to a service is not in its own part, so one cohort that leaves the
    other left by itself.
    """
    changed = {change.what for change in facts.changes.values() if change.service == service}
    measures = [
        ("own time p95", "ms", [c.rows["own_p95_ns"] / 1e6 for c in cohorts]),
        ("own failures", "%", [100 * c.rows["own_failed"] / c.rows["requests"] for c in cohorts]),
    ]
    return [
        Chart(
            title=f"{service} · {words}",
            unit=unit,
            series=tuple(
                Series(c.name, points(c.rows["bucket"], v, facts.window), c.role)
                for c, v in zip(cohorts, values, strict=True)
            ),
            evidence=evidence,
            marks=tuple(mark for mark in drawn if mark.label in changed),
            shaded=shaded(facts),
            group=f"cohorts of {service}",
        )
        for words, unit, values in measures
    ]


def of_shortage(short: Shortage, cause: Cause, facts: Facts, drawn: tuple[Mark, ...]) -> Chart:
    """The limited thing on each instance of the culprit, those of the blamed version told apart."""
    rows = short.answer.rows.dicts()
    series = []
    for row in rows[:_MOST_LINES]:
        blamed = cause.resource.version and row["version"] == cause.resource.version
        series.append(
            Series(
                " ".join(part for part in (row["instance"], row["version"]) if part),
                points(row["buckets"], row["values"], facts.window),
                "bad" if blamed else "good",
            )
        )
    return Chart(
        title=f"{cause.resource.name} · {short.signal.subject}",
        unit=short.signal.unit,
        series=tuple(series),
        evidence=short.answer.id,
        marks=drawn,
        shaded=shaded(facts),
        limit=max((row["ceiling"] for row in rows if row["ceiling"]), default=None),
    )


def points(buckets: Iterable[int], values: Iterable[float], window: Window) -> Points:
    """Every bucket from the first seen to the last, None where nothing was seen."""
    seen = {int(b): float(v) for b, v in zip(buckets, values, strict=True) if not pd.isna(v)}
    if not seen:
        return ()
    return tuple((window.at(b), seen.get(b)) for b in range(min(seen), max(seen) + 1))
