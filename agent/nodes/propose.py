"""Propose: a model asks read-only tools, and says what the engine may have missed.

What it says is put to the test like all else (`examine`). A turn of it is one call; the tools that
it asks for are answered side by side (`inquire`), and which there are is not its choice.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from importlib.resources import files
from typing import Annotated, Any, Literal

import orjson
from langgraph.runtime import Runtime
from pydantic import BaseModel, Field, ValidationError

from agent.budget import BudgetSpent, TimeSpent
from agent.errors import ModelError
from agent.model.form import answered, faults, found
from agent.model.speak import Call, Reply
from agent.nodes.context import Context
from agent.nodes.facts import Facts, gather
from agent.nodes.shown import odd_names, shown
from agent.playbook.load import load
from agent.state import Cause, Evidence, Gap, Investigation, Mechanism, Window
from agent.tools.offered.call import Caps, Result
from agent.tools.offered.call import call as ask
from agent.tools.offered.offers import GUIDE, OFFERED, as_functions

CONCLUDE = "conclude"
MOST_TURNS = 5
"""How often a model may speak before it has to conclude."""

_AT_ONCE = 6  # tools in one turn
_SIDE_BY_SIDE = 4
_CAUSES, _CHANGES, _RESOURCES = 8, 12, 60
_LAST = "This was the last answer: conclude now."
_REMINDER = "Call `conclude` with your hypotheses."
_NAME = r"^[A-Za-z0-9_.:/@+ -]{1,200}$"  # no \w: not every server's grammar knows it


class Check(BaseModel):
    """The query that would refute a hypothesis, and what a row of its answer must have if not."""

    tool: str = Field(max_length=40)
    arguments: dict[str, Any] = Field(default_factory=dict)
    column: Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{1,60}$")]
    is_: Literal["above", "below", "equal", "there"]
    value: float | Annotated[str, Field(pattern=_NAME)] | None = None


class Hypothesis(BaseModel):
    """What a model thinks is the cause, in names that are known."""

    resource: Annotated[str, Field(pattern=_NAME)]
    mechanism: Mechanism
    change: Annotated[str, Field(pattern=r"^(C[0-9]{1,3})?$")] = ""
    check: Check


class Conclusion(BaseModel):
    """All that a model proposes, the likeliest first."""

    hypotheses: list[Hypothesis] = Field(max_length=5)


def propose(state: Investigation, runtime: Runtime[Context]) -> Investigation:
    """Let the model speak once; where it cannot, the engine's own hypotheses are all there are."""
    context = runtime.context
    so_far = state.get("dialogue", [])
    opening = [] if so_far else _opening(state, context)
    context.progress(f"propose: {context.model} looks for what may have been missed")
    try:
        reply = context.speaker().say([*so_far, *opening], _tools())
    except (BudgetSpent, ModelError) as error:
        kind: Literal["budget", "not_looked_at"] = (
            "budget" if isinstance(error, BudgetSpent) else "not_looked_at"
        )
        gap = Gap(kind, f"The model's hypotheses stayed untested. {error}")
        return {"dialogue": opening, "gaps": [gap]}
    return {"dialogue": [*opening, reply.as_message()]}


def inquire(state: Investigation, runtime: Runtime[Context]) -> Investigation:
    """Answer the tools that the model asked for, side by side; an answer is told only once."""
    context, dialogue = runtime.context, state["dialogue"]
    calls = _calls(dialogue[-1])
    known = {_key(call) for message in dialogue[:-1] for call in _calls(message)}
    is_last = turns(dialogue) >= MOST_TURNS - 1
    window = about(state)
    evidence: dict[str, Evidence] = {}

    def answer(place: int, call: Call) -> str:
        if call.name == CONCLUDE:
            return f"This is no conclusion: {_wrong(call)}"
        if place >= _AT_ONCE:
            return f"Not asked: {_AT_ONCE} tools at once are the most."
        if _key(call) in known:
            return "You asked this already; the answer stands above."
        context.progress(f"inquire: {call.name}")
        try:
            result = _told_to(context, call, window)
        except (BudgetSpent, TimeSpent) as error:
            return str(error)
        if result.answer:
            evidence.update(result.answer.noted())
        return f"<data>\n{result.text}\n</data>"

    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        asking = [pool.submit(copy_context().run, answer, at, one) for at, one in enumerate(calls)]
        texts = [one.result() for one in asking]
    told = [{"role": "tool", "tool_call_id": c.id, "content": t}
            for c, t in zip(calls, texts, strict=True)]  # fmt: skip
    if is_last or not calls:
        told.append({"role": "user", "content": _LAST if calls else _REMINDER})
    return {"dialogue": told, "evidence": evidence}


def _told_to(context: Context, call: Call, window: Window) -> Result:
    """Ask a tool for the model; its span says with what arguments, and what came back."""
    context.meter.check()
    tracing = context.notebook.tracing
    name = call.name if call.name in OFFERED else "unknown"
    given = _key(call)[1]
    with tracing.tool(name, call_id=call.id, arguments=given, kind="function") as span:
        result = asked(context, call.name, call.arguments, window)
        tracing.returned(span, result.text)
    return result


def asked(context: Context, name: str, arguments: object, window: Window) -> Result:
    """Ask an offered tool within the budget; BudgetSpent if there is nothing left."""
    books = load(context.request.playbooks)
    return ask(context.notebook, name, arguments, window, Caps(spend=context.meter.check), books)


def after_propose(state: Investigation) -> str:
    """Where to go when the model has spoken: to its tools, or on with what it concluded."""
    dialogue = state.get("dialogue", [])
    last = dialogue[-1] if dialogue else {}
    was_reminded = any(message.get("content") == _REMINDER for message in dialogue)
    if last.get("role") != "assistant" or turns(dialogue) >= MOST_TURNS:
        return "examine"
    is_asking = bool(last.get("tool_calls")) or not was_reminded
    return "inquire" if is_asking and concluded(dialogue) is None else "examine"


def after_inquire(state: Investigation) -> str:
    """Back to the model with its answers; where there are none, on with what it has said so far."""
    return "examine" if state["dialogue"][-1]["role"] == "assistant" else "propose"


def about(state: Investigation) -> Window:
    """The window with the trouble as it was found, which is what the tools' defaults ask about."""
    window, incident = state["window"], state["incident"]
    if incident.started_at is None:
        return window
    return replace(window, trouble=(incident.started_at, incident.ended_at or window.end))


def turns(dialogue: Iterable[dict[str, Any]]) -> int:
    """How often the model has spoken."""
    return sum(message["role"] == "assistant" for message in dialogue)


def concluded(dialogue: list[dict[str, Any]]) -> Conclusion | None:
    """What the model concluded with in its last words; None if that is no conclusion."""
    last = dialogue[-1] if dialogue else {}
    if last.get("role") != "assistant":
        return None
    calls = _calls(last)
    ends = [call for call in calls if call.name == CONCLUDE]
    given = answered(Reply(calls=tuple(ends[:1]))) if ends else found(last.get("content") or "")
    try:
        return Conclusion.model_validate(given)
    except ValidationError:
        return None


def _wrong(call: Call) -> str:
    try:
        Conclusion.model_validate(answered(Reply(calls=(call,))))
    except ValidationError as error:
        return faults(error)
    return "call it alone, when all tools have answered."


def _calls(message: dict[str, Any]) -> list[Call]:
    """The tools that a message of the model's asks for."""
    made = message.get("tool_calls", ()) if message.get("role") == "assistant" else ()
    return [Call(c["id"], c["function"]["name"], _read(c["function"]["arguments"])) for c in made]


def _read(text: str) -> dict[str, Any] | str:
    try:
        given = orjson.loads(text or "{}")
    except orjson.JSONDecodeError:
        return text
    return given if isinstance(given, dict) else text


def _key(call: Call) -> tuple[str, str]:
    given = call.arguments
    return call.name, given if isinstance(given, str) else json.dumps(given, sort_keys=True)


def _tools() -> list[dict[str, Any]]:
    """The tools of this node: the offered ones, and the one that ends the dialogue."""
    conclude = {
        "name": CONCLUDE,
        "description": "End with your hypotheses, the likeliest first.",
        "parameters": Conclusion.model_json_schema(),
    }
    return [*as_functions(), {"type": "function", "function": conclude}]


def _opening(state: Investigation, context: Context) -> list[dict[str, Any]]:
    facts = gather(state)
    prompt = files("agent").joinpath("prompts", "propose.md").read_text("utf-8")
    material = orjson.dumps(_material(state, facts, context)).decode()
    return [
        {"role": "system", "content": f"{prompt}\n{GUIDE}\n"},
        {"role": "user", "content": material},
    ]


def _material(state: Investigation, facts: Facts, context: Context) -> dict[str, Any]:
    """What is known, in typed fields: what a log or a label says in words is left out."""
    odd = odd_names(known_names(state, facts))
    causes = sorted(state["causes"].values(), key=lambda c: (-c.probability, c.text))
    incident, window = facts.incident, facts.window
    material = {
        "question": context.request.question[:500],
        "incident": {
            "detected_at": f"{incident.detected_at:%Y-%m-%dT%H:%M:%SZ}",
            "read": f"{window.start:%Y-%m-%dT%H:%M:%SZ} to {window.end:%Y-%m-%dT%H:%M:%SZ}",
            "started_at": f"{incident.started_at:%H:%M:%S}" if incident.started_at else None,
            "symptom": [f"{shown(s.resource, odd)}: {s.indicator}" for s in facts.symptom[:5]],
        },
        "hypotheses": [_told(cause, odd) for cause in causes[:_CAUSES]],
        "changes": [
            {"id": c.id, "service": shown(c.service, odd), "kind": c.kind, "verdict": c.verdict}
            for c in [*facts.changes.values()][:_CHANGES]
        ],
        "resources": [n for n in sorted(known_names(state, facts)) if n not in odd][:_RESOURCES],
    }
    return {key: value for key, value in material.items() if value}


def _told(cause: Cause, odd: Iterable[str]) -> dict[str, Any]:
    return {
        "resource": shown(cause.resource.name, odd),
        "what": shown(cause.text, odd)[:200],
        "mechanism": cause.mechanism,
        "probability": round(cause.probability, 2),
        "status": cause.status,
    }


def known_names(state: Investigation, facts: Facts) -> set[str]:
    """Every resource that the telemetry names: what a hypothesis may be about."""
    named = {cause.resource.name for cause in state["causes"].values()}
    named |= {finding.object for finding in state.get("findings", [])}
    changed = {change.service for change in facts.changes.values()}
    found_of = {*facts.services, *facts.topology.names, *facts.anomalies}
    return {*named, *changed, *found_of} - {""}
