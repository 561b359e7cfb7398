"""What watching itself costs an investigation: microseconds a span, milliseconds at the end."""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median

import pytest

from lake.store import Lake
from traces.chat import ChatRequest, ChatResponse
from traces.tracer import Tracing

pytestmark = pytest.mark.bench

SPANS = 2000
NODES, QUERIES, CALLS = 20, 150, 6
"""About what one investigation with a model does."""

MOST_US = 150
MOST_MS = 200
"""Ten times and three times what was measured on two idle cores: a bound for a busy machine."""

REQUEST = ChatRequest("small", "openai", max_tokens=4000, stream=True, address="::1", port=443)
RESPONSE = ChatResponse("id", "small-1", ("stop",), 900, 90, 600, usd=0.01, first_chunk_s=0.4)


def test_a_span_costs_microseconds(tmp_path: Path) -> None:
    took: dict[str, list[float]] = {"tool": [], "chat": []}
    with Lake.create(tmp_path / "lake") as lake:
        tracing = Tracing(lake, "bench")
        for _ in range(5):
            started = time.process_time()
            for _ in range(SPANS):
                with tracing.tool("edges", evidence="edges:cart"):
                    pass
            took["tool"].append((time.process_time() - started) / SPANS * 1e6)
            started = time.process_time()
            for _ in range(SPANS):
                with tracing.chat(REQUEST) as chat:
                    chat.answered(RESPONSE)
            took["chat"].append((time.process_time() - started) / SPANS * 1e6)
    for kind, each in took.items():
        print(f"\na span of a {kind}: {median(each):.0f} us of CPU")  # noqa: T201 - the table
    assert max(map(median, took.values())) < MOST_US


def test_the_end_of_a_run_costs_milliseconds(tmp_path: Path) -> None:
    with Lake.create(tmp_path / "lake") as lake:
        for with_model in (False, True):
            took = []
            for _ in range(12):
                with Tracing(lake, "bench") as tracing:
                    for _ in range(NODES):
                        with tracing.node("survey"):
                            pass
                    for _ in range(QUERIES):
                        with tracing.tool("edges", evidence="edges:cart"):
                            pass
                    for _ in range(CALLS if with_model else 0):
                        with tracing.chat(REQUEST) as chat:
                            chat.answered(RESPONSE)
                    ended = time.process_time()
                took.append((time.process_time() - ended) * 1e3)
            what = "with" if with_model else "without"
            print(f"\nthe end of a run {what} a model: {median(took):.0f} ms of CPU")  # noqa: T201 - the table
            assert median(took) < MOST_MS
