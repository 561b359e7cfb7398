"""Content is written where it is wanted, in the conventions' shape, and never unredacted."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import orjson
import pytest

from lake.store import Lake
from traces.chat import ChatRequest, ChatResponse
from traces.tracer import Tracing

CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
SECRET = "hunter2"  # noqa: S105 - of nothing

REQUEST = ChatRequest(
    "small",
    "openai",
    system=f"The password is {SECRET}.",
    messages=(
        {"role": "user", "content": "What broke?"},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [
                {"id": "c1", "function": {"name": "edges", "arguments": f'{{"of":"{SECRET}"}}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": f"{SECRET} calls cart"},
    ),
    tools=({"type": "function", "function": {"name": "edges", "parameters": {}}},),
)
RESPONSE = ChatResponse(
    finish_reasons=("stop",),
    messages=({"role": "assistant", "content": f"It was {SECRET} \ud83d."},),
)


def hidden(text: str) -> str:
    return text.replace(SECRET, "[redacted]")


def failing(text: str) -> str:
    raise ValueError(f"no pattern for {text}")


def breaking(text: str) -> str:
    """Redacts so that what was JSON is none any more."""
    return text.replace(SECRET, "[redacted]").replace('"role"', "role")


def run(lake: Lake, redact: Callable[[str], str] | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """The attributes of a chat span and of a tool span, as they are in the lake."""
    with (
        suppress(KeyError),
        Tracing(lake, "x", redact=redact) as tracing,
        tracing.tool("edges", arguments=f'{{"of": "{SECRET}"}}') as tool,
    ):
        tracing.returned(tool, f"{SECRET}\ncalls cart")
        with tracing.chat(REQUEST) as chat:
            chat.answered(RESPONSE)
        raise KeyError(f"{SECRET} failed")
    found = lake.at().ask(
        "SELECT attributes, status_detail FROM trace_span "
        f"WHERE trace_uid = '{tracing.trace_id}' ORDER BY span_name"
    )
    chat_row, tool_row, root = found.dicts()
    assert SECRET not in str(found.dicts())
    assert root["status_detail"] == tool_row["status_detail"]
    said = orjson.loads(tool_row["attributes"]) | {"why": tool_row["status_detail"]}
    return orjson.loads(chat_row["attributes"]), said


def captured(attributes: dict[str, Any]) -> set[str]:
    return {
        name
        for name in attributes
        if name.endswith((".messages", "instructions", "definitions", "arguments", "result"))
    }


def test_content_is_off_by_default(lake: Lake) -> None:
    chat, tool = run(lake, hidden)
    assert captured(chat) | captured(tool) == set()
    assert tool["why"] == "'[redacted] failed'"


@pytest.mark.parametrize("switch", ["true", "SPAN_ONLY"])
def test_content_has_the_shape_of_the_conventions_and_no_secret(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, switch: str
) -> None:
    monkeypatch.setenv(CAPTURE, switch)
    chat, tool = run(lake, hidden)
    content = {name: orjson.loads((chat | tool)[name]) for name in captured(chat | tool)}
    assert content == {
        "gen_ai.system_instructions": [{"type": "text", "content": "The password is [redacted]."}],
        "gen_ai.input.messages": [
            {"role": "user", "parts": [{"type": "text", "content": "What broke?"}]},
            {
                "role": "assistant",
                "parts": [
                    {
                        "type": "tool_call",
                        "id": "c1",
                        "name": "edges",
                        "arguments": {"of": "[redacted]"},
                    }
                ],
            },
            {
                "role": "tool",
                "parts": [
                    {
                        "type": "tool_call_response",
                        "id": "c1",
                        "response": "[redacted] calls cart",
                    }
                ],
            },
        ],
        "gen_ai.output.messages": [
            {
                "role": "assistant",
                "parts": [{"type": "text", "content": "It was [redacted] ?."}],
                "finish_reason": "stop",
            }
        ],
        "gen_ai.tool.definitions": [{"type": "function", "name": "edges", "parameters": {}}],
        "gen_ai.tool.call.arguments": {"of": "[redacted]"},
        "gen_ai.tool.call.result": "[redacted]\ncalls cart",
    }


@pytest.mark.parametrize("redact", [None, failing])
def test_without_redaction_nothing_is_written(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, redact: Callable[[str], str] | None
) -> None:
    monkeypatch.setenv(CAPTURE, "true")
    chat, tool = run(lake, redact)
    assert captured(chat) | captured(tool) == set()
    assert (tool["why"], tool["error.type"]) == (None, "KeyError")


def test_what_redaction_leaves_broken_is_not_written(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CAPTURE, "true")
    chat, _ = run(lake, breaking)
    assert "gen_ai.input.messages" not in chat
    assert "gen_ai.system_instructions" in chat
