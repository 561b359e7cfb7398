"""One call of a language model: what was asked for, what came back, and the span of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from opentelemetry.trace import Span, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from traces import names


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

    def __init__(self, span: Span) -> None:
        self._span = span

    def headers(self) -> dict[str, str]:
        """Give the W3C trace context to send along, so that the provider's spans join ours."""
        carrier: dict[str, str] = {}
        TraceContextTextMapPropagator().inject(carrier, set_span_in_context(self._span))
        return carrier

    def answered(self, response: ChatResponse) -> None:
        """Write what came back; what the provider did not say is not written."""
        said = {
            names.INPUT_TOKENS: response.input_tokens,
            names.OUTPUT_TOKENS: response.output_tokens,
            names.USD: response.usd,
        }
        self._span.set_attributes(
            {name: value for name, value in said.items() if value is not None}
        )
