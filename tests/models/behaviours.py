"""Models of every character, each a script: good ones, liars, those that stall, loop and stammer.

One that takes `then` does its own and leaves the rest to the script that it is given.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from typing import Any

from tests.models.reading import (
    Picker,
    filled,
    form,
    in_form,
    material,
    offered,
    said_before,
    told,
)
from tests.models.server import Script
from tests.models.wire import Call, Json, Reply

_SENTENCE = re.compile(r'"text":\s*"((?:[^"\\]|\\.)+)"')


# ---- those that mean well


def good(request: Json) -> Reply:
    """Ask two or three tools, then answer in the form from what was given."""
    if (tools := offered(request)) and not said_before(request):
        some = [name for name in ("edges", "changes", "log_templates") if name in tools]
        return Reply(calls=tuple(Call(name) for name in some or [*tools][:3]))
    if tools:
        return in_form(request, {"hypotheses": [*hypotheses(request)]})
    return answers(*restated(request))(request)


def hypotheses(request: Json) -> Iterator[Json]:
    """The engine's own three likeliest, and two resources that it did not think of."""
    told = material(request)
    known = [one["resource"] for one in told.get("hypotheses", ())]
    others = [name for name in told.get("resources", ()) if name not in known]
    check = {"tool": "edges", "arguments": {}, "column": "callee", "is_": "there"}
    for name in (*known[:3], *others[:2]):
        yield {"resource": name, "mechanism": "unknown", "change": "", "check": check}


def answers(*words: str) -> Script:
    """Ask nothing and answer in the form, every sentence one of `words`."""

    def script(request: Json) -> Reply:
        schema = form(request)
        if schema is None:
            return Reply(" ".join(words))
        return in_form(request, filled(schema, Picker(told(request), words or ("",))))

    return script


def restated(request: Json) -> tuple[str, ...]:
    """The sentences that a request is about, in other words."""
    found = (json.loads(f'"{text}"') for text in _SENTENCE.findall(told(request)))
    sentences = (text for text in found if "…" not in text)
    return tuple(f"In short: {text}" for text in dict.fromkeys(sentences)) or ("Nothing is known.",)


def repeats(request: Json) -> Reply:
    """Be a good model that words the engine's facts, and puts the steps the other way round."""
    if "facts" not in material(request):
        return good(request)
    facts = [fact for fact in material(request)["facts"] if "…" not in fact["text"]]
    said = [{**fact, "text": f"In short: {fact['text']}"} for fact in facts[:3]]
    why = {"text": f"That much is known: {facts[0]['text']}", "evidence": facts[0]["evidence"]}
    steps = [{"id": step["id"], "why": why} for step in material(request)["steps"]]
    return says(said, steps[::-1])


def says(summary: list[Json], steps: list[Json]) -> Reply:
    """Answer in the form of a telling."""
    return Reply(json.dumps({"summary": summary, "steps": steps}))


# ---- those that lie


def insists(*texts: str) -> Script:
    """Be a model that tells `texts` in every place, citing as much as it may."""

    def script(request: Json) -> Reply:
        if "facts" not in material(request):
            return good(request)
        told = [i for fact in material(request)["facts"] for i in fact["evidence"]]
        ids = [*dict.fromkeys(told)][:6]
        said: list[Json] = [{"text": text, "evidence": ids} for text in texts]
        steps = [{"id": step["id"], "why": said[0]} for step in material(request)["steps"]]
        return says(said, [*steps, {"id": "S99", "why": said[0]}])

    return script


def hallucinates(request: Json) -> Reply:
    """Call tools for what is not there; then alter every number, and cite and name the unknown."""
    if (tools := offered(request)) and not said_before(request):
        picker = Picker("", ("recommendation-v2", "E999"))
        return Reply(calls=tuple(Call(name, _required(t, picker)) for name, t in tools.items()))
    if (schema := form(request)) is None:
        return Reply("recommendation-v2 failed 9999 of its requests, see E999.")
    altered = (_altered(text).replace("payment", "recommendation-v2") for text in restated(request))
    words = ("recommendation-v2 failed 9999 of its requests.", *altered)
    seen = _altered(told(request))
    return in_form(request, filled(schema, Picker(seen, words, ("E999", "S99", "C99", "H99"))))


def _altered(text: str) -> str:
    return re.sub(r"\d", lambda digit: str(9 - int(digit[0])), text)


# ---- those that do not come to an end


def stalls(_: Json) -> Reply:
    """Never say a word."""
    return Reply(stalls=True)


def trickles(_: Json) -> Reply:
    """Send something for ever that never is an answer."""
    return Reply("It began with", trickles=True)


def stops_in_the_middle(then: Script, *, politely: bool = False) -> Script:
    """Break off halfway, by a broken connection or as if that had been all."""

    def script(request: Json) -> Reply:
        said = then(request)
        return replace(said, cut="politely" if politely else "rudely")

    return script


def loops(request: Json) -> Reply:
    """Ask the first tool the same for ever."""
    for name, schema in offered(request).items():
        return Reply(calls=(Call(name, _required(schema, Picker("", ("error",)))),))
    return good(request)


def wanders(request: Json) -> Reply:
    """Ask for ever, each time all tools at once and about something new."""
    turn = len(said_before(request))
    tools = offered(request)
    words = tuple(f"word{turn}x{n}" for n in range(len(tools) + 1))
    picker = Picker("", words)
    calls = tuple(Call(name, _required(schema, picker)) for name, schema in tools.items())
    return Reply(calls=calls) if calls else good(request)


# ---- those that cannot say it


def mangles(how: Callable[[str], str], then: Script = good) -> Script:
    """Say what `then` says, but with the text of its answer, or of its form's call, altered."""

    def script(request: Json) -> Reply:
        said = then(request)
        if not said.calls:
            return replace(said, says=how(said.says))
        if said.calls[0].name in offered(request):
            return said
        return replace(said, calls=tuple(Call(c.name, how(c.text), c.id) for c in said.calls))

    return script


def _every(value: Any, leaf: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        return {key: _every(part, leaf) for key, part in value.items()}
    return [_every(part, leaf) for part in value] if isinstance(value, list) else leaf(value)


def _wrong_types(text: str) -> str:
    return json.dumps(_every(json.loads(text), lambda leaf: [leaf]))


BROKEN: dict[str, Callable[[str], str]] = {
    "truncated": lambda text: text[: len(text) * 2 // 3],
    "prose before and after": lambda text: f"Sure! Here it is:\n{text}\nAnything else?",
    "in a fence": lambda text: f"```json\n{text}\n```",
    "wrong types": _wrong_types,
    "NaN": lambda text: json.dumps(_every(json.loads(text), lambda _: float("nan"))),
    "nulls": lambda text: json.dumps(_every(json.loads(text), lambda _: None)),
    "a list": lambda text: f"[{text}]",
    "an empty object": lambda _: "{}",
    "another form": lambda _: '{"verdict": "no_incident", "confidence": 1}',
    "unknown keys": lambda text: json.dumps({**json.loads(text), "verdict": "no_incident"}),
    "keys twice": lambda text: text[:-1] + "," + text[1:],
    "a lone surrogate": lambda text: text.replace('": "', '": "\\ud800', 3),
    "a NUL": lambda text: text.replace('": "', '": "\\u0000', 3),
    "a thousand deep": lambda _: '{"summary": ' + "[" * 1000 + "]" * 1000 + "}",
    "nothing": lambda _: "",
    "prose alone": lambda _: "I think it is DNS.",
    "10 MB": lambda text: text[:-1] + " " * 10_000_000 + "}",
    "10 MB of prose": lambda _: "It is DNS. " * 900_000,
}
"""What a model does to JSON. Of these, a fence, prose about it and blanks can be read."""


def refuses(_: Json) -> Reply:
    """Say that one would rather not."""
    return Reply(refuses="I would rather not.", finish="stop")


def cut_short(_: Json) -> Reply:
    """Come to the end of what may be said."""
    return Reply('{"summ', finish="length")


# ---- those that use tools badly


def calls_first(*calls: Call, then: Script = good) -> Script:
    """Make `calls` at first, whether or not there are such tools."""

    def script(request: Json) -> Reply:
        made = {call.name for call in said_before(request)}
        left = tuple(call for call in calls if call.name not in made)
        return Reply(calls=left) if left and offered(request) else then(request)

    return script


def calls_badly(request: Json) -> Reply:
    """Call each tool, once, with arguments that are none."""
    if (tools := offered(request)) and not said_before(request):
        return Reply(calls=tuple(Call(n, a) for n, a in zip(tools, _bad(), strict=False)))
    return good(request)


def _bad() -> Iterator[Json | str]:
    some: tuple[Json | str, ...] = (
        "",
        "{",
        "[1, 2]",
        "null",
        '"text"',
        {},
        {"nosuch": 1},
        {"service": None, "limit": -1, "from": "yesterday", "to": 1e400},
        {"service": ["a"] * 1000, "sql": {"a": {"b": "c"}}},
        {"service": "x" * 100_000, "sql": "DROP TABLE trace_span", "text": "\x00\ud800"},
    )
    return (some[n % len(some)] for n in count())


# ---- those that are not there


def limited(retry_after: str | None = None) -> Script:
    """Be asked too often; say when to come back, or not."""
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return lambda _: Reply("Rate limit reached.", 429, code="rate_limit_exceeded", headers=headers)


def fails(status: int, words: str = "broken", code: str = "") -> Script:
    """Answer a status that is no answer."""
    return lambda _: Reply(words, status, code=code)


def overflows(_: Json) -> Reply:
    """Have no room for the prompt."""
    words = "This model's maximum context length is 8192 tokens."
    return Reply(words, 400, code="context_length_exceeded")


def gibberish(body: bytes) -> Script:
    """Answer what is no chat completion."""
    return lambda _: Reply(raw=body)


def at_first(times: int, script: Script, then: Script = good) -> Script:
    """Be one model for so many answers, and then another."""
    asked = count()
    return lambda request: (script if next(asked) < times else then)(request)


def _required(schema: Json, picker: Picker) -> Json:
    """Arguments for a tool: what it requires."""
    parts, needed = schema.get("properties", {}), schema.get("required", ())
    needs = {name: part for name, part in parts.items() if name in needed}
    return dict(filled({**schema, "type": "object", "properties": needs}, picker))
