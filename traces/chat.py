"""One call of a language model: what was asked for, what came back, and the span of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from opentelemetry.trace import Span, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from traces import names
from traces.content import Content, definitions, instructions, messages, sound
from traces.names import Convention

_LONG = 256
_MANY = 8
"""How much is kept of the ids, names and reasons that a provider answers with."""


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What a model is asked for; `output_type` is "json", "text" or, unknown, "".

    `system`, `messages` and `tools` are content: written only where that is switched on.
    """

    model: str
    provider: str
    max_tokens: int | None = None
    temperature: float | None = None
    output_type: str = ""
    stream: bool = False
    address: str = ""
    port: int | None = None
    system: str = ""
    messages: tuple[Mapping[str, Any], ...] = ()
    tools: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class ChatResponse:
    """What a provider answered; None is what it did not say.

    `replayed` is an answer from the journal of a killed run, which had paid for it.
    """

    id: str = ""
    model: str = ""
    finish_reasons: tuple[str, ...] = ()
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    usd: float | None = None
    first_chunk_s: float | None = None
    replayed: bool = False
    messages: tuple[Mapping[str, Any], ...] = ()


class ChatSpan:
    """The open span of a call: say with `answered` what came back."""

    def __init__(
        self, span: Span, request: ChatRequest, convention: Convention, content: Content
    ) -> None:
        self._span = span
        self._request = request
        self._convention = convention
        self._content = content

    def headers(self) -> dict[str, str]:
        """Give the W3C trace context to send along, so that the provider's spans join ours."""
        carrier: dict[str, str] = {}
        TraceContextTextMapPropagator().inject(carrier, set_span_in_context(self._span))
        return carrier

    def answered(self, response: ChatResponse) -> None:
        """Write what came back; what the provider did not say is not written."""
        said = {
            names.RESPONSE_ID: _short(response.id),
            names.RESPONSE_MODEL: _short(response.model),
            names.FINISH_REASONS: tuple(map(_short, response.finish_reasons[:_MANY])),
            names.OUTPUT_MESSAGES: self._content.json(
                partial(messages, response.messages, response.finish_reasons)
            ),
        }
        counted = {
            names.FIRST_CHUNK: response.first_chunk_s if self._request.stream else None,
            names.INPUT_TOKENS: response.input_tokens,
            names.OUTPUT_TOKENS: response.output_tokens,
            names.CACHE_READ_TOKENS: response.cache_read_tokens,
            self._convention.cache_write_tokens: response.cache_write_tokens,
            names.REASONING_TOKENS: response.reasoning_tokens,
            names.USD: response.usd,
            names.REPLAYED: response.replayed or None,
        }
        self._span.set_attributes({name: value for name, value in said.items() if value})
        self._span.set_attributes(
            {name: value for name, value in counted.items() if value is not None}
        )


def requested(request: ChatRequest, thread: str, content: Content) -> dict[str, Any]:
    """What a chat span is opened with: what samplers look at, the settings, the content."""
    settings = {
        names.OPERATION: names.CHAT,
        names.PROVIDER: names.PROVIDERS.get(request.provider, request.provider),
        names.REQUEST_MODEL: request.model,
        names.SERVER_ADDRESS: request.address or None,
        names.SERVER_PORT: request.port if request.address else None,
        names.CONVERSATION_ID: thread or None,
        names.MAX_TOKENS: request.max_tokens,
        names.TEMPERATURE: request.temperature,
        names.STREAM: request.stream or None,
        names.OUTPUT_TYPE: request.output_type or None,
    }
    said = {
        names.SYSTEM_INSTRUCTIONS: content.json(partial(instructions, request.system)),
        names.INPUT_MESSAGES: content.json(partial(messages, request.messages)),
        names.TOOL_DEFINITIONS: content.json(partial(definitions, request.tools)),
    }
    return {name: value for name, value in (settings | said).items() if value is not None}


def _short(text: str) -> str:
    return sound(text)[:_LONG]
