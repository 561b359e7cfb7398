"""What an investigation took, read from its finished spans."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan

from traces import names


@dataclass(frozen=True, slots=True)
class Cost:
    """Queries, wall time, tokens and money; `usd` is None where a model's price is not known."""

    model: str | None
    input_tokens: int
    output_tokens: int
    usd: float | None
    queries: int
    wall_s: float
    trace_id: str


def cost_of(spans: Iterable[ReadableSpan], *, wall_s: float, trace_id: str) -> Cost:
    """Add up what `spans` say they used; a failed query or model call was paid for as well."""
    done = [dict(span.attributes or {}) for span in spans]
    chats = [one for one in done if one.get(names.OPERATION) == names.CHAT]
    return Cost(
        model=", ".join(sorted({str(chat[names.REQUEST_MODEL]) for chat in chats})) or None,
        input_tokens=sum(_tokens(chat, names.INPUT_TOKENS) for chat in chats),
        output_tokens=sum(_tokens(chat, names.OUTPUT_TOKENS) for chat in chats),
        usd=_usd(chats),
        queries=sum(one.get(names.OPERATION) == names.EXECUTE_TOOL for one in done),
        wall_s=round(wall_s, 3),
        trace_id=trace_id,
    )


def _tokens(chat: Mapping[str, Any], name: str) -> int:
    return int(chat.get(name, 0))


def _usd(chats: list[dict[str, Any]]) -> float | None:
    if any(names.USD not in chat for chat in chats):
        return None
    return float(sum(chat[names.USD] for chat in chats))
