"""Playbooks: what seasoned engineers would recognise at once, each with the line that says it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from langgraph.runtime import Runtime

from agent.analysis.asked import Asked
from agent.analysis.object_graph import DEPTH, Chain, Edge, Ill, explained
from agent.nodes.context import Context
from agent.nodes.failing import without_cells
from agent.playbook.compile import checking, finding, triage, whole
from agent.playbook.form import Check, Playbook
from agent.playbook.load import load
from agent.playbook.relations import held
from agent.playbook.words import command, filled, place
from agent.state import (
    Evidence,
    Finding,
    Gap,
    Hop,
    Investigation,
    NextStep,
    Resource,
    ResourceKind,
    Window,
)
from agent.tools.catalogue import OURS, Tool
from agent.tools.notebook import Answer
from lake.ask import placeholders
from lake.errors import QueryError

Row = dict[str, Any]

MOST_OF_ONE = 12  # findings of one playbook
_SURER = 0.5  # of what is left of a certainty, that a confirming check takes away
_KINDS: dict[str, ResourceKind] = {
    "Node": "node",
    "Database": "database",
    "Cache": "cache",
    "Queue": "queue",
    "Service": "service",
}
_LEADS = timedelta(minutes=15)  # by so much what makes a trouble may be older than it
_SLACK = timedelta(seconds=1)
_KNOWN = "SELECT DISTINCT name, service FROM objects ORDER BY ALL"
_REFS = """
SELECT DISTINCT concat_ws('/', kind, nullif(namespace, ''), name) AS source, relation,
  concat_ws('/', to_kind, nullif(to_namespace, ''), to_name) AS target
FROM refs
WHERE to_name <> '' AND is_there IS DISTINCT FROM false
UNION
SELECT concat_ws('/', kind, nullif(namespace, ''), name), 'calls', 'Database/' || database
FROM database_clients
ORDER BY ALL"""


@dataclass(frozen=True, slots=True)
class _Asking:
    """The investigation's notebook, with the stretch and the question that playbooks ask about."""

    context: Context
    span: dict[str, Any]
    asked: Asked

    def ask(self, about: str, question: str, sql: str, row: Row | None = None) -> Answer:
        """Ask of the relations that are held; the evidence has them in front."""
        values = {**(row or {}), **self.span}
        known = {name: value for name, value in values.items() if name in placeholders(whole(sql))}
        tool = Tool("playbook", question, whole(sql))
        return self.context.notebook.inquire(tool, about, sql, **known)


def survey_playbooks(state: Investigation, runtime: Runtime[Context]) -> Investigation:
    """Ask every playbook, and put each finding to the playbook's own checks."""
    context = runtime.context
    every = [one for one in load(context.request.playbooks) if one.role != "standing"]
    asking = _asking(state, context)
    books = held(context.notebook.view, every, asking.span, _REFS, _KNOWN)
    context.progress(f"survey: {len(books)} of {len(every)} playbooks; the others have no data")
    evidence: dict[str, Evidence] = {}
    gaps: list[Gap] = []
    missed: list[str] = []
    found: list[Finding] = []
    for book in _fired(books, asking):
        try:
            answer = asking.ask(book.id, book.finds.question, finding(book))
            evidence |= answer.noted()
            rows = answer.rows.dicts()[:MOST_OF_ONE]
            found += [_found(book, row, answer.id, asking, evidence) for row in rows]
        except (QueryError, ValueError, TypeError, KeyError) as error:  # a row that is none
            why = without_cells(error)
            gaps.append(Gap("not_looked_at", f"The playbook {book.id} failed: {why}"))
            missed.append(f"playbook {book.id}")
    chained = _chained(_relevant(found, asking, evidence), asking, evidence)
    return {"evidence": evidence, "findings": chained, "gaps": gaps, "missed": missed}


def _asking(state: Investigation, context: Context) -> _Asking:
    window, request = state["window"], context.request
    if request.whole:
        start, end = _extent(context.notebook.again(state["evidence"]["extent"]), window)
        since = start
    else:
        start = window.start
        since, end = window.trouble or (window.start, window.end)
    question = request.question or (OURS if context.notebook.ours else "")
    span = {"start": start, "end": end, "since": since, "question": question}
    texts = [request.question, request.service or "", *request.focus]
    return _Asking(context, span, Asked.of([*texts, *_alarmed(context, span)]))


def _extent(extent: Answer, window: Window) -> tuple[datetime, datetime]:
    """From the first to the last that the lake holds."""
    rows = extent.rows.dicts()
    start = min(row["first_at"] for row in rows)
    end = max(row["last_at"] for row in rows)
    return min(start, window.start), max(end + _SLACK, window.end)


def _alarmed(context: Context, span: Row) -> Iterator[str]:
    """The words of the alerts of a bundle: they are what it is about."""
    if not context.request.whole:
        return
    sql = whole("SELECT * FROM alerts WHERE NOT is_resolved ORDER BY ALL")
    answer = context.notebook.inquire(
        Tool("playbook", "Which alerts are there?", sql), "alerts", end=span["end"]
    )
    for row in answer.rows.dicts():
        yield from (str(row[key]) for key in ("title", "service", "pod", "node") if row[key])
        yield str(row["description"] or "")[:500]


def _fired(books: list[Playbook], asking: _Asking) -> Iterator[Playbook]:
    """The playbooks that find anything, one query for those of an area; alone, if that fails."""
    for area, group in groupby(books, key=lambda one: one.area):
        of_area = {one.id: one for one in group}
        question = f"Which playbooks of {area} find anything?"
        try:
            answer = asking.ask(f"triage {area}", question, triage(of_area.values()))
        except QueryError:
            yield from of_area.values()
            continue
        fired = {row["playbook"] for row in answer.rows.dicts()}
        yield from (one for one in of_area.values() if one.id in fired)


def _found(
    book: Playbook, row: Row, evidence_id: str, asking: _Asking, evidence: dict[str, Evidence]
) -> Finding:
    """A row of a playbook as a finding, after the playbook's checks."""
    kind, namespace, name = (row[key] or "" for key in ("kind", "namespace", "name"))
    values = {**row, "object": place(kind, namespace, name)}
    one = Finding(
        playbook=book.id,
        title=book.title,
        role=book.role,
        object=values["object"],
        resource=_resource(kind, name, row.get("service")),
        text=filled(book.cause, values),
        said=str(row["said"] or ""),
        mechanism=book.mechanism,
        indicator=book.indicator,
        certainty=book.certainty,
        seen_at=row["seen_at"] or asking.span["end"],
        evidence_for=(evidence_id,),
        remedies=tuple(
            NextStep(filled(r.text, values), r.reversible, command(r.command, values))
            for r in book.remedies
        ),
        explains=book.explains,
        chronic=(row["seen_at"] or asking.span["since"]) < asking.span["since"] - _LEADS,
    )
    for check in book.checks:
        one = _checked(one, check, values, asking, evidence)
    return one


def _resource(kind: str, name: str, service: str | None) -> Resource:
    if kind in ("Node", "Database", "Cache", "Queue"):
        return Resource(_KINDS[kind], name)
    if service:
        return Resource("service", service)
    return Resource(_KINDS.get(kind, "object"), name or kind)


def _checked(
    one: Finding, check: Check, values: Row, asking: _Asking, evidence: dict[str, Evidence]
) -> Finding:
    """The finding after one check; a check that cannot be asked says nothing."""
    about = f"{one.playbook} {one.object} {check.query.question}"
    try:
        answer = asking.ask(about, check.query.question, checking(check), values)
    except (QueryError, TypeError):
        return one
    evidence |= answer.noted()
    reading = "rows" if len(answer.rows) else "no rows"
    if reading == check.confirms:
        surer = one.certainty + _SURER * (1.0 - one.certainty)
        return replace(one, certainty=surer, evidence_for=(*one.evidence_for, answer.id))
    if reading == check.refutes:
        against = (*one.evidence_against, answer.id)
        said = f"{check.query.question} {'Yes.' if len(answer.rows) else 'No.'}"
        return replace(one, refuted=said, evidence_against=against)
    return one


def _relevant(
    found: list[Finding], asking: _Asking, evidence: dict[str, Evidence]
) -> list[Finding]:
    """The findings with whether they are about what was asked; if that is known, the others not."""
    asked = asking.asked
    graded = [replace(one, relevance=_relevance(one, asked)) for one in found]
    if not asked.names:
        return graded
    best = max((one.relevance for one in graded), default=0.0)
    if best < 0.5 and not _is_known(asking, evidence):
        return graded
    return [one if one.relevance >= 0.5 else replace(one, relevance=-1.0) for one in graded]


def _relevance(one: Finding, asked: Asked) -> float:
    kind, _, rest = one.object.partition("/")
    namespace, _, name = rest.rpartition("/")
    if kind == "Log":
        return 0.5 if asked.names else 0.0  # of nobody's: it was handed in with the question
    return asked.relevance(namespace, name, one.resource.name)


def _is_known(asking: _Asking, evidence: dict[str, Evidence]) -> bool:
    """Whether what was asked about is in the lake, ill or not."""
    answer = asking.ask("known", "Which objects are known?", _KNOWN)
    evidence |= answer.noted()
    rows = answer.rows.dicts()
    return any(asking.asked.relevance("", row["name"], row["service"] or "") > 0.5 for row in rows)


def _chained(found: list[Finding], asking: _Asking, evidence: dict[str, Evidence]) -> list[Finding]:
    """The findings with who explains them; who explains what was asked about is about it too."""
    ills = {one: _ill(one) for one in found if not one.refuted and one.role in DEPTH}
    if len(ills) < 2:
        return found
    answer = asking.ask("refs", "Which object refers to which?", _REFS)
    chains = explained([Edge(*row.values()) for row in answer.rows.dicts()], ills.values())
    if not chains:
        return found
    evidence |= answer.noted()
    follows: defaultdict[Ill, list[tuple[float, Chain]]] = defaultdict(list)
    for one, ill in ills.items():
        if chain := chains.get(ill):
            follows[chain.end].append((one.relevance, chain))
    seen: dict[str, datetime] = {}
    for one in ills:
        seen[one.object] = min(one.seen_at, seen.get(one.object, one.seen_at))
    ways = {ill: max(f, key=lambda way: (way[0], len(way[1].edges))) for ill, f in follows.items()}
    paths = {
        ill: (relevance, _path(way, seen, answer.id)) for ill, (relevance, way) in ways.items()
    }
    return [_explained(one, ills.get(one), chains, paths) for one in found]


def _ill(one: Finding) -> Ill:
    return Ill(one.object, one.role, one.certainty, one.playbook, one.explains)


def _explained(
    one: Finding,
    ill: Ill | None,
    chains: dict[Ill, Chain],
    paths: dict[Ill, tuple[float, tuple[Hop, ...]]],
) -> Finding:
    """A finding with what explains it; or with the way to the most relevant that it explains."""
    if ill is None:
        return one
    if chain := chains.get(ill):
        return replace(one, explained_by=chain.end.object)
    relevance, path = paths.get(ill, (one.relevance, one.path))
    return replace(one, relevance=max(one.relevance, relevance), path=path)


def _path(way: Chain, seen: dict[str, datetime], evidence: str) -> tuple[Hop, ...]:
    return tuple(_hop(edge, seen, evidence) for edge in reversed(way.edges))


def _hop(edge: Edge, seen: dict[str, datetime], evidence: str) -> Hop:
    """A reference as a step of trouble, from what is needed to who needs it, and its checks.

    It exists; both ends are found ill, or it is not known that they are; and what is needed was
    not seen ill later than who needs it.
    """
    ends = [seen.get(edge.target), seen.get(edge.source)]
    return Hop(
        source=edge.target,
        target=edge.source,
        text=f"which {edge.relation} it",
        onset=ends[0],
        structure=True,
        deviation=None not in ends,
        order=bool(ends[0] and ends[1] and ends[0] <= ends[1] + _LEADS),
        evidence=(evidence,),
    )
