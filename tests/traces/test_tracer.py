"""The trace of an investigation, as it lands in the lake and at a collector."""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import metadata, version
from pathlib import Path
from typing import Any

import orjson
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.trace import INVALID_SPAN, get_current_span

from lake.errors import QueryError
from lake.store import Lake
from traces.chat import ChatRequest, ChatResponse
from traces.exporters import to_arrow
from traces.tracer import Tracing

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
TIMEOUT = "OTEL_EXPORTER_OTLP_TIMEOUT"
SECRET = "hunter2"  # noqa: S105 - of nothing


def spans(of: Tracing) -> dict[str, dict[str, Any]]:
    """The rows that go to the lake, by their span's name."""
    return by_name(to_arrow(of._finished.spans).to_pylist())


def stored(lake: Lake, of: Tracing) -> dict[str, dict[str, Any]]:
    """The rows of a trace that are in the lake, by their span's name."""
    uid = of.trace_id
    return by_name(
        lake.at().ask(f"FROM trace_span WHERE trace_uid = '{uid}' ORDER BY time").dicts()
    )


def by_name(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["span_name"]: row | {"attributes": orjson.loads(row["attributes"])} for row in rows}


def test_the_lake_holds_root_node_and_query_as_one_tree_of_service_inquest(lake: Lake) -> None:
    with (
        Tracing(lake, "investigate") as tracing,
        tracing.node("survey"),
        tracing.tool("edges", evidence="E3"),
    ):
        pass
    found = stored(lake, tracing)
    root, node, tool = (
        found[name] for name in ("invoke_workflow investigate", "survey", "execute_tool edges")
    )
    assert {span["workload"]["service"] for span in found.values()} == {"inquest"}
    assert {span["trace_uid"] for span in found.values()} == {tracing.trace_id}
    assert root["parent_span_uid"] is None
    assert (node["parent_span_uid"], tool["parent_span_uid"]) == (
        root["span_uid"],
        node["span_uid"],
    )
    assert root["attributes"] == {
        "gen_ai.operation.name": "invoke_workflow",
        "gen_ai.workflow.name": "investigate",
        "inquest.run.root": root["span_uid"],
    }
    assert tool["attributes"] == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "edges",
        "gen_ai.tool.type": "datastore",
        "inquest.evidence.id": "E3",
    }
    assert 0 < tool["duration_ns"] <= node["duration_ns"] <= root["duration_ns"]


def test_an_agent_in_a_real_thread_says_so(lake: Lake) -> None:
    with Tracing(lake, "inquest", operation="invoke_agent", thread="C1-1700000000.1") as tracing:
        pass
    root = spans(tracing)["invoke_agent inquest"]
    assert root["attributes"] == {
        "inquest.run.root": root["span_uid"],
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.id": "inquest",
        "gen_ai.agent.name": "inquest",
        "gen_ai.agent.description": metadata("inquest")["Summary"],
        "gen_ai.agent.version": version("inquest"),
        "gen_ai.provider.name": "inquest",
        "gen_ai.conversation.id": "C1-1700000000.1",
    }


def test_the_root_says_what_came_of_the_run_and_nodes_say_which_they_are(lake: Lake) -> None:
    with Tracing(lake, "investigate") as tracing, tracing.node("survey"):
        tracing.concluded("R1", "inconclusive", "slack")
    found = spans(tracing)
    root = found["invoke_workflow investigate"]["attributes"]
    assert {name: root[name] for name in root if name.startswith("inquest.")} == {
        "inquest.run.root": found["invoke_workflow investigate"]["span_uid"],
        "inquest.report.id": "R1",
        "inquest.verdict": "inconclusive",
        "inquest.channel": "slack",
    }
    assert found["survey"]["attributes"] == {"inquest.node.name": "survey"}


def test_a_query_in_a_bare_thread_still_belongs_to_the_trace(lake: Lake) -> None:
    with Tracing(lake, "investigate") as tracing:

        def ask() -> None:
            with tracing.tool("edges"):
                pass

        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
    found = spans(tracing)
    root = found["invoke_workflow investigate"]
    assert found["execute_tool edges"]["parent_span_uid"] == root["span_uid"]


@pytest.mark.parametrize(
    ("error", "called"),
    [
        (KeyError("x"), "KeyError"),
        (QueryError("x"), "lake.errors.QueryError"),
        (TimeoutError("x"), "timeout"),
    ],
)
def test_an_error_is_called_by_its_class(lake: Lake, error: Exception, called: str) -> None:
    with pytest.raises(type(error)), Tracing(lake, "investigate") as tracing:
        raise error
    (root,) = spans(tracing).values()
    assert (root["attributes"]["error.type"], root["status_detail"]) == (called, None)


def test_an_error_marks_every_span_it_passes_and_goes_on(lake: Lake) -> None:
    with (
        pytest.raises(QueryError, match="no table nowhere"),
        Tracing(lake, "investigate", redact=str) as tracing,
        tracing.tool("edges"),
    ):
        raise QueryError("no table nowhere")
    for span in spans(tracing).values():
        assert (span["status_id"], span["status_detail"]) == (2, "no table nowhere")
        assert span["attributes"]["error.type"] == "lake.errors.QueryError"
    assert get_current_span() is INVALID_SPAN


def test_cost_counts_queries_and_what_the_model_said_it_used(lake: Lake) -> None:
    with Tracing(lake, "investigate") as tracing:
        for _ in range(3):
            with tracing.tool("edges"):
                pass
        with tracing.chat(ChatRequest("small", "anthropic")) as chat:
            chat.answered(ChatResponse(input_tokens=100, output_tokens=20, usd=0.5))
        cost = tracing.cost()
    assert (cost.queries, cost.input_tokens, cost.output_tokens) == (3, 100, 20)
    assert (cost.model, cost.usd, cost.trace_id) == ("small", 0.5, tracing.trace_id)
    assert 0 <= cost.wall_s < 60


def test_without_a_model_the_cost_is_nothing_and_with_an_unknown_price_it_is_unknown(
    lake: Lake,
) -> None:
    with Tracing(lake, "investigate") as tracing:
        assert (tracing.cost().model, tracing.cost().usd) == (None, 0.0)
        with tracing.chat(ChatRequest("small", "anthropic")):
            pass
        assert tracing.cost().usd is None
    assert not [key for key in spans(tracing)["chat small"]["attributes"] if "usage" in key]


def test_what_the_provider_refused_cost_nothing_and_what_was_lost_is_not_known(lake: Lake) -> None:
    with Tracing(lake, "investigate") as tracing:
        error: Exception = QueryError("refused")
        error.__cause__ = type("Status", (Exception,), {"status_code": 529})()
        with pytest.raises(QueryError), tracing.chat(ChatRequest("small", "anthropic")):
            raise error
        assert (tracing.cost().calls, tracing.cost().usd) == (1, 0.0)
        with pytest.raises(QueryError), tracing.chat(ChatRequest("small", "anthropic")):
            raise QueryError("failed") from ConnectionRefusedError()
        assert (tracing.cost().calls, tracing.cost().usd) == (2, 0.0)
        with pytest.raises(TimeoutError), tracing.chat(ChatRequest("small", "anthropic")):
            raise TimeoutError
        assert (tracing.cost().calls, tracing.cost().usd) == (3, None)


def test_a_trace_context_in_the_environment_becomes_the_parent(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACEPARENT", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")
    with Tracing(lake, "investigate") as tracing:
        pass
    assert tracing.trace_id == "0af7651916cd43dd8448eb211c80319c"
    assert spans(tracing)["invoke_workflow investigate"]["parent_span_uid"] == "b7ad6b7169203331"


def test_a_run_goes_on_with_the_trace_of_the_one_that_was_killed(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = Tracing(lake, "investigate")
    monkeypatch.setenv("TRACEPARENT", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    with Tracing(lake, "investigate", continues=killed.traceparent) as tracing:
        pass
    assert tracing.trace_id == killed.trace_id != "0af7651916cd43dd8448eb211c80319c"
    root = spans(tracing)["invoke_workflow investigate"]
    assert root["parent_span_uid"] in killed.traceparent
    assert root["attributes"]["inquest.run.root"] == root["parent_span_uid"]


@pytest.mark.parametrize("junk", ["x", "00-0-0-0", "00-" + "0" * 32 + "-b7ad6b7169203331-01"])
def test_a_context_that_is_none_begins_a_trace(lake: Lake, junk: str) -> None:
    with Tracing(lake, "investigate", continues=junk) as tracing:
        pass
    root = spans(tracing)["invoke_workflow investigate"]
    assert (root["parent_span_uid"], root["attributes"]["inquest.run.root"]) == (
        None,
        root["span_uid"],
    )


def test_a_call_sends_its_context_along(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACEPARENT", "00-2af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    monkeypatch.setenv("TRACESTATE", "vendor=1")
    with (
        Tracing(lake, "investigate") as tracing,
        tracing.chat(ChatRequest("small", "openai")) as chat,
    ):
        sent = chat.headers()
    call = spans(tracing)["chat small"]
    assert sent["traceparent"] == f"00-{tracing.trace_id}-{call['span_uid']}-01"
    assert sent["tracestate"] == "vendor=1"
    assert orjson.loads(call["unmapped"]) == {"trace_state": "vendor=1"}


def test_two_investigations_of_one_parent_are_both_kept(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACEPARENT", "00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    for name in ("first", "second"):
        with Tracing(lake, name) as tracing:
            pass
    assert stored(lake, tracing).keys() == {"invoke_workflow first", "invoke_workflow second"}


def test_a_lake_that_cannot_be_written_is_a_warning_and_no_failure(tmp_path: Path) -> None:
    warned: list[str] = []
    with Lake.create(tmp_path / "lake") as lake, Tracing(lake, "investigate", warn=warned.append):
        shutil.rmtree(lake.path)
        lake.path.write_text("no folder any more")
    assert len(warned) == 1
    assert "not in the lake" in warned[0]


Received = ExportTraceServiceRequest | ExportMetricsServiceRequest
RECEIVED: dict[str, type[Received]] = {
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
}


@contextmanager
def collector(status: int = 200) -> Iterator[tuple[str, list[Received]]]:
    """An OTLP/HTTP receiver on loopback, and what it received."""
    received: list[Received] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append(RECEIVED[self.path].FromString(body))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            """Keep the test's output clean."""

    with HTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", received
        finally:
            server.shutdown()
            thread.join()


def test_a_configured_collector_receives_the_same_spans(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    warned: list[str] = []
    with collector() as (url, received):
        monkeypatch.setenv(ENDPOINT, url)
        with (
            Tracing(lake, "investigate", warn=warned.append) as tracing,
            tracing.node("survey"),
        ):
            pass
    (request,) = received
    assert isinstance(request, ExportTraceServiceRequest)
    (resource,) = request.resource_spans
    assert resource.scope_spans[0].schema_url.endswith("1.41.0")
    attributes = {one.key: one.value.string_value for one in resource.resource.attributes}
    arrived = {span.span_id.hex() for scope in resource.scope_spans for span in scope.spans}
    assert attributes["service.name"] == "inquest"
    assert arrived == {span["span_uid"] for span in spans(tracing).values()}
    assert warned == []


def called(lake: Lake, warned: list[str]) -> Tracing:
    """A run with one call of a model."""
    with (
        Tracing(lake, "investigate", warn=warned.append) as tracing,
        tracing.chat(ChatRequest("small", "openai")) as chat,
    ):
        chat.answered(ChatResponse(input_tokens=7))
    return tracing


def test_a_configured_collector_receives_the_metrics_of_the_time_of_the_run(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    warned: list[str] = []
    with collector() as (url, received):
        monkeypatch.setenv(ENDPOINT, url)
        tracing = called(lake, warned)
    _, request = received
    assert isinstance(request, ExportMetricsServiceRequest)
    (scope,) = request.resource_metrics[0].scope_metrics
    usage = {metric.name: metric for metric in scope.metrics}["gen_ai.client.token.usage"]
    (point,) = usage.histogram.data_points
    root = spans(tracing)["invoke_workflow investigate"]
    assert (point.sum, point.start_time_unix_nano) == (7, root["start_time_ns"])
    assert point.time_unix_nano == root["start_time_ns"] + root["duration_ns"]
    assert warned == []


def test_a_collector_that_takes_no_metrics_is_sent_none(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    with collector() as (url, received):
        monkeypatch.setenv(ENDPOINT, url)
        monkeypatch.setenv("OTEL_METRICS_EXPORTER", "none")
        called(lake, [])
    assert [type(one) for one in received] == [ExportTraceServiceRequest]


def test_a_collector_that_is_not_there_is_asked_once(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    with collector(status=400) as (url, received):
        monkeypatch.setenv(ENDPOINT, url)
        warned: list[str] = []
        called(lake, warned)
    assert (len(received), len(warned)) == (1, 1)


def test_a_collector_that_refuses_is_one_warning(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with collector(status=400) as (url, _), caplog.at_level(logging.WARNING):
        monkeypatch.setenv(ENDPOINT, url)
        with Tracing(lake, "investigate") as tracing:
            pass
    (record,) = caplog.records
    assert url in record.getMessage()
    assert stored(lake, tracing)


def test_a_collector_that_is_not_there_is_one_warning(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    with collector() as (url, _):
        pass
    monkeypatch.setenv(ENDPOINT, url)
    monkeypatch.setenv(TIMEOUT, "0.1")
    warned: list[str] = []
    with Tracing(lake, "investigate", warn=warned.append) as tracing:
        pass
    assert len(warned) == 1
    assert url in warned[0]
    assert stored(lake, tracing)


@pytest.mark.parametrize(
    ("endpoint", "place"),
    [
        ("http://ops:hunter2@127.0.0.1:1/v1?key=hunter2", "http://127.0.0.1:1: "),
        ("ftp://ops:hunter2@[::1]/v1", "ftp://[::1]: "),
        ("ops:hunter2@localhost/hunter2", "the collector: "),
        ("http://ops:hunter2@[::1/x", "the collector: "),
    ],
)
def test_a_warning_says_where_to_and_not_with_which_password(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, endpoint: str, place: str
) -> None:
    monkeypatch.setenv(ENDPOINT, endpoint)
    monkeypatch.setenv(TIMEOUT, "0.1")
    warned: list[str] = []
    with Tracing(lake, "investigate", warn=warned.append):
        pass
    (sentence,) = warned
    assert place in sentence
    assert SECRET not in sentence


def test_a_disabled_sdk_sends_nothing_and_still_knows_the_cost(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    with collector() as (url, received):
        monkeypatch.setenv(ENDPOINT, url)
        monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
        with Tracing(lake, "investigate") as tracing, tracing.tool("edges"):
            pass
    assert (tracing.cost().queries, received) == (1, [])
