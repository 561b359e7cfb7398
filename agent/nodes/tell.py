"""Tell: a model words the summary and orders the next steps; what it may not say is not kept.

It sees sentences of the engine and ids, no line of a log. Verdict, causes, changes, commands and
the steps' own words are never its; a sentence of it stays only if the facts that it cites say so.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.resources import files
from itertools import accumulate
from typing import Annotated

import orjson
from langgraph.runtime import Runtime
from pydantic import BaseModel, Field

from agent.budget import BudgetSpent
from agent.errors import ModelError
from agent.model.form import INPUT_CHARS, filled
from agent.nodes.context import Context
from agent.nodes.resolving import Grounds
from agent.nodes.shown import odd_names, shown
from agent.nodes.wording import Fact, Names, fact, restates
from agent.state import Gap, Investigation, NextStep, Report, Statement
from agent.tools.notebook import Notebook

_CAUSES = 3
_ENOUGH = 2
_ABOUT = re.compile(r"(C\d+)[:,]")  # what a fact begins with that is about a change
_SENTENCE = re.compile(r"(?!.*(?:://|www\.))[A-Za-z0-9 .,;:%()'/+&=_\u2019\u2013\u2014-]{8,}")


class Sentence(BaseModel):
    """One sentence, and the ids of the facts' evidence that carries it."""

    text: str = Field(max_length=400)
    evidence: list[Annotated[str, Field(pattern=r"^E[0-9]{1,3}$")]] = Field(max_length=6)


class Step(BaseModel):
    """A step by its id, and why it is worth taking."""

    id: Annotated[str, Field(pattern=r"^S[0-9]{1,2}$")]
    why: Sentence


class Telling(BaseModel):
    """The wording of a report."""

    summary: list[Sentence] = Field(max_length=6)
    steps: list[Step] = Field(max_length=12)


@dataclass(frozen=True)
class _Brief:
    """What a model is told, and by what its words are judged.

    It knows evidence as E1, E2, ... and steps as S1, S2, ...
    """

    report: Report
    facts: tuple[Statement, ...]
    steps: dict[str, str]
    evidence: dict[str, str]
    grounds: Grounds
    names: Names

    @cached_property
    def _read(self) -> list[Fact]:
        innocent = _innocent(self.report)
        about = (_ABOUT.match(one.text) for one in self.facts)
        ids = (match[1] if match and match[1] in innocent else "" for match in about)
        return [fact(one.text, of, self.names) for one, of in zip(self.facts, ids, strict=True)]

    def carrying(self, statement: Statement) -> list[Fact]:
        """The facts that share evidence with a statement."""
        cited = set(statement.evidence)
        told = zip(self.facts, self._read, strict=True)
        return [read for one, read in told if cited & set(one.evidence)]


def tell(state: Investigation, runtime: Runtime[Context]) -> Investigation:
    """Let the model word the report; where it fails or too little is left, the templates stand."""
    context, report = runtime.context, state["report"]
    if context.model is None:
        return {}
    context.progress(f"tell: {context.model} words the report")
    brief = _brief(report, context.notebook)
    try:
        telling = filled(context.speaker(), _instructions(), _material(brief), Telling)
    except (BudgetSpent, ModelError) as error:
        return {"report": _noting(report, f"The words are the engine's own. {error}")}
    return {"report": _told(telling, brief)}


def _instructions() -> str:
    return files("agent").joinpath("prompts", "tell.md").read_text("utf-8")


def _brief(report: Report, notebook: Notebook) -> _Brief:
    odd = odd_names(_names(report))
    own = [name for name, one in sorted(report.evidence.items()) if one.asked_by == "engine"]
    facts = (
        Statement(shown(fact.text, odd), cited)
        for fact in _facts(report)
        if (cited := tuple(i for i in fact.evidence if i in own))
    )
    steps = {f"S{n}": shown(step.text, odd) for n, step in enumerate(report.next_steps, 1)}
    evidence = {f"E{n}": name for n, name in enumerate(own, 1)}
    grounds = Grounds(report, lambda one: notebook.again(one).rows.arrow)
    return _Brief(report, _first(facts), steps, evidence, grounds, _called(report))


def _first(facts: Iterable[Statement]) -> tuple[Statement, ...]:
    """As many facts, the most important first, as may be sent."""
    every = tuple(facts)
    sizes = accumulate(len(orjson.dumps(one)) for one in every)
    return tuple(one for one, size in zip(every, sizes, strict=True) if size <= INPUT_CHARS)


def _facts(report: Report) -> Iterator[Statement]:
    """What was found, as the engine says it, the most important first."""
    yield from (*report.summary, *report.impact)
    for cause in report.causes[:_CAUSES]:
        yield Statement(f"Cause {cause.rank}, {cause.status}: {cause.text}.", cause.evidence_for)
        for hop in cause.path:
            yield Statement(f"{hop.source} to {hop.target}: {hop.text}.", hop.evidence)
    for change in report.changes:
        decided = [c for c in change.controls if c.verdict in ("implicates", "clears")]
        known = dict.fromkeys(i for control in decided for i in control.evidence)
        yield Statement(
            f"{change.id}, {change.kind} of {change.what}: {change.verdict}.", (*known,)
        )
        yield from (Statement(f"{change.id}: {c.text}", c.evidence) for c in decided)


def _names(report: Report) -> set[str]:
    """Names that come from telemetry: a long one may say more than a name should."""
    changed = {word for c in report.changes for word in (c.what, c.version, c.previous_version)}
    return {*_resources(report), *changed, *report.incident.alerts} - {""}


def _resources(report: Report) -> set[str]:
    causes = (*report.causes, *report.ruled_out)
    hops = {end for cause in causes for hop in cause.path for end in (hop.source, hop.target)}
    named = {cause.resource.name for cause in causes} | {c.service for c in report.changes}
    return {*report.incident.services, *hops, *named} - {""}


def _material(brief: _Brief) -> str:
    """The brief as the model reads it."""
    called = {name: alias for alias, name in brief.evidence.items()}
    steps = [{"id": step, "text": text} for step, text in brief.steps.items()]
    facts = [{"text": f.text, "evidence": [called[i] for i in f.evidence]} for f in brief.facts]
    return orjson.dumps({"verdict": brief.report.verdict, "facts": facts, "steps": steps}).decode()


def _told(telling: Telling, brief: _Brief) -> Report:
    """The report in the model's words, as far as they hold."""
    report = brief.report
    said = [_statement(sentence, brief) for sentence in telling.summary]
    why = {step.id: _statement(step.why, brief) for step in telling.steps}
    kept = tuple(dict.fromkeys(s for s in said if _holds(s, brief)))
    reasons = {step: s for step, s in why.items() if _holds(s, brief)}
    enough = len(kept) >= min(_ENOUGH, len(report.summary)) and _names_the_cause(kept, report)
    report = replace(
        report,
        summary=kept if enough else report.summary,
        next_steps=_ordered(dict(zip(brief.steps, report.next_steps, strict=True)), why, reasons),
    )
    if dropped := len(said) + len(why) - len(kept) - len(reasons):
        count = f"{dropped} of {len(said) + len(why)} sentences of the model were dropped"
        report = _noting(report, f"{count}: the facts that they cite do not say so.")
    return report if enough else _noting(report, "The model said too little: the summary is ours.")


def _statement(sentence: Sentence, brief: _Brief) -> Statement:
    ids = (brief.evidence.get(alias, "") for alias in sentence.evidence)
    return Statement(sentence.text.strip(), tuple(dict.fromkeys(ids)))


def _holds(said: Statement, brief: _Brief) -> bool:
    """Whether the engine said the same, and rows do."""
    return (
        bool(_SENTENCE.fullmatch(said.text))
        and restates(said.text, brief.carrying(said), brief.names)
        and brief.grounds.carries(said)
    )


def _names_the_cause(summary: Iterable[Statement], report: Report) -> bool:
    """Whether a summary says what is to blame, where that was found."""
    names = [cause.resource.name for cause in report.causes[:1]]
    return report.verdict != "cause_found" or any(
        _named(name, said.text) for name in names for said in summary
    )


def _innocent(report: Report) -> set[str]:
    """The changes that are not to blame."""
    found = report.verdict == "cause_found"
    return {c.id for c in report.changes if not (found and c.verdict == "implicated")}


def _called(report: Report) -> Names:
    """What the report's resources and changes are called, who is to blame, and whom it reached."""
    known: defaultdict[str, set[str]] = defaultdict(set)
    for name in {*_resources(report), *report.incident.alerts}:
        known[name].add(name)
    for cause in report.causes:
        known[cause.object or cause.resource.name].add(cause.resource.name)
    innocent, of_it = _innocent(report), Counter(change.service for change in report.changes)
    for change in report.changes:
        same = {change.id, change.what, change.version, f"{change.service} {change.version}"}
        if of_it[change.service] == 1 or change.id not in innocent:
            same.add(change.service)
        for name in same:
            known[name].add(change.id)
        known[change.previous_version].add(change.previous_version)
    culprits, reached = {c.id for c in report.changes} - innocent, set[str]()
    for cause in report.causes[:1] if report.verdict == "cause_found" else ():
        culprits.add(cause.resource.name)
        reached |= {*report.incident.services, *(h.source for h in cause.path)}
        reached |= {h.target for h in cause.path}
    same_as = {name.strip().lower(): frozenset(known[name]) for name in known if name.strip()}
    return Names(same_as, frozenset(culprits), frozenset(reached))


def _named(word: str, text: str) -> bool:
    """Whether a word stands in a text by itself, not as a part of a longer name, number or time."""
    alone = rf"(?<![\w.:/-]){re.escape(word)}(?![\w/-]|[.:]\w)"
    return bool(re.search(alone, text, re.I))


def _ordered(
    steps: dict[str, NextStep], order: Iterable[str], reasons: dict[str, Statement]
) -> tuple[NextStep, ...]:
    """All of the engine's steps, the model's choice first, each with its reason where one holds."""
    chosen = dict.fromkeys((*(step for step in order if step in steps), *steps))
    return tuple(replace(steps[i], why=reasons.get(i)) for i in chosen)


def _noting(report: Report, text: str) -> Report:
    return replace(report, gaps=(*report.gaps, Gap("not_looked_at", text)))
