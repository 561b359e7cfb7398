"""What playbooks found, as causes: how probable each is, and how it is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from agent.analysis.findings import Sign, probability
from agent.analysis.retelling import Tale, outdone, retold
from agent.nodes.grounding import is_grounded
from agent.quotes import quoted
from agent.state import Cause, Finding, Hop, Statement

PREFIX = "finding "
_LINE = 1000  # characters that tell one line from another
RELEVANT = 0.5  # and more is about what was asked


def findings_as_causes(findings: Iterable[Finding]) -> dict[str, Cause]:
    """Every finding that may be a cause, what is told twice once; of one object the surest."""
    every = told_once(one for one in findings if one.role not in ("benign", "standing"))
    explains = Counter(one.explained_by for one in every if not one.refuted)
    causes: dict[str, Cause] = {}
    for one in every:
        sign = Sign(
            certainty=one.certainty,
            role=one.role,
            relevance=one.relevance,
            explained=bool(one.explained_by),
            explains=0 if one.explained_by else explains[one.object],
            chronic=one.chronic,
        )
        cause = _cause(one, 0.0 if one.refuted else probability(sign))
        key = f"{PREFIX}{one.playbook} {one.object}"
        if key not in causes or causes[key].probability < cause.probability:
            causes[key] = cause
    return causes


def told_once(findings: Iterable[Finding]) -> list[Finding]:
    """The findings without those that tell what another tells better, which has their evidence.

    Who only says that something failed follows from who says how.
    """
    every = list(findings)
    standing = [one for one in every if not one.refuted]
    twins = retold([_tale(one) for one in standing])
    kept = [_joined(one, [standing[t] for t, b in twins.items() if b == place])
            for place, one in enumerate(standing) if place not in twins]  # fmt: skip
    for place, better in outdone([_tale(one) for one in kept]).items():
        if not kept[place].explained_by:
            kept[place] = replace(kept[place], explained_by=kept[better].object)
    return [*kept, *(one for one in every if one.refuted)]


def _tale(one: Finding) -> Tale:
    return Tale(
        one.playbook,
        one.object,
        one.said[:_LINE],
        one.role,
        one.certainty,
        is_vague=one.mechanism == "unknown",
        is_relevant=one.relevance >= RELEVANT,
        explains=one.explains,
    )


def _joined(one: Finding, twins: list[Finding]) -> Finding:
    """A finding with the evidence of those that tell the same; it is about what they are about."""
    cited = dict.fromkeys(e for each in (one, *twins) for e in each.evidence_for)
    relevance = max(each.relevance for each in (one, *twins))
    return replace(one, relevance=relevance, evidence_for=tuple(cited))


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
    path = one.path or (here,)
    return Cause(
        rank=0,
        text=one.text,
        resource=one.resource,
        indicator=one.indicator,
        mechanism=one.mechanism,
        probability=sure,
        status="refuted" if one.refuted else "likely",
        grounded=not one.refuted and is_grounded(path),
        path=path,
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
