"""What the lake says of a change before it is merged: health, reach, recent changes, incidents."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import PurePosixPath
from typing import Any, get_args

from agent.analysis.experiments import poisson_rates
from agent.analysis.topology import Edge, Topology
from agent.apps.service_map import ServiceMap
from agent.redaction import redact
from agent.report import words
from agent.report.pr_check import (
    HIGHEST_RISK,
    RISK_OF,
    ChangedFile,
    Check,
    Finding,
    FindingKind,
    Health,
    Level,
    PastIncident,
    Pull,
    Reach,
    RecentChange,
    Role,
    Severity,
    Verdict,
)
from agent.state import Cost, Evidence, Gap, Statement
from agent.tools.catalogue import tool
from agent.tools.notebook import Answer, Notebook
from lake.store import Lake
from traces.tracer import Tracing

NOW, BEFORE = timedelta(hours=1), timedelta(hours=24)
"""The longest stretches that are compared; of shorter telemetry the last quarter is now."""

REMEMBERED = timedelta(days=365)

_LEAST_REQUESTS = 100  # on either side, to speak of a service's health
_SLOWER, _SLOWER_BY_MS = 1.5, 5.0
_WORSE, _WORSE_BY_PERCENT, _CHANCE = 2.0, 2.0, 0.01
_FAILING_PERCENT = 5.0  # all the time: no service that is well fails so many
_CALLER = ", at a caller"
_MOST_REVISIONS = 20  # whose files are asked for
_VALUE = re.compile(r"\$(\w+)")
_SEVERITIES: tuple[Severity, ...] = get_args(Severity)
_KINDS: tuple[FindingKind, ...] = get_args(FindingKind)

FilesOf = Callable[[str], frozenset[str]]
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be judged: a change, whose its files are, as of when, and how far back."""

    pull: Pull
    services: ServiceMap
    map_path: str
    now: datetime
    since: datetime


@dataclass(frozen=True, slots=True)
class _Desk:
    """One check's questions to the lake, numbered as they are asked."""

    notebook: Notebook
    evidence: dict[str, Evidence]

    def ask(self, name: str, **params: Any) -> Answer:
        answer = self.notebook.ask(name, **params)
        number = f"E{len(self.evidence) + 1}"
        question = _VALUE.sub(lambda match: _when(params[match[1]]), tool(name).question)
        self.evidence[number] = replace(answer.evidence, id=number, question=question)
        return Answer(self.evidence[number], answer.rows)


def assess(lake: Lake, question: Question, files_of: FilesOf) -> Check:
    """Judge a change by what the lake, as it is now, holds of the services that it touches.

    `files_of` names the files that a revision changed. What the lake is silent on is a gap.
    """
    with Tracing(lake, "pr-check", redact=redact) as tracing:
        notebook = Notebook(lake.at(), tracing)
        check = _assessed(_Desk(notebook, {}), question, files_of)
        spent = tracing.cost()
        return replace(
            check,
            cost=Cost(
                queries=spent.queries, wall_s=spent.wall_s, usd=spent.usd, trace_id=spent.trace_id
            ),
        )


def _assessed(desk: _Desk, question: Question, files_of: FilesOf) -> Check:
    pull = _owned(question)
    touched = sorted({name for file in pull.files for name in file.services})
    unmapped = tuple(f.path for f in pull.files if _is_stray(f, question.services))
    reach = _reach(desk, question, touched)
    changes = _changes(desk, question, touched)
    incidents = _incidents(desk, question, touched, pull, files_of)
    findings = sorted(
        (
            *_map_changed(pull, question),
            *_alerts(desk, question, reach),
            *_unwell(reach, incidents),
            *_unsettled(changes, reach),
            *_repeated(incidents, pull),
        ),
        key=lambda one: (_SEVERITIES.index(one.severity), _KINDS.index(one.kind), one.service),
    )
    unknown = tuple(_unknown_health(question, reach))
    verdict = _verdict(findings, judged=not unknown and bool(touched or not unmapped))
    return Check(
        pull=pull,
        created_at=question.now,
        since=question.since,
        verdict=verdict,
        risk=None if verdict == "not_assessable" else _risk(findings),
        summary=(
            _extent(pull, touched, unmapped),
            *_gist(touched, findings, reach, verdict),
        ),
        findings=tuple(findings),
        reach=reach,
        changes=changes,
        incidents=incidents,
        unmapped=unmapped,
        gaps=(*unknown, *_not_looked_at(desk, pull, incidents)),
        evidence=desk.evidence,
        engine_version=version("inquest"),
    )


def _owned(question: Question) -> Pull:
    """The change with the owners of each file, by its path and the one that it left."""

    def owners(file: ChangedFile) -> tuple[str, ...]:
        named = (question.services.owners(path) or () for path in file.paths)
        return tuple(dict.fromkeys(name for names in named for name in names))

    pull = question.pull
    return replace(pull, files=tuple(replace(f, services=owners(f)) for f in pull.files))


def _is_stray(file: ChangedFile, services: ServiceMap) -> bool:
    return any(services.owners(path) is None for path in file.paths)


def _reach(desk: _Desk, question: Question, touched: Sequence[str]) -> Reach:
    """The touched services and all that call them: how they answer now, and did before."""
    if not touched:
        return Reach()
    extent = desk.ask("extent", start=question.since, end=question.now)
    spans = next((row for row in extent.rows.dicts() if row["table"] == "trace_span"), None)
    if spans is None:
        return Reach(tuple(Health(name, "touched") for name in touched), evidence=(extent.id,))
    end = spans["last_at"] + timedelta(microseconds=1)
    start = max(spans["begins_at"], end - NOW - BEFORE)
    recent = end - min(NOW, (end - start) / 4)
    whole_s = math.ceil((end - start).total_seconds()) + 1
    edges = desk.ask("edges", start=start, end=end, bucket_s=whole_s)
    levels = desk.ask(
        "levels", start=start, onset=recent, ended=end + timedelta(seconds=1), end=end, bucket_s=1
    )
    calls = Topology(Edge(row["caller"], row["callee"]) for row in edges.rows.dicts())
    callers = {caller for name in touched for caller in calls.blast_radius(name)} - set(touched)
    known = {(row["service"], row["phase"]): row for row in levels.rows.dicts()}
    roles: list[tuple[str, Role]] = [(name, "touched") for name in touched]
    roles += [(name, "caller") for name in sorted(callers)]
    services = tuple(
        Health(name, role, _level(known.get((name, "during"))), _level(known.get((name, "before"))))
        for name, role in roles
    )
    return Reach(
        services,
        percent=_share({name for name, _ in roles}, known),
        before_since=start,
        now_since=recent,
        as_of=end,
        evidence=(edges.id, levels.id),
    )


def _level(row: Row | None) -> Level | None:
    if row is None:
        return None
    return Level(row["requests"], row["failed"], row["failed_percent"], row["p95_ms"])


def _share(names: set[str], known: dict[tuple[str, str], Row]) -> float | None:
    """The share of all requests that these services answered, in percent."""
    total = sum(row["requests"] for row in known.values())
    theirs = sum(row["requests"] for (name, _), row in known.items() if name in names)
    return round(100 * theirs / total, 1) if total else None


def _changes(desk: _Desk, question: Question, touched: Sequence[str]) -> tuple[RecentChange, ...]:
    """What was announced for the touched services, the newest first."""
    if not touched:
        return ()
    answer = desk.ask("changes", start=question.since, end=question.now)
    rows = [row for row in answer.rows.dicts() if row["service"] in touched]
    return tuple(
        RecentChange(
            service=row["service"],
            kind=row["kind"] or "change",
            version=row["version"] or "",
            revision=row["revision"] or "",
            declared_at=row["declared_at"],
            failed=row["failed"],
            evidence=(answer.id,),
        )
        for row in reversed(rows)
    )


def _incidents(
    desk: _Desk, question: Question, touched: Sequence[str], pull: Pull, files_of: FilesOf
) -> tuple[PastIncident, ...]:
    """What the touched services were found guilty of or hit by, the newest first.

    Where a change is to blame, the files that it has in common with this one.
    """
    if not touched:
        return ()
    answer = desk.ask(
        "past_incidents", start=question.now - REMEMBERED, end=question.now, service=None
    )
    rows = [
        row
        for row in answer.rows.dicts()
        if row["service"] in touched or set(row["impacted_services"] or ()) & set(touched)
    ]
    guilty = dict.fromkeys(row["revision"] for row in rows if row["revision"])
    files = {revision: files_of(revision) for revision in list(guilty)[:_MOST_REVISIONS]}
    ours = {path for file in pull.files for path in file.paths}
    return tuple(
        PastIncident(
            id=row["uid"],
            started_at=row["started_at"],
            title=row["title"] or "",
            verdict=row["verdict"] or "",
            service=row["service"] or "",
            indicator=row["indicator"] or "",
            change_kind=row["change_kind"] or "",
            revision=row["revision"] or "",
            same_files=tuple(sorted(ours & files.get(row["revision"], frozenset()))),
            evidence=(answer.id,),
        )
        for row in rows
    )


def _map_changed(pull: Pull, question: Question) -> Iterator[Finding]:
    if any(question.map_path in file.paths for file in pull.files):
        text = "The map of services itself is changed: whose files these are may be judged wrongly."
        yield Finding("medium", "map", "", question.map_path, text)


def _alerts(desk: _Desk, question: Question, reach: Reach) -> Iterator[Finding]:
    """Alerts of services in reach that fired and did not resolve."""
    roles = {one.service: one.role for one in reach.services}
    if not roles:
        return
    answer = desk.ask("alerts", start=question.since, end=question.now)
    latest = {(row["uid"], row["service"]): row for row in answer.rows.dicts()}
    for row in latest.values():
        if row["resolved"] or row["service"] not in roles:
            continue
        role = roles[row["service"]]
        yield Finding(
            severity="high" if role == "touched" else "medium",
            kind="alert",
            service=row["service"],
            where=row["service"],
            text=f"The alert {row['title']} is firing since {_when(row['time'])}"
            f"{'' if role == 'touched' else _CALLER}.",
            evidence=(answer.id,),
        )


def _unwell(reach: Reach, incidents: Sequence[PastIncident]) -> Iterator[Finding]:
    """Services in reach that answer worse than before, or fail all the time."""
    for one in reach.services:
        if one.now is None or one.now.requests < _LEAST_REQUESTS:
            continue
        complaints = dict(_complaints(one.now, one.before))
        if not complaints:
            continue
        seen = (i.id for i in incidents if i.service == one.service and i.indicator in complaints)
        yield Finding(
            severity="high" if one.role == "touched" and _comparable(one) else "medium",
            kind="health",
            service=one.service,
            where=one.service,
            text=f"{'; '.join(complaints.values())}{'' if one.role == 'touched' else _CALLER}.",
            evidence=reach.evidence[-1:],
            seen_before=next(seen, ""),
        )


def _comparable(one: Health) -> bool:
    """Whether there were requests enough, now and before."""
    levels = (one.now, one.before)
    return all(level is not None and level.requests >= _LEAST_REQUESTS for level in levels)


def _complaints(now: Level, before: Level | None) -> Iterator[tuple[str, str]]:
    """The indicator and what is wrong with it."""
    failing = f"{words.number(now.failed_percent)} % of {now.requests:,} requests fail"
    if before is None or before.requests < _LEAST_REQUESTS:
        if now.failed_percent >= _FAILING_PERCENT:
            yield "errors", f"{failing}, with no calm time beside it"
        return
    if _fails_more(now, before):
        yield "errors", f"{failing} now, {words.number(before.failed_percent)} % did before"
    elif now.failed_percent >= _FAILING_PERCENT:
        yield "errors", f"{failing}, as they did before"
    if now.p95_ms >= max(_SLOWER * before.p95_ms, before.p95_ms + _SLOWER_BY_MS):
        slow, usual = words.number(now.p95_ms), words.number(before.p95_ms)
        yield "latency", f"p95 is {slow} ms now, it was {usual} ms before"


def _fails_more(now: Level, before: Level) -> bool:
    risen = now.failed_percent - before.failed_percent
    if risen < _WORSE_BY_PERCENT or now.failed_percent < _WORSE * before.failed_percent:
        return False
    rates = poisson_rates(before.failed, before.requests, now.failed, now.requests)
    return float(rates.p_value) < _CHANCE


def _unsettled(changes: Sequence[RecentChange], reach: Reach) -> Iterator[Finding]:
    """The newest change of each service, if it failed or its effect cannot be known yet."""
    newest = {change.service: change for change in reversed(changes)}
    for change in newest.values():
        named = f"{_named(change)} at {_when(change.declared_at)}"
        severity: Severity = "medium" if change.failed else "low"
        if change.failed:
            text = f"The last change, {named}, failed."
        elif reach.now_since and change.declared_at >= reach.now_since:
            text = f"Its last change, {named}, is so new that effects could not be told apart."
        else:
            continue
        yield Finding(severity, "change", change.service, change.service, text, change.evidence)


def _repeated(incidents: Sequence[PastIncident], pull: Pull) -> Iterator[Finding]:
    """For each service the incident that is most like this change, of those it was to blame for."""
    kinds = {(name, kind_of(file.path)) for file in pull.files for name in file.services}
    touched = {name for name, _ in kinds}
    by_service: dict[str, list[tuple[int, PastIncident]]] = {}
    for one in incidents:
        if one.service in touched:
            alike = 0 if one.same_files else 1 if (one.service, one.change_kind) in kinds else 2
            by_service.setdefault(one.service, []).append((alike, one))
    for name, candidates in sorted(by_service.items()):
        alike, one = min(candidates, key=lambda pair: pair[0])
        where = one.same_files[0] if one.same_files else name
        yield Finding(
            severity=_SEVERITIES[alike],
            kind="past_incident",
            service=name,
            where=where,
            text=_likeness(one, len(candidates) - 1),
            evidence=one.evidence,
            seen_before=one.id,
        )


def _likeness(one: PastIncident, others: int) -> str:
    more = f"; {words.plural(others, 'incident')} besides" if others else ""
    began = f"“{words.shorten(one.title, 120)}” ({words.day(one.started_at)})"
    if one.same_files:
        return f"Changed by {one.revision[:12]} too, which was implicated in {began}{more}."
    if one.change_kind:
        return f"A {one.change_kind} change of {one.service} was implicated in {began}{more}."
    return f"{one.service} was the cause of {began}, through no change{more}."


def kind_of(path: str) -> str:
    """The kind of change that a file usually makes, in the words of `state.ChangeKind`."""
    name = PurePosixPath(path)
    if name.suffix == ".sql" or "migrations" in name.parts:
        return "schema"
    if name.suffix in {".tf", ".tfvars"} or re.match(r"(?i)(docker|container)file", name.name):
        return "infrastructure"
    if name.suffix in {".yaml", ".yml", ".toml", ".ini", ".env", ".conf", ".properties", ".json"}:
        return "config"
    return "deploy"


def _verdict(findings: Sequence[Finding], *, judged: bool) -> Verdict:
    """Go by the gravest finding; calm is said only where there was something to look at."""
    if any(one.severity == "high" for one in findings):
        return "look_twice"
    if any(one.severity == "medium" for one in findings):
        return "keep_an_eye"
    return "nothing_found" if judged else "not_assessable"


def _risk(findings: Sequence[Finding]) -> float:
    """What the gravest finding of each service adds up to, each taken as a chance of its own."""
    gravest = {one.service: one.severity for one in reversed(findings)}
    calm = math.prod(1 - RISK_OF[severity] for severity in gravest.values())
    return round(min(1 - calm, HIGHEST_RISK), 2)


def _extent(pull: Pull, touched: Sequence[str], unmapped: Sequence[str]) -> Statement:
    files = words.plural(len(pull.files), "file")
    stray = f"; no service is known for {len(unmapped)} of them" if unmapped else ""
    return Statement(f"It touches {words.listed(list(touched)) or 'no service'} ({files}{stray}).")


def _gist(
    touched: Sequence[str], findings: Sequence[Finding], reach: Reach, verdict: Verdict
) -> Iterator[Statement]:
    if findings:
        worst = findings[0]
        yield Statement(f"{worst.where}: {worst.text}", worst.evidence)
    elif touched and verdict == "nothing_found":
        text = "What it touches answers as it did before; no alert fires there or at a caller."
        yield Statement(text, reach.evidence)


def _unknown_health(question: Question, reach: Reach) -> Iterator[Gap]:
    """Why it cannot be said that the touched services are well; nothing if it can."""
    touched = [one for one in reach.services if one.role == "touched"]
    for one in touched:
        if one.now is None:
            told = "before, none lately" if one.before else f"since {_when(question.since)}"
            what = "requests" if one.before else "telemetry"
            yield Gap("no_data", f"No {what} of {one.service} in the lake {told}: health unknown.")
        elif not _comparable(one):
            yield Gap("thin_data", f"Too few requests of {one.service} to compare now with before.")
    if reach.as_of and touched and question.now - reach.as_of > NOW:
        age = words.duration((question.now - reach.as_of).total_seconds())
        yield Gap("not_yet_arrived", f"Health is as of {_when(reach.as_of)}, {age} before.")


def _not_looked_at(desk: _Desk, pull: Pull, incidents: Sequence[PastIncident]) -> Iterator[Gap]:
    if len(pull.files) < pull.files_in_all:
        listed = f"{len(pull.files):,} of the {pull.files_in_all:,} changed files were listed"
        yield Gap("not_looked_at", f"Only {listed}.")
    if len({one.revision for one in incidents if one.revision}) > _MOST_REVISIONS:
        newest = f"the newest {_MOST_REVISIONS} implicated revisions"
        yield Gap("not_looked_at", f"Only the files of {newest} were compared with this change's.")
    for evidence in desk.notebook.cut():
        yield Gap("not_looked_at", f"Only the first {evidence.rows:,} rows of {evidence.tool}.")


def _named(change: RecentChange) -> str:
    what = change.version or change.revision[:12]
    return f"{change.kind} {what}".rstrip()


def _when(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
