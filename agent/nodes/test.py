"""Test: put one hypothesis to its confirming and refuting checks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from langgraph.runtime import Runtime

from agent.nodes.context import Context
from agent.nodes.controls import CONTROLS, tried
from agent.nodes.facts import Facts, gather
from agent.nodes.failing import may_fail
from agent.nodes.grounding import hops, is_grounded
from agent.nodes.trying import Trying
from agent.state import Cause, Change, Control, ControlKind, Evidence, Gap, Investigation
from agent.tools.notebook import Answer


def test(state: Investigation, runtime: Runtime[Context]) -> Investigation:
    """Try the hypothesis that `subject` names; a change is tried with every control."""
    key, facts = state["subject"], gather(state)
    cause = state["causes"][key]
    runtime.context.progress(f"test: {cause.text}")
    asked: dict[str, Evidence] = {}

    def ask(name: str, about: str = "", **params: Any) -> Answer:
        answer = runtime.context.notebook.ask(name, about, **params)
        asked.update(answer.noted())
        return answer

    gaps: list[Gap] = []
    found: Investigation = {"evidence": asked, "gaps": gaps}
    if cause.change:
        trying = Trying(facts.changes[cause.change], facts, ask)
        kinds = () if "experiments" in runtime.context.request.without else CONTROLS
        change = tried(trying.change, tuple(_says(kind, trying, gaps) for kind in kinds))
        found["changes"] = {change.id: change}
        cause = _judged(cause, change)
    found["causes"] = {key: _placed(cause, facts)}
    return found


def _says(kind: ControlKind, trying: Trying, gaps: list[Gap]) -> Control:
    """What one control says; one whose question fails cannot be assessed, which is a gap."""

    def tell(why: str) -> None:
        text = f"The control {kind} of {trying.change.id} could not be asked: {why}"
        gaps.append(Gap("not_looked_at", text))

    with may_fail(tell):
        return CONTROLS[kind](trying)
    return trying.says(kind, "not_assessable", "Its question could not be answered.")


def _judged(cause: Cause, change: Change) -> Cause:
    """What the controls of its change say of a cause."""
    cited = {
        verdict: tuple(
            dict.fromkeys(e for c in change.controls if c.verdict == verdict for e in c.evidence)
        )
        for verdict in ("implicates", "clears")
    }
    return replace(
        cause,
        status={"implicated": "likely", "cleared": "refuted"}.get(change.verdict, "weakened"),  # type: ignore[arg-type]  # the three words are Status
        evidence_for=cited["implicates"],
        evidence_against=cited["clears"],
        reason=change.reason,
    )


def _placed(cause: Cause, facts: Facts) -> Cause:
    """The cause with its path to the symptom, each hop checked."""
    path = hops(cause.resource.name, facts)
    grounded = is_grounded(path)
    status = "likely" if cause.status == "untested" else cause.status
    return replace(cause, path=path, grounded=grounded, status=status)
