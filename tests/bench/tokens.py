"""How many tokens a model was sent, counted by one rule for whoever sent them.

A request is its tools, its form and its messages, in that order, each as text. Tokens are those of
the encoding `o200k_base`, if its table is at hand; it is not fetched. Else four characters are one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

ENCODING = "o200k_base"
TABLE = "fb374d419588a4632f3f557e76b4b70aebbca790"
"""What tiktoken calls the file of the encoding's table."""

CACHED_FROM, CACHED_BY = 1024, 128
"""OpenAI caches prompts of so many tokens, in steps of so many.

https://platform.openai.com/docs/guides/prompt-caching
"""

Count = Callable[[str], int]


@dataclass(frozen=True, slots=True)
class Sent:
    """What one run sent: the tokens of each request, and how many of them a cache may have had."""

    requests: tuple[int, ...]
    cached: tuple[int, ...]

    @property
    def calls(self) -> int:
        return len(self.requests)

    @property
    def tokens(self) -> int:
        """All of them, those of the cache too."""
        return sum(self.requests)

    def __str__(self) -> str:
        each = " ".join(map(str, self.requests))
        return f"{self.calls} calls, {self.tokens} tokens ({sum(self.cached)} cached): {each}"


def counter(table: Path | None) -> tuple[str, Count]:
    """The rule's name, and the rule; `table` is the folder with the encoding's table, if any."""
    if table is None or not (table / TABLE).is_file():
        return "characters / 4", lambda text: -(-len(text) // 4)
    import tiktoken

    before = os.environ.get("TIKTOKEN_CACHE_DIR")
    os.environ["TIKTOKEN_CACHE_DIR"] = str(table)
    try:
        encoding = tiktoken.get_encoding(ENCODING)
    finally:
        os.environ.pop("TIKTOKEN_CACHE_DIR")
        if before is not None:
            os.environ["TIKTOKEN_CACHE_DIR"] = before
    return ENCODING, lambda text: len(encoding.encode(text, disallowed_special=()))


def sent(requests: Iterable[Mapping[str, Any]], count: Count) -> Sent:
    """Count the requests of a run; what each shares with an earlier one's beginning is cached."""
    totals: list[int] = []
    cached: list[int] = []
    earlier: list[list[str]] = []
    for request in requests:
        texts = [*_texts(request)]
        upto = [0, *accumulate(map(count, texts))]
        shared = max((_shared(texts, other) for other in earlier), default=0)
        totals.append(upto[-1])
        cached.append(upto[shared] // CACHED_BY * CACHED_BY if upto[shared] >= CACHED_FROM else 0)
        earlier.append(texts)
    return Sent(tuple(totals), tuple(cached))


def _texts(request: Mapping[str, Any]) -> Iterator[str]:
    """What the model reads of a request, in the order in which providers put it."""
    for part in ("tools", "response_format"):
        if request.get(part):
            yield _compact(request[part])
    for message in request["messages"]:
        content = message.get("content") or ""
        yield content if isinstance(content, str) else _compact(content)
        if calls := message.get("tool_calls"):
            yield _compact([call["function"] for call in calls])


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _shared(texts: Sequence[str], others: Sequence[str]) -> int:
    """How many texts two requests begin with alike."""
    pairs = enumerate(zip(texts, others, strict=False))
    ends = min(len(texts), len(others))
    return next((n for n, (one, other) in pairs if one != other), ends)
