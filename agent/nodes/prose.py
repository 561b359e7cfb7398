"""The words of a report, from templates: each sentence with the evidence that carries it.

Every number in a sentence stands in a row of its evidence, so that `verify` can find it there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from agent.nodes.blocker import Blocker
from agent.nodes.facts import Facts
from agent.nodes.found import told
from agent.nodes.lines import new_lines
from agent.nodes.shortage import Shortage
from agent.nodes.survey.changes import undone
from agent.nodes.survey.requests import ENTRANCE
from agent.quotes import named, quoted
from agent.state import Anomaly, Cause, Change, ChangeKind, Finding, NextStep, Statement, Verdict
from agent.tools.notebook import Answer

Row = dict[str, Any]

_LEAST_SAID = 40  # characters of a headline
_DEPARTED = 3  # anomalies that are told
_INSISTENT = 1.25  # so many times the calls of before are retries
_VERBS = {"errors": "fails", "latency": "slows down", "traffic": "stops answering"}
_NOUNS: dict[ChangeKind, str] = {
    "deploy": "Release",
    "config": "Configuration change",
    "flag": "Flag change",
    "scale": "Scaling",
    "node": "Node change",
    "schema": "Schema change",
    "infrastructure": "Infrastructure change",
}


def title(
    verdict: Verdict,
    facts: Facts,
    cause: Cause | None,
    short: Shortage | None,
    blocking: Blocker | None,
    leads: Iterable[Cause] = (),
    known: Finding | None = None,
) -> str:
    """The headline: what is wrong, and who feels it; else the first of the leads there are."""
    if verdict == "no_incident" and known:
        return f"Nothing is wrong: {known.text}"
    if verdict == "no_incident" and not facts.watched:
        return "Nothing is wrong in what was handed in: no object is ill, and nobody says so"
    if verdict == "no_incident":
        return f"Nothing is wrong: {facts.incident.trigger}, and no service left its band"
    if verdict == "inconclusive" and not facts.felt:
        if lead := next(iter(leads), None):
            return f"No request shifted; the first lead: {lead.text}"
        return "No shift is large and sure enough to name, but that all was well cannot be said"
    suffering = _suffering(facts, cause)
    if cause is None or verdict != "cause_found":
        return f"Cause not established: {suffering or 'users are affected'}"
    headline = _capital(blocks(blocking)) if blocking else _headline(cause, facts, short)
    return f"{headline}{f'; {suffering} with it' if suffering else ''}"


def _headline(cause: Cause, facts: Facts, short: Shortage | None) -> str:
    if cause.playbook:
        return _unquoted(cause.text)
    change = facts.changes.get(cause.change)
    name = cause.resource.name
    who = f"{_NOUNS[change.kind]} {change.what}" if change else name
    if change and change.kind != "deploy":
        who += f": {name}"
    if short:
        return f"{who} {'runs out of' if short.reached else 'holds ever more'} {short.words}"
    return f"{who} {_ails(name, facts)}"


def _unquoted(text: str) -> str:
    """A cause up to the line that it quotes, which stands below; whole if that says too little."""
    short = text.partition("“")[0].rstrip(" :(,;")
    return short if len(short) >= _LEAST_SAID else text


def blocks(blocking: Blocker) -> str:
    """Who blocks what in a database, in words."""
    held = blocking.held
    objects = " and ".join(map(named, held["relations"] or held["objects"] or ["something"]))
    waiting = " and ".join(map(named, held["waiters"])) or "others"
    verb = "waits" if len(held["waiters"]) == 1 else "wait"
    return f"{blocking.who} holds a lock on {objects} that {waiting} {verb} for"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _ails(name: str, facts: Facts) -> str:
    indicators = {s.indicator for s in facts.own(name)}
    if indicators == {"errors", "latency"}:
        return "is slow and fails"
    if indicators:
        return "fails requests" if "errors" in indicators else "is slow"
    departed = next((a for a in facts.anomalies.get(name, ()) if a.own), None)
    return f"departs from its calm time: {departs(departed)}" if departed else "is in trouble"


def departs(anomaly: Anomaly) -> str:
    """What an anomaly is, in words: a subject and which way it went."""
    if anomaly.look == "logs":
        return anomaly.subject
    where = f" on {anomaly.instance}" if anomaly.instance else ""
    to = f" to {anomaly.peer}" if anomaly.peer else ""
    if anomaly.during == anomaly.before:
        return f"{anomaly.subject}{to}{where}"
    way = "rose" if anomaly.during > anomaly.before else "fell"
    return f"{anomaly.subject}{to} {way}{where}"


def _suffering(facts: Facts, cause: Cause | None) -> str:
    """Who shows the symptom without being its cause."""
    ill = [n for n in facts.symptomatic if cause is None or n != cause.resource.name]
    if not ill:
        return ""
    shown = {s.indicator for s in (*facts.of(ill[0]), *facts.symptom) if s.resource == ill[0]}
    kinds = [verb for indicator, verb in _VERBS.items() if indicator in shown]
    return f"{ill[0]} {' and '.join(kinds)}"


def summary(
    verdict: Verdict,
    facts: Facts,
    cause: Cause | None,
    answers: dict[str, Answer],
    short: Shortage | None,
    blocking: Blocker | None,
    known: Finding | None = None,
) -> list[Statement]:
    """What caused it and what speaks for that; or what was checked and found well."""
    if verdict == "no_incident":
        explained = [Statement(known.text, known.evidence_for[:1])] if known else []
        return [*explained, *(_calm(facts) if facts.watched else [])]
    said = told(cause) if cause else []
    if cause:
        said += _trouble(cause, answers["levels"]) if "levels" in answers else []
        said += _insisted(cause.resource.name, answers)
        of_logs = answers.get("templates")
        said += _wrote(cause.resource.name, facts, of_logs) if of_logs else []
        said += _departed(cause.resource.name, facts) if not facts.own(cause.resource.name) else []
    said += _held(short) if short else []
    said += _blocked(blocking) if blocking else []
    change = facts.changes.get(cause.change) if cause else None
    for control in change.controls if change else ():
        if control.verdict == "implicates" and control.kind in ("old_against_new", "recovery"):
            said.append(Statement(control.text, control.evidence))
    return said


def users(impact: Answer) -> list[Statement]:
    """What users got, before and during, in the figures of the evidence."""
    rows = {row["during"]: row for row in impact.rows.dicts()}
    if True not in rows:
        return []
    during, before = rows[True], rows.get(False)
    said = [
        f"{during['failed']} of {during['requests']} requests at the entrance failed "
        f"({during['failed_percent']:g} %{_before(before, 'failed_percent', '%')})"
    ]
    if during["p95_s"] is not None:  # an access log need not say how long an answer took
        said.append(f"the 95th percentile was {during['p95_s']:g} s{_before(before, 'p95_s', 's')}")
    return [Statement(f"{', '.join(said)}.", (impact.id,))]


def _before(row: Row | None, column: str, unit: str) -> str:
    if row is None or row[column] is None:
        return ""
    return f", before {row[column]:g} {unit}"


def _trouble(cause: Cause, levels: Answer) -> list[Statement]:
    """What the culprit did by itself."""
    name = cause.resource.name
    rows = {r["phase"]: r for r in levels.rows.dicts() if r["service"] == name}
    said = []
    if "during" in rows and "before" in rows:
        now, then = rows["during"], rows["before"]
        said.append(
            Statement(
                f"{name} itself failed {now['own_failed']} of its {now['requests']} requests and "
                f"took {now['own_p95_ms']:g} ms of its own (p95); before, {then['own_failed']} of "
                f"{then['requests']} and {then['own_p95_ms']:g} ms.",
                (levels.id,),
            )
        )
    return said


def _departed(name: str, facts: Facts) -> list[Statement]:
    """What departed furthest from calm time, of a resource whose requests say nothing."""
    own = [a for a in facts.anomalies.get(name, ()) if a.own][:_DEPARTED]
    return [
        Statement(
            f"{name}: {departs(one)} from {facts.when(one.onset)}, further than its calm time "
            "explains.",
            (one.evidence,),
        )
        for one in own
    ]


def _insisted(name: str, answers: dict[str, Answer]) -> list[Statement]:
    """Which service it called more often for the same request than before: it tried again."""
    answer = answers.get(f"attempts:{name}")
    rows = {(r["callee"], r["during"]): r for r in answer.rows.dicts()} if answer else {}
    found = []
    for (callee, during), now in rows.items():
        then = rows.get((callee, False))
        if answer and during and then:
            new, old = now["calls_per_request"], then["calls_per_request"]
            if new >= _INSISTENT * old:
                text = f"Each request to {name} now called {callee} {new:g} times, before {old:g}."
                found.append(Statement(text, (answer.id,)))
    return found


def _wrote(name: str, facts: Facts, templates: Answer) -> list[Statement]:
    """The kind of error line that came with the trouble."""
    return [
        Statement(
            f"{name} wrote {row['lines']} lines {_line(row)}, "
            f"the first at {row['first_at']:%H:%M:%S}.",
            (templates.id,),
        )
        for row in new_lines(name, facts, templates)[:1]
    ]


def _line(row: Row) -> str:
    return quoted(": ".join(filter(None, (row["exception"], row["template"]))))


def _held(short: Shortage) -> list[Statement]:
    """How far the limited thing rose, and where."""
    worst = short.worst
    of = f" of {worst['ceiling']:g}" if worst["ceiling"] else ""
    text = (
        f"{short.signal.subject} rose to {max(worst['values']):g}{of} on {worst['instance']} "
        f"({worst['version']})."
    )
    return [Statement(text, (short.answer.id,))]


def _blocked(blocking: Blocker) -> list[Statement]:
    """What the blocking session did, and how others waited for it."""
    held, statement = blocking.held, blocking.statement
    said = [
        Statement(
            f"{_capital(blocking.who)} made others wait {held['waits']} times from "
            f"{held['first_at']:%H:%M:%S} to {held['last_at']:%H:%M:%S}, the longest for "
            f"{held['longest_ms']} ms.",
            (blocking.waits.id, blocking.lines.id),
        )
    ]
    if statement:
        ran = quoted(statement["statement"])
        words = f"Before that, at {statement['time']:%H:%M:%S}, it ran {ran}."
        said.append(Statement(words, (blocking.lines.id,)))
    return said


def _calm(facts: Facts) -> list[Statement]:
    """What stayed well while the alarm said otherwise."""
    well = Statement(
        "No shift was found in latency and failures of any service, nor in what users got at the "
        "entrance.",
        ("requests", "entrance"),
    )
    alerts = " and ".join(facts.incident.alerts)
    return [well, *([Statement(f"{alerts} fired all the same.", ("alerts",))] if alerts else [])]


def next_steps(
    verdict: Verdict, facts: Facts, cause: Cause | None, blocking: Blocker | None
) -> list[NextStep]:
    """What a person may do next; nothing of it is done here."""
    change = facts.changes.get(cause.change) if cause else None
    if verdict == "no_incident":
        return [
            NextStep(
                f"Review the rule of {alert}: it fired while nothing was wrong. Compare its "
                "threshold with the values in the chart, and let it hold longer before it fires.",
                reversible=True,
            )
            for alert in facts.incident.alerts
        ]
    if blocking:
        return _for_blocker(blocking, over=facts.incident.ended_at is not None)
    if verdict == "cause_found" and change:
        return _for_change(change, facts)
    if verdict == "cause_found" and cause:
        return [NextStep(f"Look at {cause.resource.name} first: {cause.text}.", reversible=True)]
    return [
        NextStep("Close the gaps listed as not looked at, then investigate again.", reversible=True)
    ]


def _for_blocker(blocking: Blocker, *, over: bool) -> list[NextStep]:
    end = NextStep(
        f"Ask its owner to end {blocking.who}, or end it; what it did not commit is rolled back.",
        reversible=False,
        command=f"SELECT pg_terminate_backend({blocking.held['holder']});",
    )
    why = NextStep(
        f"It is over: ask the owner of {blocking.who} why it stayed open.", reversible=True
    )
    return [
        why if over else end,
        NextStep(
            "Let no session hold locks while it idles: set idle_in_transaction_session_timeout for "
            "those who work by hand, and lock_timeout for services.",
            reversible=True,
        ),
    ]


def _for_change(change: Change, facts: Facts) -> list[NextStep]:
    back = undone(change, facts.changes.values())
    if change.kind != "deploy":
        return _for_setting(change, back)
    old = change.previous_version or "the version before"
    first = f"Roll {change.service} back from {change.version} to {old}."
    if back:
        first = (
            f"Keep {change.service} on {back.version or old}: {back.id} replaced {change.version}."
        )
    revision = f" ({change.revision[:12]})" if change.revision else ""
    then = (
        f"Before {change.version} goes out again, read what it changed{revision} with the "
        "first error lines of the evidence beside it."
    )
    return [NextStep(first, reversible=True), NextStep(then, reversible=True)]


def _for_setting(change: Change, back: Change | None) -> list[NextStep]:
    """What to do about a change that has no version of its own."""
    noun = _NOUNS[change.kind].lower()
    first = (
        f"Keep {change.service} as it is: {back.id} replaced the {noun} {change.what}."
        if back
        else f"Take the {noun} {change.what} back."
    )
    where = f": {change.url}" if change.url else ""
    then = f"Before it goes out again, compare its values with what {change.service} needs{where}."
    return [NextStep(first, reversible=True), NextStep(then, reversible=True)]


def well(name: str) -> str:
    """A resource's name as a reader knows it."""
    return "the entrance" if name == ENTRANCE else name
