"""The metrics of a run: what the conventions call them, in the lake and at a collector."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from lake.event import events
from lake.store import Lake
from lake.validate import faults
from tests.traces.test_conventions import OPT_IN, REQUEST, RESPONSE, RefusedError
from traces.chat import ChatRequest, ChatResponse
from traces.tracer import Tracing

CALL_S = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92]
TOKENS = [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864]
OF_CALL = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "mistral_ai",
    "gen_ai.request.model": "small",
    "gen_ai.response.model": "small-2026-01",
    "server.address": "models.example",
    "server.port": 443,
}
"""What the conventions want on every metric of a call."""


def points(lake: Lake, *runs: Tracing) -> list[dict[str, Any]]:
    """The data points of these runs in the lake, with their attributes as a dict."""
    ended = ", ".join(str(run._finished.spans[-1].end_time) for run in runs)
    found = lake.at().ask(
        f"SELECT * FROM metric_point WHERE time_ns IN ({ended}) ORDER BY metric_name, series_uid"
    )
    return [row | {"attributes": orjson.loads(row["attributes"])} for row in found.dicts()]


def a_run(lake: Lake) -> Tracing:
    """An agent with one answered call, one that is refused, one query."""
    with Tracing(lake, "inquest", operation="invoke_agent") as tracing:
        with tracing.tool("edges"):
            pass
        with tracing.chat(REQUEST) as chat:
            chat.answered(RESPONSE)
        with pytest.raises(RefusedError), tracing.chat(REQUEST):
            raise RefusedError("too many")
    return tracing


def test_a_run_without_a_model_has_no_metrics_by_v1_41(lake: Lake) -> None:
    with Tracing(lake, "investigate") as tracing, tracing.tool("edges"):
        pass
    assert points(lake, tracing) == []


def test_calls_are_measured_as_v1_41_has_it(lake: Lake) -> None:
    run = a_run(lake)
    found = points(lake, run)
    histograms = {
        (one["metric_name"], one["attributes"].get("gen_ai.token.type", ""), one["unit"]): one
        for one in found
        if "error.type" not in one["attributes"]
    }
    expected = {
        ("gen_ai.client.operation.duration", "", "s"): CALL_S,
        ("gen_ai.client.operation.time_to_first_chunk", "", "s"): CALL_S,
        ("gen_ai.client.token.usage", "input", "{token}"): TOKENS,
        ("gen_ai.client.token.usage", "output", "{token}"): TOKENS,
    }
    assert {key: one["explicit_bounds"] for key, one in histograms.items()} == expected
    for (_, kind, _), one in histograms.items():
        of_type = {"gen_ai.token.type": kind} if kind else {}
        assert one["attributes"] == OF_CALL | of_type
        assert (one["metric_type"], one["temporality"], one["count"]) == ("histogram", "delta", 1)
        assert (sum(one["bucket_counts"]), len(one["bucket_counts"])) == (1, 15)
        assert one["time_ns"] == run._finished.spans[-1].end_time
        assert one["workload"]["service"] == "inquest"
    assert [one["sum"] for one in histograms.values()][1:] == [0.3, 100, 20]
    (refused,) = [one for one in found if "error.type" in one["attributes"]]
    assert refused["metric_name"] == "gen_ai.client.operation.duration"
    assert refused["attributes"]["error.type"] == "429"


def test_main_counts_tokens_and_measures_agent_and_tools(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(OPT_IN, "gen_ai_latest_experimental")
    run = a_run(lake)
    with Tracing(lake, "investigate") as workflow:
        pass
    found = {
        (one["metric_name"], one["attributes"].get("gen_ai.token.modality", "")): one
        for one in points(lake, run, workflow)
        if "error.type" not in one["attributes"]
    }
    usage = "gen_ai.client.inference.usage."
    counted = {
        name.removeprefix(usage): one["value"]
        for (name, modality), one in found.items()
        if modality == "text"
    }
    assert counted == {
        "input_tokens": 100,
        "output_tokens": 20,
        "cache_read.input_tokens": 60,
        "cache_write.input_tokens": 5,
        "reasoning.output_tokens": 7,
    }
    unknown = {one["value"] for (_, kind), one in found.items() if kind == "unknown"}
    assert unknown == {0}
    assert all(one["is_monotonic"] for (_, kind), one in found.items() if kind)
    whole = {
        name: (one["count"], len(one["explicit_bounds"]), one["attributes"])
        for (name, modality), one in found.items()
        if not modality
    }
    of_agent = {"gen_ai.agent.name": "inquest"}
    assert whole == {
        "gen_ai.client.inference.duration": (1, 14, OF_CALL),
        "gen_ai.client.inference.time_to_first_chunk": (1, 14, OF_CALL),
        "gen_ai.client.inference.operation.input_tokens": (1, 14, OF_CALL),
        "gen_ai.client.inference.operation.output_tokens": (1, 14, OF_CALL),
        "gen_ai.invoke_agent.duration": (1, 13, of_agent | {"gen_ai.request.model": "small"}),
        "gen_ai.invoke_agent.inference_calls": (1, 8, of_agent),
        "gen_ai.invoke_agent.tool_calls": (1, 8, of_agent),
        "gen_ai.execute_tool.duration": (
            1,
            14,
            of_agent | {"gen_ai.tool.name": "edges", "gen_ai.tool.type": "datastore"},
        ),
        "gen_ai.invoke_workflow.duration": (1, 11, {"gen_ai.workflow.name": "investigate"}),
    }


def test_what_was_replayed_used_tokens_and_no_time(lake: Lake) -> None:
    with Tracing(lake, "investigate") as tracing:
        with tracing.chat(ChatRequest("small", "openai")) as chat:
            chat.answered(ChatResponse(input_tokens=3, usd=0.5, replayed=True))
        spent = tracing.cost()
    assert (spent.calls, spent.input_tokens, spent.usd) == (1, 3, 0.5)
    (one,) = points(lake, tracing)
    assert (one["metric_name"], one["sum"]) == ("gen_ai.client.token.usage", 3)


def test_runs_share_their_series(lake: Lake) -> None:
    found = points(lake, a_run(lake), a_run(lake))
    assert len(found) == 2 * len({one["series_uid"] for one in found}) == 10


def test_spans_and_points_are_valid_ocsf(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACEPARENT", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    monkeypatch.setenv("TRACESTATE", "vendor=1")
    monkeypatch.setenv(OPT_IN, "gen_ai_latest_experimental")
    a_run(lake)
    for table in ("trace_span", "metric_point"):
        rows = lake.at().ask(f"SELECT * FROM {table} ORDER BY time").dicts()
        assert rows
        assert [fault for event in events(table, rows) for fault in faults(event)] == []
