"""What an investigation took, read from its finished spans."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan

from traces import names
from traces.root import is_free


@dataclass(frozen=True, slots=True)
class Cost:
    """Calls, queries, wall time, tokens and money; `usd` is None where a price is not known.

    `cache_read_tokens` are of the input tokens. What a killed run had paid for counts: it is this
    run's, as the killed one told nobody.
    """

    model: str | None
    calls: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
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
        calls=len(chats),
        input_tokens=sum(_tokens(chat, names.INPUT_TOKENS) for chat in chats),
        output_tokens=sum(_tokens(chat, names.OUTPUT_TOKENS) for chat in chats),
        cache_read_tokens=sum(_tokens(chat, names.CACHE_READ_TOKENS) for chat in chats),
        usd=_usd(chats),
        queries=sum(one.get(names.TOOL_TYPE) == names.DATASTORE for one in done),
        wall_s=round(wall_s, 3),
        trace_id=trace_id,
    )


def _tokens(chat: Mapping[str, Any], name: str) -> int:
    return int(chat.get(name, 0))


def _usd(chats: list[dict[str, Any]]) -> float | None:
    due = [chat for chat in chats if not is_free(str(chat.get(names.ERROR_TYPE, "")))]
    if any(names.USD not in chat for chat in due):
        return None
    return float(sum(chat[names.USD] for chat in due))
