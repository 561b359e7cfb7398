"""Verify: no citation that does not resolve, no claim that its evidence does not hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, TypeVar

from langgraph.runtime import Runtime

from agent.nodes.context import Context
from agent.nodes.resolving import Grounds, Said, sentences
from agent.redaction import redacted
from agent.report.words import CITING, KICKERS, cited, identity, listed, plural
from agent.state import (
    Cause,
    Change,
    Control,
    Gap,
    Hop,
    Investigation,
    NextStep,
    Proposal,
    Report,
)

_T = TypeVar("_T")
_AS_IT_IS = frozenset({"sql", "digest"})
_UNCARRIED = "What was said of it is not carried by its evidence."
_AGAIN = NextStep(
    "Close the gaps listed as not looked at, then investigate again.", reversible=True
)
_LEAST_SURE = 0.49  # of a cause whose evidence is not there: no longer likely
_NOUNS = {
    "citation": "citation",
    "number": "number",
    "name": "name",
    "time": "time",
    "quote": "quotation",
}


def verify(state: Investigation, runtime: Runtime[Context]) -> Investigation:
    """Drop every sentence that its evidence does not carry, say so, and number the evidence."""
    context, report = runtime.context, state["report"]
    context.progress("verify: every citation, and every number, name and time")
    grounds = Grounds(
        report,
        lambda evidence: context.notebook.again(evidence).rows.arrow,
        context.request.playbooks,
    )
    return {"report": _without_secrets(numbered(verified(report, grounds)))}


def verified(report: Report, grounds: Grounds) -> Report:
    """The report with what its evidence carries; what the verdict rested on and is gone, lowers it.

    What goes is counted in a gap, by what was not found.
    """
    faults = {said.part: fault for said in sentences(report) if (fault := _fault(said, grounds))}
    checked = _Sieve(report, faults).report()
    if not {*cited(checked)} <= report.evidence.keys():
        checked = _resolving(checked, report.evidence.keys())
    if faults:
        checked = replace(checked, gaps=(*checked.gaps, Gap("not_looked_at", _counted(faults))))
    why = _baseless(report, checked)
    return _lowered(checked, why) if why else checked


def _fault(said: Said, grounds: Grounds) -> tuple[str, ...]:
    """What of a sentence does not resolve, by kind: a citation, or each claim."""
    missing = [i for i in said.evidence if i not in grounds.report.evidence]
    if missing or said.is_uncited:
        return ("citation",)
    return tuple(claim.kind for claim, place in grounds.resolve(said) if place is None)


def _counted(faults: Mapping[str, tuple[str, ...]]) -> str:
    kinds = Counter(kind for of_one in faults.values() for kind in of_one)
    of_each = listed([plural(kinds[kind], _NOUNS[kind]) for kind in _NOUNS if kinds[kind]])
    return f"Sentences removed, not carried by evidence: {len(faults)} ({of_each} not found)."


@dataclass(frozen=True, slots=True)
class _Sieve:
    """A report, and what is wrong with its sentences by the part that they are."""

    whole: Report
    faults: Mapping[str, tuple[str, ...]]

    def report(self) -> Report:
        """The report without the sentences that have a fault."""
        report = self.whole
        return replace(
            report,
            title=_headline(report) if "title" in self.faults else report.title,
            summary=self._kept("summary", report.summary),
            impact=self._kept("impact", report.impact),
            drilldowns=self._kept("drilldowns", report.drilldowns),
            timeline=self._kept("timeline", report.timeline),
            next_steps=self._steps(),
            causes=self._each("causes", report.causes, self._cause),
            ruled_out=self._each("ruled_out", report.ruled_out, self._cause),
            changes=self._each("changes", report.changes, self._change),
            proposals=self._each("proposals", report.proposals, self._proposal),
        )

    def _kept(self, part: str, items: tuple[_T, ...]) -> tuple[_T, ...]:
        return tuple(one for n, one in enumerate(items) if f"{part}.{n}" not in self.faults)

    def _steps(self) -> tuple[NextStep, ...]:
        """The steps; one whose reason does not hold stays without it."""
        steps = self._each("next_steps", self.whole.next_steps, self._step)
        return tuple(s for n, s in enumerate(steps) if f"next_steps.{n}" not in self.faults)

    def _step(self, part: str, step: NextStep) -> NextStep:
        return replace(step, why=None) if f"{part}.why" in self.faults else step

    def _each(self, part: str, items: Iterable[_T], of: Callable[[str, _T], _T]) -> tuple[_T, ...]:
        return tuple(of(f"{part}.{n}", one) for n, one in enumerate(items))

    def _cause(self, part: str, cause: Cause) -> Cause:
        """A cause that is called by its resource where its own words do not hold."""
        return replace(
            cause,
            text=identity(cause.resource) if f"{part}.text" in self.faults else cause.text,
            reason="" if f"{part}.reason" in self.faults else cause.reason,
            path=self._each(f"{part}.path", cause.path, self._hop),
        )

    def _hop(self, part: str, hop: Hop) -> Hop:
        return replace(hop, text="") if part in self.faults else hop

    def _change(self, part: str, change: Change) -> Change:
        return replace(
            change,
            reason="" if f"{part}.reason" in self.faults else change.reason,
            controls=self._each(f"{part}.controls", change.controls, self._control),
        )

    def _control(self, part: str, control: Control) -> Control:
        """A control whose words do not hold gives no verdict."""
        if part not in self.faults:
            return control
        return replace(control, verdict="not_assessable", text=_UNCARRIED, log_odds=0.0)

    def _proposal(self, part: str, proposal: Proposal) -> Proposal:
        if part not in self.faults:
            return proposal
        return replace(proposal, outcome="not_assessable", text=_UNCARRIED)


def _headline(report: Report) -> str:
    """The verdict and its resource, where the headline says what nothing carries."""
    about = report.causes[0].resource if report.causes else None
    found = about is not None and report.verdict == "cause_found"
    return f"{KICKERS[report.verdict]}{f': {identity(about)}' if found and about else ''}"


def _baseless(report: Report, checked: Report) -> str:
    """Why the verdict has lost what it rested on; nothing if it has not."""
    if report.verdict == "no_incident":
        lost = report.summary and not checked.summary
        return "no sentence that says what is well is carried by evidence" if lost else ""
    if report.verdict != "cause_found":
        return ""
    if not checked.causes or not checked.causes[0].evidence_for:
        return "its cause cites no evidence that is there"
    cause, before = checked.causes[0], report.causes[0]
    told = cause.text == before.text
    if not told and not any(_names(cause, text) for text in _carried(cause, checked)):
        return "no sentence that names its cause is carried by evidence"
    if _is_implicated(before.change, report) and not _is_implicated(before.change, checked):
        return "nothing that implicates its change is carried by evidence"
    return ""


def _carried(cause: Cause, checked: Report) -> Iterator[str]:
    """The sentences that may speak of a cause, as far as they are left."""
    yield from (said.text for said in (*checked.summary, *checked.impact))
    for change in checked.changes:
        if change.id == cause.change:
            yield from (control.text for control in change.controls if control.evidence)


def _names(cause: Cause, text: str) -> bool:
    names = (cause.resource.name, cause.resource.version, cause.object)
    return any(name and name.casefold() in text.casefold() for name in names)


def _is_implicated(change_id: str, report: Report) -> bool:
    """Whether a control that implicates a change stands."""
    return any(
        control.verdict == "implicates"
        for change in report.changes
        if change.id == change_id and change.verdict == "implicated"
        for control in change.controls
    )


def _lowered(report: Report, why: str) -> Report:
    """The report without its verdict: nothing is named, and nothing is advised."""
    gap = Gap("not_looked_at", f"The verdict was {report.verdict.replace('_', ' ')}, but {why}.")
    first = (replace(c, status="weakened", grounded=False) for c in report.causes[:1])
    return replace(
        report,
        title=KICKERS["inconclusive"],
        verdict="inconclusive",
        confidence=min(report.confidence, _LEAST_SURE),
        causes=(*first, *report.causes[1:]),
        next_steps=(_AGAIN,),
        gaps=(*report.gaps, gap),
    )


def _resolving(value: Any, known: Iterable[str], field: str = "") -> Any:
    """The value without citations of what is not there, and without what is nothing but one."""
    if field in CITING and isinstance(value, tuple):
        return tuple(i for i in value if i in known)
    if is_dataclass(value) and not isinstance(value, type):
        kept = {
            p.name: _resolving(getattr(value, p.name), known, p.name)
            for p in fields(value)
            if p.name != "evidence" or not isinstance(value, Report)
        }
        return replace(value, **kept)
    if isinstance(value, tuple):
        return tuple(_resolving(one, known) for one in value if not _is_uncited(one, known))
    return value


def _is_uncited(value: Any, known: Iterable[str]) -> bool:
    """Whether something rests on one piece of evidence, as a chart does, that is not there."""
    evidence = getattr(value, "evidence", None)
    return isinstance(evidence, str) and evidence not in known


def _without_secrets(value: Any, field: str = "") -> Any:
    """The report with every secret of a known form taken out, but for the SQL that is run again."""
    if is_dataclass(value) and not isinstance(value, type):
        kept = {p.name: _without_secrets(getattr(value, p.name), p.name) for p in fields(value)}
        return replace(value, **kept)
    if field == "sample":
        return tuple(map(redacted, value))
    if isinstance(value, tuple):
        return tuple(_without_secrets(item, field) for item in value)
    if isinstance(value, dict):
        return {key: _without_secrets(item, field) for key, item in value.items()}
    return value if field in _AS_IT_IS else redacted(value)


def numbered(report: Report) -> Report:
    """The report with its evidence as E1, E2, ... in the order a reader meets it."""
    order = [i for i in dict.fromkeys(cited(report)) if i in report.evidence]
    order += sorted(report.evidence.keys() - set(order))
    ids = {name: f"E{n}" for n, name in enumerate(order, 1)}
    evidence = {ids[name]: replace(report.evidence[name], id=ids[name]) for name in order}
    bare: Report = _renamed(replace(report, evidence={}), ids)
    return replace(bare, evidence=evidence)


def _renamed(value: Any, ids: dict[str, str], field: str = "") -> Any:
    if field in CITING:
        return ids[value] if isinstance(value, str) else tuple(ids[i] for i in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(
            value,
            **{p.name: _renamed(getattr(value, p.name), ids, p.name) for p in fields(value)},
        )
    if isinstance(value, tuple):
        return tuple(_renamed(item, ids) for item in value)
    return value
