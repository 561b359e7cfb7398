"""Traces of agents as their libraries send them by OTLP: one tree a dialect, in one file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ingest.bundle import take
from lake.store import Lake

BEGAN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Span:
    """A span that begins `at` seconds after its parent and takes `s` seconds."""

    name: str
    at: float
    s: float
    attributes: Mapping[str, Any]
    children: tuple[Span, ...] = ()
    service: str = ""
    error: str = ""
    kind: int = 1
    events: tuple[tuple[float, str, Mapping[str, Any]], ...] = ()


def span(
    name: str, at: float, s: float, attributes: Mapping[str, Any], *children: Span, **more: Any
) -> Span:
    """Write a span with its children behind it."""
    return Span(name, at, s, attributes, children, **more)


def ingested(lake: Lake, folder: Path, *traces: tuple[str, str, float, Span]) -> Lake:
    """Take traces in by OTLP: each its service, its id, its begin in seconds, and its root."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(_request(*one)) for one in traces]
    (folder / "traces.jsonl").write_text("\n".join(lines) + "\n")
    take(lake, [folder])
    return lake


def _request(service: str, trace: str, at: float, root: Span) -> Json:
    by_service: dict[str, list[Json]] = {}
    for owner, one in _walk(service, trace.ljust(32, "0"), at, root, "", iter(range(1, 10**6))):
        by_service.setdefault(owner, []).append(one)
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": _attributes({"service.name": owner})},
                "scopeSpans": [{"scope": {"name": "test"}, "spans": spans}],
            }
            for owner, spans in by_service.items()
        ]
    }


def _walk(
    service: str, trace: str, at: float, one: Span, parent: str, ids: Iterator[int]
) -> Iterable[tuple[str, Json]]:
    start = int(BEGAN.timestamp() * 1e9) + round(at * 1e9)
    uid = f"{next(ids):016x}"
    owner = one.service or service
    yield (
        owner,
        {
            "traceId": trace,
            "spanId": uid,
            "parentSpanId": parent,
            "name": one.name,
            "kind": one.kind,
            "startTimeUnixNano": str(start),
            "endTimeUnixNano": str(start + round(one.s * 1e9)),
            "attributes": _attributes(one.attributes),
            "status": {"code": 2, "message": one.error} if one.error else {},
            "events": [
                {
                    "timeUnixNano": str(start + round(after * 1e9)),
                    "name": name,
                    "attributes": _attributes(attributes),
                }
                for after, name, attributes in one.events
            ],
        },
    )
    for child in one.children:
        yield from _walk(owner, trace, at + child.at, child, uid, ids)


def _attributes(given: Mapping[str, Any]) -> list[Json]:
    return [{"key": key, "value": _value(value)} for key, value in given.items()]


def _value(value: Any) -> Json:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case list():
            return {"arrayValue": {"values": [_value(one) for one in value]}}
    return {"stringValue": str(value)}


def langgraph(searches: int = 2) -> Span:
    """A LangGraph agent behind HTTP by OpenLLMetry, whose model's client is instrumented too."""
    node = "traceloop.association.properties.langgraph_node"
    usage = {
        "gen_ai.system": "OpenAI",
        "gen_ai.request.model": "m-large",
        "llm.request.type": "chat",
        "gen_ai.usage.prompt_tokens": 1200,
        "gen_ai.usage.completion_tokens": 80,
        "llm.usage.total_tokens": 1280,
    }
    plan = span(
        "plan.task",
        0.1,
        1.4,
        {"traceloop.span.kind": "task", "traceloop.entity.name": "plan", node: "plan"},
        span("ChatOpenAI.chat", 0.1, 1.2, usage, span("openai.chat", 0.05, 1.1, usage, kind=3)),
    )
    search = [
        span(
            "search.tool",
            1.6 + 0.6 * at,
            0.5,
            {"traceloop.span.kind": "tool", "traceloop.entity.name": "search"},
            span(
                "GET /items",
                0.05,
                0.4,
                {"http.request.method": "GET", "server.address": "catalog"},
                span(
                    "GET /items",
                    0.02,
                    0.35,
                    {"http.route": "/items"},
                    span("SELECT items", 0.1, 0.2, {"db.system.name": "postgresql"}, kind=3),
                    service="catalog",
                    kind=2,
                ),
                kind=3,
            ),
        )
        for at in range(searches)
    ]
    graph = span(
        "LangGraph.workflow",
        0.1,
        2 + 0.6 * searches,
        {
            "traceloop.span.kind": "workflow",
            "traceloop.entity.name": "LangGraph",
            "traceloop.association.properties.thread_id": "thread-7",
        },
        plan,
        *search,
    )
    route = {"http.request.method": "POST", "http.route": "/chat"}
    return span("POST /chat", 0, 2.4 + 0.6 * searches, route, graph, kind=2)


def crewai() -> Span:
    """A crew by OpenInference, its model's first token told by an event."""
    return span(
        "Crew.kickoff",
        0,
        6,
        {"openinference.span.kind": "CHAIN", "session.id": "crew-1"},
        span(
            "Researcher._execute_core",
            0.2,
            5.5,
            {"openinference.span.kind": "AGENT", "agent.name": "Researcher"},
            span("search docs", 0.1, 0.3, {"openinference.span.kind": "RETRIEVER"}),
            span(
                "completion",
                0.5,
                3,
                {
                    "openinference.span.kind": "LLM",
                    "llm.model_name": "m-small",
                    "llm.provider": "anthropic",
                    "llm.token_count.prompt": 900,
                    "llm.token_count.completion": 300,
                    "llm.token_count.prompt_details.cache_read": 400,
                    "llm.cost.total": 0.0125,
                },
                events=((0.7, "First Token Stream Event", {}),),
            ),
            span(
                "browse",
                4,
                1,
                {
                    "openinference.span.kind": "TOOL",
                    "tool.name": "browse",
                    "tool.parameters": '{"url": "https://docs.example"}',
                },
                error="page did not load",
            ),
        ),
    )


def agentcore() -> Span:
    """An agent on Bedrock that sums its calls' tokens up, by the names before GenAI v1.37."""
    return span(
        "invoke_agent helpdesk",
        0,
        4,
        {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.system": "aws.bedrock",
            "gen_ai.agent.name": "helpdesk",
            "session.id": "session-3",
            "gen_ai.usage.prompt_tokens": 2000,
            "gen_ai.usage.completion_tokens": 200,
        },
        *[
            span(
                "chat m-nova",
                0.2 + 1.9 * at,
                1.5,
                {
                    "gen_ai.operation.name": "chat",
                    "gen_ai.system": "aws.bedrock",
                    "gen_ai.request.model": "m-nova",
                    "gen_ai.usage.prompt_tokens": 1000,
                    "gen_ai.usage.completion_tokens": 100,
                    "aws.remote.service": "AWS::BedrockRuntime",
                },
                kind=3,
            )
            for at in range(2)
        ],
    )


def old_calls() -> Span:
    """A program without an agent, by OpenLLMetry's first names: a total, then a rate limit."""
    kind = {"llm.request.type": "completion", "llm.vendor": "OpenAI", "llm.request.model": "m-old"}
    return span(
        "nightly",
        0,
        3,
        {},
        span("openai.completion", 0.1, 1, {**kind, "llm.usage.total_tokens": 500}, kind=3),
        span("openai.completion", 1.5, 0.2, kind, kind=3, error="429 Too Many Requests"),
    )


def inquest(report: str = "20260302-0900-cart", usd: float | None = 0.02, slow: float = 1) -> Span:
    """An investigation of Inquest with a model, one of whose calls was paid for before."""
    asked = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "m-large",
        "gen_ai.usage.input_tokens": 3000,
        "gen_ai.usage.output_tokens": 150,
        "gen_ai.usage.cache_read.input_tokens": 1000,
        "gen_ai.response.time_to_first_chunk": 0.25,
        **({} if usd is None else {"inquest.cost.usd": usd}),
    }
    tool = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.type": "datastore"}
    return span(
        "invoke_workflow investigation",
        0,
        8 * slow,
        {
            "gen_ai.operation.name": "invoke_workflow",
            "gen_ai.workflow.name": "investigation",
            "inquest.report.id": report,
            "inquest.verdict": "cause_found",
        },
        span(
            "survey",
            0.1,
            3 * slow,
            {"inquest.node.name": "survey"},
            *[
                span(f"execute_tool {name}", at, 0.4, {**tool, "gen_ai.tool.name": name})
                for at, name in enumerate(("edges", "history", "history"))
            ],
        ),
        span(
            "propose",
            3.2 * slow,
            4 * slow,
            {"inquest.node.name": "propose"},
            span("chat m-large", 0.1, 2, {**asked, "gen_ai.response.id": "r-1"}, kind=3),
            span(
                "chat m-large",
                2.5,
                0.01,
                {**asked, "gen_ai.response.id": "r-1", "inquest.chat.replayed": True},
                kind=3,
            ),
        ),
        span("write", 7.3 * slow, 0.5, {"inquest.node.name": "write"}),
    )


TRACES = (
    ("concierge", "aa01", 0.0, langgraph()),
    ("researcher", "bb01", 10.0, crewai()),
    ("helpdesk", "cc01", 20.0, agentcore()),
    ("nightly", "dd01", 30.0, old_calls()),
    ("inquest", "ee01", 40.0, inquest()),
    ("inquest", "ee02", 86500.0, inquest("20260303-0900-pay", None, 2)),
)
