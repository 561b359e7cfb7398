"""What was said to a model and by it, as JSON in the conventions' shape; off unless asked for.

https://github.com/open-telemetry/semantic-conventions-genai/tree/main/docs/gen-ai: the schemas
`gen-ai-input-messages.json`, `gen-ai-output-messages.json`, `gen-ai-system-instructions.json`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Redact = Callable[[str], str]

_CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
_ON_SPANS = ("true", "span_only", "span_and_event")


class Content:
    """Makes content fit to be written: redacted text, or None where it is not wanted.

    Without a `redact`, or where that fails, nothing is written.
    """

    def __init__(self, redact: Redact | None) -> None:
        self._redact = redact
        self._wanted = os.environ.get(_CAPTURE, "").strip().lower() in _ON_SPANS

    def text(self, text: str) -> str:
        """Redact what is written whether content is wanted or not, as an error's description."""
        try:
            return sound(self._redact(text)) if self._redact else ""
        except Exception:  # noqa: BLE001 - whatever went wrong, what was not redacted stays here
            return ""

    def json(self, content: Callable[[], Any]) -> str | None:
        """Write as JSON what `content` gives, each text redacted and then the whole once more."""
        if self._redact is None or not self._wanted:
            return None
        try:
            value = _each_text(content(), self._redact)
            if not value:
                return None
            written = self._redact(json.dumps(value, ensure_ascii=False, default=str))
            json.loads(written)
        except Exception:  # noqa: BLE001 - as above
            return None
        return sound(written)


def instructions(system: str) -> list[dict[str, Any]]:
    """The system's instructions as parts."""
    return [{"type": "text", "content": system}] if system else []


def messages(said: Iterable[Mapping[str, Any]], finished: tuple[str, ...] = ()) -> list[Any]:
    """Messages with `parts`; those of the chat completions protocol (`content`) are given them.

    `finished` are the reasons why each message of a response ended.
    """
    told = [dict(one) if "parts" in one else _message(one) for one in said]
    return [
        one | {"finish_reason": finished[place]} if place < len(finished) else one
        for place, one in enumerate(told)
    ]


def definitions(tools: Iterable[Mapping[str, Any]]) -> list[Any]:
    """Tools as the conventions define them, from those or from the chat completions protocol."""
    return [{"type": "function"} | dict(one.get("function", one)) for one in tools]


def as_object(text: str) -> Any:
    """What a tool was given or gave: the JSON that it is, else the text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def sound(text: str) -> str:
    """Text that every exporter takes: a provider may answer with halves of characters."""
    return text.encode("utf-8", "replace").decode()


def _message(said: Mapping[str, Any]) -> dict[str, Any]:
    if said.get("role") == "tool":
        part = {"type": "tool_call_response", "id": said.get("tool_call_id")}
        return {"role": "tool", "parts": [part | {"response": said.get("content")}]}
    words = said.get("content") or []
    parts = [{"type": "text", "content": words}] if isinstance(words, str) else list(words)
    calls = [_call(one) for one in said.get("tool_calls") or ()]
    return {"role": said.get("role", ""), "parts": [*parts, *calls]}


def _call(made: Mapping[str, Any]) -> dict[str, Any]:
    called = made.get("function", made)
    arguments = called.get("arguments", called.get("args"))
    if isinstance(arguments, str):
        arguments = as_object(arguments)
    return {
        "type": "tool_call",
        "id": made.get("id"),
        "name": called.get("name", ""),
        "arguments": arguments,
    }


def _each_text(value: Any, redact: Redact) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {key: _each_text(one, redact) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_each_text(one, redact) for one in value]
    return value
