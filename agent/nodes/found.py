"""What playbooks found, as causes: how probable each is, and how it is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from agent.analysis.findings import Sign, probability
from agent.quotes import quoted
from agent.state import Cause, Finding, Hop, Statement

PREFIX = "finding "


def findings_as_causes(findings: Iterable[Finding]) -> dict[str, Cause]:
    """Every finding that may be a cause; of one object that several find alike the surest."""
    every = [one for one in findings if one.role not in ("benign", "standing")]
    explains = Counter(one.explained_by for one in every if not one.refuted)
    causes: dict[str, Cause] = {}
    for one in every:
        sign = Sign(
            certainty=one.certainty,
            role=one.role,
            relevance=one.relevance,
            explained=bool(one.explained_by),
            explains=explains[one.object],
        )
        cause = _cause(one, 0.0 if one.refuted else probability(sign))
        key = f"{PREFIX}{one.playbook} {one.object}"
        if key not in causes or causes[key].probability < cause.probability:
            causes[key] = cause
    return causes


def _cause(one: Finding, sure: float) -> Cause:
    here = Hop(
        source=one.object,
        target=one.object,
        text=f"says {quoted(one.said)}",
        onset=one.seen_at,
        structure=True,
        deviation=True,
        order=True,
        evidence=one.evidence_for[:1],
    )
    return Cause(
        rank=0,
        text=one.text,
        resource=one.resource,
        indicator=one.indicator,
        mechanism=one.mechanism,
        probability=sure,
        status="refuted" if one.refuted else "likely",
        grounded=not one.refuted,
        path=one.path or (here,),
        evidence_for=one.evidence_for,
        evidence_against=one.evidence_against,
        reason=one.refuted or (f"It follows from {one.explained_by}." if one.explained_by else ""),
        object=one.object,
        said=one.said,
        playbook=one.playbook,
    )


def benign(findings: Iterable[Finding]) -> Finding | None:
    """What explains the alarm as none, the surest first."""
    known = [one for one in findings if one.role == "benign" and not one.refuted]
    about = [one for one in known if one.relevance >= 0]
    return max(about, key=lambda one: (one.certainty, one.playbook), default=None)


def told(cause: Cause) -> list[Statement]:
    """The line of evidence that a cause rests on."""
    if not cause.said:
        return []
    where = f"{cause.object}: {quoted(cause.said)}"
    return [Statement(where, cause.evidence_for[:1])]
