"""What a scripted model reads from a request, and how it fills the form that it is asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from tests.models.wire import Call, Json, Reply

_TOKEN = re.compile(r"[\w.:/@+-]*\w")
ENDS = "conclude"
"""The tool that is no question, but the form that an answer has after questions."""

MOST = 6
"""How many items a list is given where the form asks for no number."""

Pick = Callable[[str, Json], Any]


def material(request: Json) -> Json:
    """The JSON that a request was about: the user's first message."""
    told: Json = json.loads(next(m["content"] for m in request["messages"] if m["role"] == "user"))
    return told


def told(request: Json) -> str:
    """Every text that a model reads: instructions, material, results; not its own words."""
    texts = (m.get("content") or "" for m in request["messages"] if m["role"] != "assistant")
    return "\n".join(text if isinstance(text, str) else json.dumps(text) for text in texts)


def said_before(request: Json) -> list[Call]:
    """The calls that the model has made in this conversation."""
    calls = (call for message in request["messages"] for call in message.get("tool_calls") or ())
    return [Call(c["function"]["name"], c["function"]["arguments"], c["id"]) for c in calls]


def offered(request: Json) -> dict[str, Json]:
    """The tools that may be called, each with the schema of its arguments; the form is none."""
    functions = (tool["function"] for tool in request.get("tools", ()))
    return {f["name"]: f["parameters"] for f in functions if f["name"] != _forced(request)}


def form(request: Json) -> Json | None:
    """The schema of the answer that is asked for, whichever way a client asks."""
    asked = request.get("response_format", {}).get("json_schema", {}).get("schema")
    named = _forced(request)
    functions = (tool["function"] for tool in request.get("tools", ()))
    return asked or next((f["parameters"] for f in functions if f["name"] == named), None)


def in_form(request: Json, value: Any) -> Reply:
    """An answer as the client wants it: text, or a call of the one tool that it forces."""
    named = _forced(request)
    text = json.dumps(value)
    return Reply(calls=(Call(named, text),)) if named else Reply(text)


def _forced(request: Json) -> str:
    choice = request.get("tool_choice")
    if isinstance(choice, dict):
        return str(choice["function"]["name"])
    names = [tool["function"]["name"] for tool in request.get("tools", ())]
    return ENDS if ENDS in names else ""


def filled(schema: Json, pick: Pick) -> Any:
    """A value that has the form of a JSON schema; `pick` says what stands where there is a choice.

    `pick` is given the name of the property and its schema, that of a leaf.
    """
    return _filled("", schema, schema.get("$defs", {}), pick)


def _filled(name: str, schema: Json, known: dict[str, Json], pick: Pick) -> Any:
    if "$ref" in schema:
        schema = known[schema["$ref"].rpartition("/")[2]]
    if "const" in schema:
        return schema["const"]
    if options := schema.get("anyOf") or schema.get("oneOf"):
        some = [option for option in options if option.get("type") != "null"]
        return _filled(name, some[0], known, pick)
    if schema.get("type") == "object":
        parts = schema.get("properties", {}).items()
        return {key: _filled(key, part, known, pick) for key, part in parts}
    if schema.get("type") == "array":
        items = max(min(schema.get("maxItems", MOST), MOST), schema.get("minItems", 0))
        return [_filled(name, schema.get("items", {}), known, pick) for _ in range(items)]
    return pick(name, schema)


@dataclass
class Picker:
    """Fills the leaves of a form: what is `wanted` first, and else what was seen in the request.

    An id or a name is a token of what was read; a sentence is one of `words`, in turn.
    """

    seen: str
    words: tuple[str, ...]
    wanted: tuple[str, ...] = ()
    turns: dict[str, Iterator[int]] = field(default_factory=dict)

    def __call__(self, name: str, schema: Json) -> Any:
        """One value for a leaf."""
        kind = schema.get("type", "string")
        if options := schema.get("enum"):
            return next((w for w in self.wanted if w in options), options[0])
        if kind == "boolean":
            return True
        if kind in ("integer", "number"):
            return schema.get("maximum", schema.get("default", schema.get("minimum", 1)))
        if pattern := schema.get("pattern"):
            return self._next(pattern, _matching(pattern, (*self.wanted, *_tokens(self.seen))))
        return self._next(name, self.words)[: schema.get("maxLength", 10_000)]

    def _next(self, key: str, choices: Iterable[str]) -> str:
        some = [*choices] or [""]
        return some[next(self.turns.setdefault(key, count())) % len(some)]


def _tokens(text: str) -> Iterator[str]:
    yield from dict.fromkeys(_TOKEN.findall(text))


def _matching(pattern: str, tokens: Iterable[str]) -> Iterator[str]:
    known = re.compile(pattern)
    return (token for token in tokens if known.search(token))
