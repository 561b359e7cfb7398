"""Write: the report, from what was found and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from langgraph.runtime import Runtime

from agent.nodes import charts, prose
from agent.nodes.blocker import Blocker, blocker
from agent.nodes.context import Context
from agent.nodes.facts import Facts, gather
from agent.nodes.failing import may_fail
from agent.nodes.found import benign
from agent.nodes.health import bundle_doubts, health_doubts
from agent.nodes.shortage import Shortage, shortage
from agent.nodes.topology_map import topology_map
from agent.nodes.weigh import LIKELY, NAMED
from agent.state import (
    Anomaly,
    Cause,
    Change,
    Chart,
    Evidence,
    Finding,
    Gap,
    Investigation,
    NextStep,
    Report,
    TimelineEntry,
    TopologyMap,
    Verdict,
)
from agent.tools.notebook import Answer, Notebook

_RULED_OUT = 12
_TOLD = 40  # anomalies
_SPOKEN_OF = 3  # of a cause's own anomalies: what sentences may be about
_AS_FAR_AS_SEEN = 0.8  # that what was not handed in is well too
_CALM = 0.95  # what a full window of well requests is worth, until calibrated


def write(state: Investigation, runtime: Runtime[Context]) -> Investigation:
    """Put the findings into a report; its evidence is numbered by the verifier."""
    context, facts = runtime.context, gather(state)
    context.progress("write: the report")
    ranked = _ranked(state["causes"].values())
    known = benign(state.get("findings", []))
    verdict, confidence, gaps = _concluded(state, ranked, facts, context, known)
    if verdict == "no_incident":
        ranked = [replace(c, status="refuted", probability=0.0) for c in ranked]
    cause = ranked[0] if verdict == "cause_found" else None
    failed: list[Gap] = []
    answers = {"alerts": context.notebook.again(state["evidence"]["alerts"])}
    answers |= _asked(facts, cause, context.notebook, failed)
    short, blocking, unlogged = _holdings(cause, facts, context.notebook, failed)
    if cause and short:
        answers[short.answer.id] = short.answer
        cited = (*cause.evidence_for, short.answer.id)
        ranked[0] = cause = replace(cause, indicator="saturation", evidence_for=cited)
    if cause and blocking:
        answers |= {a.id: a for a in (blocking.waits, blocking.lines)}
        cited = (*cause.evidence_for, blocking.lines.id)
        ranked[0] = cause = replace(cause, text=prose.blocks(blocking), evidence_for=cited)
    topology, drawn = _drawn(facts, cause, answers, short, context.notebook, failed)
    now = datetime.now(UTC)
    report = Report(
        id=f"{now:%Y%m%dT%H%M%SZ}-{context.notebook.tracing.trace_id[:8]}",
        title=prose.title(verdict, facts, cause, short, blocking, _leads(ranked), known),
        verdict=verdict,
        confidence=round(confidence, 2),
        created_at=now,
        incident=facts.incident,
        summary=tuple(prose.summary(verdict, facts, cause, answers, short, blocking, known)),
        impact=tuple(prose.users(answers["impact"]) if "impact" in answers else ()),
        causes=_numbered(c for c in ranked if c.status != "refuted"),
        changes=tuple(facts.changes.values()),
        timeline=tuple(_timeline(facts, answers["alerts"])),
        ruled_out=_numbered(c for c in ranked if c.status == "refuted")[:_RULED_OUT],
        proposals=tuple(state.get("proposals", ())),
        anomalies=_anomalies(ranked, facts),
        drilldowns=tuple(state.get("drilldowns", ())),
        gaps=(
            *state["gaps"],
            *_unbased(facts),
            *_unseen(facts),
            *gaps,
            *unlogged,
            *_cut(context.notebook.cut(state["evidence"].values())),
            *_untested(facts),
            *failed,
        ),
        next_steps=_next_steps(state.get("findings", []), cause)
        or tuple(prose.next_steps(verdict, facts, cause, blocking)),
        charts=drawn,
        topology=topology,
        evidence=state["evidence"] | {a.id: a.evidence for a in answers.values()},
        engine_version=version("inquest"),
    )
    return {"report": report}


def _ranked(causes: Iterable[Cause]) -> list[Cause]:
    """The causes, the likeliest first; none that a model proposed before one as likely of ours."""
    return sorted(
        causes,
        key=lambda c: (-c.probability, c.proposed_by == "model", not c.grounded, c.text),
    )


def _best(ranked: Iterable[Cause]) -> float:
    """The probability of the likeliest cause that is not refuted."""
    return max((c.probability for c in ranked if c.status != "refuted"), default=0.0)


def _leads(ranked: Iterable[Cause]) -> list[Cause]:
    return [c for c in ranked if c.status != "refuted" and c.probability > 0]


def _numbered(causes: Iterable[Cause]) -> tuple[Cause, ...]:
    return tuple(replace(cause, rank=rank) for rank, cause in enumerate(causes, 1))


def _anomalies(ranked: list[Cause], facts: Facts) -> tuple[Anomaly, ...]:
    """The most surprising anomalies, those of the likelier resources first, and all spoken of."""
    likely: dict[str, float] = {}
    for cause in ranked:
        likely[cause.resource.name] = max(likely.get(cause.resource.name, 0), cause.probability)
    found = [a for of_it in facts.anomalies.values() for a in of_it if a.surprise > 0]
    found.sort(
        key=lambda a: (-round(likely.get(a.resource, 0), 3), -a.surprise, a.resource, a.subject)
    )
    spoken_of = [one for name in likely for one in _spoken_of(facts.anomalies.get(name, ()))]
    return (*found[:_TOLD], *(one for one in found[_TOLD:] if one in spoken_of))


def _spoken_of(anomalies: tuple[Anomaly, ...]) -> list[Anomaly]:
    """What a cause's words may be about: the first anomaly of its resource, and its first own."""
    return [*anomalies[:1], *[one for one in anomalies if one.own][:_SPOKEN_OF]]


def _next_steps(findings: Iterable[Finding], cause: Cause | None) -> tuple[NextStep, ...]:
    """What the playbook that found a cause says may be done."""
    if cause is None or not cause.playbook:
        return ()
    of_it = (f for f in findings if (f.playbook, f.object) == (cause.playbook, cause.object))
    return next((f.remedies for f in of_it), ())


def _concluded(
    state: Investigation,
    ranked: list[Cause],
    facts: Facts,
    context: Context,
    known: Finding | None,
) -> tuple[Verdict, float, list[Gap]]:
    """The verdict, held back by what failed and by what a budget left out; as `_verdict` else."""
    verdict: Verdict = "inconclusive"
    confidence, gaps = _best(ranked), list[Gap]()
    with _or_gap("The question whether all is well", gaps):
        verdict, confidence, gaps = _verdict(ranked, facts, context, known)
    if verdict == "no_incident" and state.get("missed"):
        verdict, confidence = "inconclusive", _best(ranked)
    if cut := state.get("cut", []):
        verdict = verdict if verdict == "cause_found" else "stopped_by_budget"
        gaps = [*gaps, _stopped(cut, context)]
    return verdict, confidence, gaps


def _verdict(
    ranked: list[Cause], facts: Facts, context: Context, known: Finding | None
) -> tuple[Verdict, float, list[Gap]]:
    """The verdict, its probability, and the gaps that a verdict short of one leaves."""
    notebook = context.notebook
    found = [c for c in ranked if c.playbook and c.probability >= LIKELY]
    is_by_measures = facts.watched or (facts.felt and not context.request.whole)
    if found and found[0] is ranked[0] and not is_by_measures:
        return "cause_found", ranked[0].probability, []
    if known and not facts.felt:
        return "no_incident", known.certainty, []
    if facts.felt:
        best = ranked[0].probability if ranked else 0.0
        of_it = sum(c.probability for c in ranked if c.resource.name == ranked[0].resource.name)
        if best >= LIKELY and of_it >= NAMED:
            return "cause_found", best, []
        text = "No cause is probable enough to be named alone."
        return "inconclusive", best, [Gap("not_looked_at", text)]
    if context.request.whole and not facts.watched:
        return _handed_in(ranked, notebook)
    health = {name: notebook.ask(name, **facts.window.span).df for name in ("entrance", "requests")}
    doubts = list(health_doubts(health["entrance"], health["requests"], facts))
    doubts += [Gap("not_looked_at", f"No request shows it, and yet: {c.text}") for c in found[:1]]
    if doubts:
        return "inconclusive", _best(ranked), doubts
    return "no_incident", _CALM * len(health["entrance"]) / facts.window.buckets, []


def _handed_in(ranked: list[Cause], notebook: Notebook) -> tuple[Verdict, float, list[Gap]]:
    """The verdict on a bundle of which no playbook and no measure knows a cause."""
    best = _best(ranked)
    if doubts := list(bundle_doubts(notebook)):
        return "inconclusive", best, doubts
    return "no_incident", _AS_FAR_AS_SEEN * (1.0 - best), []


def _or_gap(what: str, gaps: list[Gap]) -> AbstractContextManager[None]:
    """A part of the report that it can do without: if it fails, that is a gap."""
    return may_fail(lambda why: gaps.append(Gap("not_looked_at", f"{what} failed: {why}")))


def _asked(
    facts: Facts, cause: Cause | None, notebook: Notebook, failed: list[Gap]
) -> dict[str, Answer]:
    """The answers that the report's sentences and charts are made from, by their ids."""
    answers: dict[str, Answer] = {}
    for name, about, params in _questions(facts, cause):
        with _or_gap(f"The question of {name}", failed):
            answer = notebook.ask(name, about, **params)
            answers[answer.id] = answer
    return answers


def _questions(facts: Facts, cause: Cause | None) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """What is asked for the sentences and charts: tool, subject and values."""
    window, incident = facts.window, facts.incident
    for name in ("requests", "entrance", "templates"):
        yield name, "", window.span
    if incident.started_at:
        until = incident.ended_at or window.end
        yield "impact", "", {"start": window.start, "onset": incident.started_at, "end": until}
        yield "levels", "", {"onset": incident.started_at, "ended": until} | window.span
    if cause and cause.resource.kind == "service":
        yield from _of_service(facts, cause)


def _of_service(facts: Facts, cause: Cause) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """What the blamed service did: by version, or with and without a change that has none."""
    name, window, incident = cause.resource.name, facts.window, facts.incident
    trouble = {"onset": incident.started_at, "ended": incident.ended_at or window.end}
    yield "attempts", name, {"caller": name} | trouble | window.span
    if instances := charts.carriers(facts.changes.get(cause.change)):
        yield "with_and_without", name, {"service": name, "instances": instances} | window.span
    else:
        yield "by_version", name, {"service": name} | window.span


def _holdings(
    cause: Cause | None, facts: Facts, notebook: Notebook, failed: list[Gap]
) -> tuple[Shortage | None, Blocker | None, list[Gap]]:
    """What ran short on the cause's resource, who held what it waits for, and what is not known."""
    short, blocking, unlogged = None, None, list[Gap]()
    if cause:
        with _or_gap("The look for what ran short", failed):
            short = shortage(cause, facts, notebook.ask)
        with _or_gap("The look for what held its locks", failed):
            blocking = blocker(cause, facts, notebook.ask)
            unlogged = _unlogged(cause, facts, notebook)
    return short, blocking, unlogged


def _drawn(
    facts: Facts,
    cause: Cause | None,
    answers: dict[str, Answer],
    short: Shortage | None,
    notebook: Notebook,
    failed: list[Gap],
) -> tuple[TopologyMap | None, tuple[Chart, ...]]:
    """The map and the charts that have anything to draw."""
    topology, found = None, tuple[Chart, ...]()
    with _or_gap("The topology", failed):
        topology = topology_map(facts, cause, notebook.ask("edges", **facts.window.span))
    with _or_gap("The charts", failed):
        found = tuple(c for c in _charts(facts, cause, answers, short) if _is_drawn(c))
    return topology, found


def _charts(
    facts: Facts, cause: Cause | None, answers: dict[str, Answer], short: Shortage | None
) -> list[Chart]:
    firings = [
        (row["time"], str(row["title"]))
        for row in answers["alerts"].rows.dicts()
        if not row["resolved"]
    ]
    drawn = charts.marks(facts, firings)
    found = charts.of_symptom(facts, answers, drawn)
    if cause is None:
        return found
    if cause.resource.kind == "service":
        found += charts.of_service(cause, facts, answers, drawn)
    if short:
        found.append(charts.of_shortage(short, cause, facts, drawn))
    return found


def _is_drawn(chart: Chart) -> bool:
    """Whether a chart has anything to draw."""
    return any(value is not None for line in chart.series for _, value in line.points)


def _timeline(facts: Facts, alerts: Answer) -> list[TimelineEntry]:
    """Changes instance by instance, first deviations, alerts and the end, in order."""
    entries = []
    for change in facts.changes.values():
        if change.declared_at:
            who = f" by {change.who}" if change.who else ""
            text = f"{change.id} announced: {change.kind} of {change.what}{who}"
            entries.append(TimelineEntry(change.declared_at, text, "change", ("changes",)))
        for rollout in change.rollouts:
            text = f"{change.id}: {rollout.instance} first seen {_with(change)}"
            entries.append(TimelineEntry(rollout.first_observed_at, text, "change", ("versions",)))
    for resource in dict.fromkeys(s.resource for s in facts.signals):
        if bad := sorted(facts.of(resource), key=lambda s: (s.onset, not s.own)):
            text = f"{prose.well(resource)}: {bad[0].subject} leaves its band"
            entries.append(TimelineEntry(bad[0].onset, text, "signal", (bad[0].evidence,)))
    for row in alerts.rows.dicts():
        if facts.window.start <= row["time"] <= facts.window.end:
            text = f"alert {row['title']} {'resolves' if row['resolved'] else 'fires'}"
            entries.append(TimelineEntry(row["time"], text, "alert", ("alerts",)))
    if facts.incident.ended_at:
        text = f"{prose.well(facts.symptom[0].resource)} is back in its band"
        entries.append(
            TimelineEntry(facts.incident.ended_at, text, "recovery", (facts.symptom[0].evidence,))
        )
    inside = (e for e in entries if e.at >= facts.window.start or e.kind == "change")
    return sorted(inside, key=lambda e: (e.at, e.text))


def _unlogged(cause: Cause, facts: Facts, notebook: Notebook) -> list[Gap]:
    """The databases of a service blamed without a change, of whose locks nothing is known."""
    if cause.change or notebook.ask("lock_waits", **facts.window.span).rows.dicts():
        return []
    called = (c.callee for c in facts.calls if c.caller == cause.resource.name)
    databases = sorted({name for name in called if facts.kind(name) == "database"})
    return [
        Gap("no_data", f"No lock wait in {name} is known: there was none, or its log is missing.")
        for name in databases
    ]


def _with(change: Change) -> str:
    """What an instance has that a change reached: a version, or a change that has none."""
    return f"with {change.what}" if charts.carriers(change) else f"on {change.version}"


def _stopped(cut: list[str], context: Context) -> Gap:
    """What a budget left out, and which."""
    spent = context.meter.reached() or context.meter.budget
    text = f"The budget of {spent} left out: {', '.join(sorted(set(cut)))}."
    return Gap("budget", text)


def _cut(evidence: Iterable[Evidence]) -> list[Gap]:
    """Answers that had more rows than were read."""
    return [
        Gap("not_looked_at", f"{e.question} Only the first {e.rows:,} rows were read.")
        for e in sorted(evidence, key=lambda e: e.id)
    ]


def _unbased(facts: Facts) -> list[Gap]:
    """That nothing is known of calm time."""
    at = facts.when(facts.window.start)
    text = f"The telemetry begins at {at}, with the trouble: how all was before is not known."
    return [Gap("no_history", text)] if facts.begins_ill else []


def _unseen(facts: Facts) -> list[Gap]:
    """Of whom no request is seen, though they were changed and something of theirs deviates."""
    text = "No request of {} was seen: what the others do because of it may look like their own."
    return [Gap("no_data", text.format(name)) for name in facts.unseen]


def _untested(facts: Facts) -> list[Gap]:
    """Controls that could not be made for any change, once each."""
    reasons: dict[str, list[str]] = {}
    for change in facts.changes.values():
        for control in change.controls:
            if control.verdict == "not_assessable" and control.kind == "same_hour_last_week":
                reasons.setdefault(control.kind, []).append(change.id)
    return [
        Gap(
            "no_history",
            f"No history of the same hour last week: not assessable for {', '.join(ids)}.",
        )
        for ids in reasons.values()
    ]
