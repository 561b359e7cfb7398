"""Two protocols of models on the wire: OpenAI's chat completions, Anthropic's messages.

A script knows OpenAI's shape alone: a request of Anthropic's is turned into it.
https://platform.openai.com/docs/api-reference/chat
https://docs.anthropic.com/en/api/messages
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal

Json = dict[str, Any]
PIECES = 100
PIECE = 24  # characters
_IDS = count(1)
"""No two answers have the same id: whoever counts answers goes by it."""


@dataclass(frozen=True)
class Call:
    """A tool that a model calls; arguments that are text are sent as they are, however broken."""

    name: str
    arguments: Json | str = field(default_factory=dict)
    id: str = ""

    @property
    def text(self) -> str:
        return self.arguments if isinstance(self.arguments, str) else json.dumps(self.arguments)


@dataclass(frozen=True)
class Reply:
    """One scripted answer: what a model says and calls, or a status that is no answer, or silence.

    One that trickles never comes to its end; one that is `cut` ends in the middle, `rudely` or as
    if it had been all. `raw` is sent instead of a body of the protocol.
    """

    says: str = ""
    status: int = 200
    refuses: str | None = None
    finish: str = ""
    stalls: bool = False
    trickles: bool = False
    calls: tuple[Call, ...] = ()
    code: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: Literal["", "rudely", "politely"] = ""
    raw: bytes | None = None

    @property
    def is_streamed(self) -> bool:
        """Whether it comes in pieces, where that is asked for."""
        return self.status == 200 and self.raw is None

    @property
    def finished(self) -> str:
        """Why the model stopped, in OpenAI's words."""
        return self.finish or ("tool_calls" if self.calls else "stop")


@dataclass(frozen=True)
class Usage:
    """The tokens of one answer; `cached` ones are among those of the prompt."""

    prompt: int = 0
    completion: int = 0
    cached: int = 0


class OpenAI:
    """POST /v1/chat/completions."""

    path = "/v1/chat/completions"
    overflow = 400, "context_length_exceeded", "This model's maximum context length is exceeded."

    @staticmethod
    def request(sent: Json) -> Json:
        """What was asked for, as a script reads it."""
        return sent

    @staticmethod
    def answer(said: Reply, used: Usage, model: str) -> Json:
        """The body of an answer that comes at once."""
        message: Json = {"role": "assistant", "content": said.says, "refusal": said.refuses}
        if said.calls:
            message["content"] = said.says or None
            message["tool_calls"] = [_call(n, call) for n, call in enumerate(said.calls)]
        choice = {"index": 0, "message": message, "finish_reason": said.finished, "logprobs": None}
        head = _head("chat.completion", model)
        return {**head, "choices": [choice], "usage": OpenAI.usage(used)}

    @staticmethod
    def events(said: Reply, used: Usage, sent: Json) -> Iterator[bytes]:
        """An answer that comes in pieces, as server-sent events; usage only if it was asked for."""
        head = _head("chat.completion.chunk", sent["model"])
        for delta, finish in OpenAI._deltas(said):
            choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
            yield _event({**head, "choices": [choice]})
        if (sent.get("stream_options") or {}).get("include_usage"):
            yield _event({**head, "choices": [], "usage": OpenAI.usage(used)})
        yield b"data: [DONE]\n\n"

    @staticmethod
    def _deltas(said: Reply) -> Iterator[tuple[Json, str | None]]:
        yield {"role": "assistant", "content": ""}, None
        if said.refuses:
            yield {"refusal": said.refuses}, None
        for piece in _pieces(said.says):
            yield {"content": piece}, None
        for index, call in enumerate(said.calls):
            named = {**_call(index, call), "index": index}
            yield (
                {"tool_calls": [{**named, "function": {"name": call.name, "arguments": ""}}]},
                None,
            )
            for piece in _pieces(call.text):
                yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}, None
        yield {}, said.finished

    @staticmethod
    def usage(used: Usage) -> Json:
        """Tokens in OpenAI's words."""
        return {
            "prompt_tokens": used.prompt,
            "completion_tokens": used.completion,
            "total_tokens": used.prompt + used.completion,
            "prompt_tokens_details": {"cached_tokens": used.cached},
            "completion_tokens_details": {"reasoning_tokens": 0},
        }

    @staticmethod
    def error(said: Reply) -> Json:
        """The body of a status that is no answer."""
        kinds = {429: "rate_limit_error", 401: "authentication_error", 400: "invalid_request_error"}
        kind = kinds.get(said.status, "server_error")
        body = {"message": said.says, "type": kind, "code": said.code or None, "param": None}
        return {"error": body}


class Anthropic:
    """POST /v1/messages."""

    path = "/v1/messages"
    overflow = 400, "", "prompt is too long"
    _stops = {  # noqa: RUF012 - nobody changes it
        "stop": "end_turn",
        "tool_calls": "tool_use",
        "length": "max_tokens",
        "content_filter": "refusal",
    }

    @staticmethod
    def request(sent: Json) -> Json:
        """What was asked for, in OpenAI's shape."""
        system = _text(sent.get("system", ""))
        messages = [{"role": "system", "content": system}] if system else []
        for message in sent["messages"]:
            messages += Anthropic._message(message)
        asked: Json = {"model": sent["model"], "messages": messages}
        asked["max_completion_tokens"] = sent["max_tokens"]
        if tools := sent.get("tools"):
            asked["tools"] = [
                {
                    "type": "function",
                    "function": {
                        "name": tool["name"],
                        "description": tool.get("description", ""),
                        "parameters": tool["input_schema"],
                    },
                }
                for tool in tools
            ]
        choice = sent.get("tool_choice") or {}
        if choice.get("type") == "tool":
            asked["tool_choice"] = {"type": "function", "function": {"name": choice["name"]}}
        elif choice:
            asked["tool_choice"] = "required" if choice["type"] == "any" else choice["type"]
        if form := (sent.get("output_config") or {}).get("format"):
            schema = {"name": "answer", "schema": form["schema"]}
            asked["response_format"] = {"type": "json_schema", "json_schema": schema}
        return asked

    @staticmethod
    def _message(message: Json) -> Iterator[Json]:
        blocks = message["content"]
        blocks = [{"type": "text", "text": blocks}] if isinstance(blocks, str) else blocks
        for block in (b for b in blocks if b["type"] == "tool_result"):
            content = _text(block.get("content", ""))
            yield {"role": "tool", "tool_call_id": block["tool_use_id"], "content": content}
        calls = [
            _call(0, Call(b["name"], b["input"], b["id"]))
            for b in blocks
            if b["type"] == "tool_use"
        ]
        text = _text([b for b in blocks if b["type"] == "text"])
        if text or calls:
            told = {"role": message["role"], "content": text}
            yield {**told, "tool_calls": calls} if calls else told

    @staticmethod
    def answer(said: Reply, used: Usage, model: str) -> Json:
        """The body of an answer that comes at once."""
        return {
            **Anthropic._message_head(model),
            "content": list(Anthropic._blocks(said)),
            "stop_reason": Anthropic._stop(said),
            "usage": Anthropic.usage(used),
        }

    @staticmethod
    def events(said: Reply, used: Usage, sent: Json) -> Iterator[bytes]:
        """An answer that comes in pieces, as named server-sent events."""
        opened = {**Anthropic.usage(used), "output_tokens": 1}
        head = {**Anthropic._message_head(sent["model"]), "content": [], "stop_reason": None}
        yield _named({"type": "message_start", "message": {**head, "usage": opened}})
        for index, block in enumerate(Anthropic._blocks(said)):
            is_text = block["type"] == "text"
            empty = {**block, "text": ""} if is_text else {**block, "input": {}}
            yield _named({"type": "content_block_start", "index": index, "content_block": empty})
            whole = block["text"] if is_text else json.dumps(block["input"])
            kind, part = ("text_delta", "text") if is_text else ("input_json_delta", "partial_json")
            for piece in _pieces(whole):
                delta = {"type": kind, part: piece}
                yield _named({"type": "content_block_delta", "index": index, "delta": delta})
            yield _named({"type": "content_block_stop", "index": index})
        ended = {"stop_reason": Anthropic._stop(said), "stop_sequence": None}
        yield _named({"type": "message_delta", "delta": ended, "usage": Anthropic.usage(used)})
        yield _named({"type": "message_stop"})

    @staticmethod
    def _message_head(model: str) -> Json:
        head = {"id": f"msg_{next(_IDS)}", "type": "message", "role": "assistant"}
        return {**head, "model": model, "stop_sequence": None}

    @staticmethod
    def _blocks(said: Reply) -> Iterator[Json]:
        if said.says or said.refuses:
            yield {"type": "text", "text": said.says or said.refuses}
        for number, call in enumerate(said.calls):
            called = {"type": "tool_use", "id": call.id or f"toolu_{number}", "name": call.name}
            yield {**called, "input": _as_object(call.text)}

    @staticmethod
    def _stop(said: Reply) -> str:
        return "refusal" if said.refuses else Anthropic._stops[said.finished]

    @staticmethod
    def usage(used: Usage) -> Json:
        """Tokens in Anthropic's words: those of the cache are not among those of the input."""
        return {
            "input_tokens": used.prompt - used.cached,
            "output_tokens": used.completion,
            "cache_read_input_tokens": used.cached,
            "cache_creation_input_tokens": 0,
        }

    @staticmethod
    def error(said: Reply) -> Json:
        """The body of a status that is no answer."""
        kinds = {429: "rate_limit_error", 401: "authentication_error", 400: "invalid_request_error"}
        kind = kinds.get(said.status, "api_error")
        return {"type": "error", "error": {"type": kind, "message": said.says}}


PROTOCOLS: tuple[type[OpenAI | Anthropic], ...] = (OpenAI, Anthropic)


def _head(kind: str, model: str) -> Json:
    return {"id": f"chatcmpl-{next(_IDS)}", "object": kind, "created": 0, "model": model}


def _call(number: int, call: Call) -> Json:
    function = {"name": call.name, "arguments": call.text}
    return {"id": call.id or f"call_{number}", "type": "function", "function": function}


def _as_object(text: str) -> Json:
    """Arguments as an object, which is all that Anthropic's protocol can say."""
    try:
        given = json.loads(text)
    except json.JSONDecodeError:
        given = text
    return given if isinstance(given, dict) else {"": given}


def _text(content: str | list[Json]) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(block.get("text", "") for block in content)


def _pieces(text: str) -> list[str]:
    size = max(PIECE, len(text) // PIECES)
    return [text[at : at + size] for at in range(0, len(text), size)]


def _event(data: Json) -> bytes:
    return f"data: {json.dumps(data)}\n\n".encode()


def _named(data: Json) -> bytes:
    return f"event: {data['type']}\n".encode() + _event(data)
