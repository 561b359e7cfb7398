"""The spans of one run beside the GenAI conventions, attribute by attribute.

`pytest -s` prints the table: what each span is asked for, and what it has or why it has not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes
from opentelemetry.semconv._incubating.metrics import gen_ai_metrics
from opentelemetry.semconv.schemas import Schemas

from lake.store import Lake
from traces import names
from traces.chat import ChatRequest, ChatResponse
from traces.tracer import Tracing

OPT_IN = "OTEL_SEMCONV_STABILITY_OPT_IN"
REQUIRED, CONDITIONAL, RECOMMENDED = "required", "conditionally required", "recommended"
WRITTEN = ""
NOT_SET = "no request of ours sets it"
NO_CONTENT = "opt-in"

ASKED_OF_CHAT = {
    "gen_ai.operation.name": (REQUIRED, WRITTEN),
    "gen_ai.provider.name": (REQUIRED, WRITTEN),
    "error.type": (CONDITIONAL, "this one was answered"),
    "gen_ai.conversation.id": (CONDITIONAL, WRITTEN),
    "gen_ai.output.type": (CONDITIONAL, WRITTEN),
    "gen_ai.request.choice.count": (CONDITIONAL, "one answer is asked for"),
    "gen_ai.request.model": (CONDITIONAL, WRITTEN),
    "gen_ai.request.seed": (CONDITIONAL, NOT_SET),
    "gen_ai.request.stream": (CONDITIONAL, WRITTEN),
    "server.port": (CONDITIONAL, WRITTEN),
    "gen_ai.request.frequency_penalty": (RECOMMENDED, NOT_SET),
    "gen_ai.request.max_tokens": (RECOMMENDED, WRITTEN),
    "gen_ai.request.presence_penalty": (RECOMMENDED, NOT_SET),
    "gen_ai.request.stop_sequences": (RECOMMENDED, NOT_SET),
    "gen_ai.request.temperature": (RECOMMENDED, WRITTEN),
    "gen_ai.request.top_k": (RECOMMENDED, NOT_SET),
    "gen_ai.request.top_p": (RECOMMENDED, NOT_SET),
    "gen_ai.response.finish_reasons": (RECOMMENDED, WRITTEN),
    "gen_ai.response.id": (RECOMMENDED, WRITTEN),
    "gen_ai.response.model": (RECOMMENDED, WRITTEN),
    "gen_ai.response.time_to_first_chunk": (RECOMMENDED, WRITTEN),
    "gen_ai.usage.input_tokens": (RECOMMENDED, WRITTEN),
    "gen_ai.usage.output_tokens": (RECOMMENDED, WRITTEN),
    "gen_ai.usage.cache_read.input_tokens": (RECOMMENDED, WRITTEN),
    "gen_ai.usage.cache_creation.input_tokens": (RECOMMENDED, WRITTEN),
    "gen_ai.usage.reasoning.output_tokens": (RECOMMENDED, WRITTEN),
    "server.address": (RECOMMENDED, WRITTEN),
    "gen_ai.system_instructions": (NO_CONTENT, NO_CONTENT),
    "gen_ai.input.messages": (NO_CONTENT, NO_CONTENT),
    "gen_ai.output.messages": (NO_CONTENT, NO_CONTENT),
    "gen_ai.tool.definitions": (NO_CONTENT, NO_CONTENT),
}
NOT_OF_AGENTS = (  # an agent in the process is asked neither for an address nor for one response
    "gen_ai.request.stream",
    "gen_ai.request.top_k",
    "gen_ai.response.id",
    "gen_ai.response.model",
    "gen_ai.response.time_to_first_chunk",
    "gen_ai.usage.reasoning.output_tokens",
    "server.address",
    "server.port",
)
ASKED_OF_AGENT = {name: ASKED_OF_CHAT[name] for name in ASKED_OF_CHAT.keys() - NOT_OF_AGENTS} | {
    "error.type": (CONDITIONAL, "the run ended well"),
    "gen_ai.agent.id": (CONDITIONAL, WRITTEN),
    "gen_ai.agent.name": (CONDITIONAL, WRITTEN),
    "gen_ai.agent.description": (CONDITIONAL, WRITTEN),
    "gen_ai.agent.version": (CONDITIONAL, WRITTEN),
    "gen_ai.data_source.id": (CONDITIONAL, "the lake has no id"),
}
ASKED_OF_TOOL = {
    "gen_ai.operation.name": (REQUIRED, WRITTEN),
    "gen_ai.tool.name": (REQUIRED, WRITTEN),
    "error.type": (CONDITIONAL, WRITTEN),
    "gen_ai.tool.call.id": (RECOMMENDED, WRITTEN),
    "gen_ai.tool.description": (RECOMMENDED, WRITTEN),
    "gen_ai.tool.type": (RECOMMENDED, WRITTEN),
    "gen_ai.tool.call.arguments": (NO_CONTENT, NO_CONTENT),
    "gen_ai.tool.call.result": (NO_CONTENT, NO_CONTENT),
}
ASKED_OF_WORKFLOW = {
    "gen_ai.operation.name": (REQUIRED, WRITTEN),
    "gen_ai.workflow.name": (CONDITIONAL, WRITTEN),
    "error.type": (CONDITIONAL, WRITTEN),
    "gen_ai.input.messages": (NO_CONTENT, NO_CONTENT),
    "gen_ai.output.messages": (NO_CONTENT, NO_CONTENT),
}
ASKED = {
    "chat small": ASKED_OF_CHAT,
    "invoke_agent inquest": ASKED_OF_AGENT,
    "execute_tool search_logs": ASKED_OF_TOOL,
    "invoke_workflow investigate": ASKED_OF_WORKFLOW,
}

REQUEST = ChatRequest(
    model="small",
    provider="mistralai",
    max_tokens=4000,
    temperature=0.0,
    output_type="json",
    stream=True,
    address="models.example",
    port=443,
)
RESPONSE = ChatResponse(
    id="chatcmpl-1",
    model="small-2026-01",
    finish_reasons=("stop",),
    input_tokens=100,
    output_tokens=20,
    cache_read_tokens=60,
    cache_write_tokens=5,
    reasoning_tokens=7,
    usd=0.25,
    first_chunk_s=0.3,
)


class RefusedError(Exception):
    """What a client raises when the provider answers with a status."""

    status_code = 429


def a_run(lake: Lake) -> dict[str, ReadableSpan]:
    """The spans of an agent that ends well and of a workflow that does not, by name."""
    with (
        Tracing(lake, "inquest", operation="invoke_agent", thread="C1-1.2") as agent,
        agent.chat(REQUEST) as chat,
    ):
        chat.answered(RESPONSE)
    with (
        pytest.raises(RefusedError),
        Tracing(lake, "investigate") as workflow,
        workflow.tool(
            "search_logs", "E1", "call-1", "{}", description="Search logs.", kind="function"
        ),
    ):
        raise RefusedError("too many")
    return {span.name: span for run in (agent, workflow) for span in run._finished.spans}


@pytest.fixture(scope="module")
def spans(lake: Lake) -> dict[str, ReadableSpan]:
    return a_run(lake)


def said(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def of(table: Mapping[str, str]) -> set[str]:
    return {value for name, value in table.items() if name.isupper() and isinstance(value, str)}


@pytest.mark.parametrize("name", ASKED)
def test_a_span_has_what_v1_41_asks_for_or_it_is_said_why_not(
    name: str, spans: dict[str, ReadableSpan]
) -> None:
    attributes = said(spans[name])
    for attribute, (level, why_not) in sorted(ASKED[name].items()):
        print(f"{name:28} {attribute:44} {level:23} {why_not or attributes.get(attribute)!r}")  # noqa: T201 - the table, with -s
    written = {one for one, (_, why_not) in ASKED[name].items() if not why_not}
    ours = {one for one in attributes if one.startswith("inquest.")}
    assert attributes.keys() - ours == written


def test_a_call_goes_out_and_what_is_in_the_process_stays(spans: dict[str, ReadableSpan]) -> None:
    kinds = {name: span.kind.name for name, span in spans.items()}
    assert {kinds.pop("chat small")} == {"CLIENT"}
    assert set(kinds.values()) == {"INTERNAL"}


def test_values_are_those_that_the_conventions_list(spans: dict[str, ReadableSpan]) -> None:
    chat = said(spans["chat small"])
    assert chat["gen_ai.provider.name"] == "mistral_ai"
    assert chat["gen_ai.output.type"] == "json"
    tool = said(spans["execute_tool search_logs"])
    assert (tool["gen_ai.tool.type"], tool["error.type"]) == ("function", "429")
    known = {one.value for one in gen_ai_attributes.GenAiProviderNameValues}
    assert set(names.PROVIDERS.values()) <= known


def test_every_name_of_v1_41_is_one_that_opentelemetry_knows() -> None:
    known = of(vars(gen_ai_attributes)) | of(vars(gen_ai_metrics))
    version = names.V1_41
    public = {name: value for name, value in vars(names).items() if not name.startswith("_")}
    ours = of(public) | {
        version.cache_write_tokens,
        version.chat_duration,
        version.time_to_first_chunk,
        version.token_usage,
    }
    written = {name for name in ours if name.startswith("gen_ai.")}
    assert len(written) > 30
    assert written <= known
    assert version.schema_url == Schemas.V1_41_0.value


def test_main_renames_what_its_migration_guide_says(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """docs/gen-ai/non-normative/migration.md of semantic-conventions-genai."""
    monkeypatch.setenv(OPT_IN, "http, gen_ai_latest_experimental")
    spans = a_run(lake)
    chat, agent = said(spans["chat small"]), said(spans["invoke_agent inquest"])
    assert chat["gen_ai.usage.cache_write.input_tokens"] == 5
    assert "gen_ai.usage.cache_creation.input_tokens" not in chat
    assert not agent.keys() & {
        "gen_ai.agent.id",
        "gen_ai.agent.version",
        "gen_ai.provider.name",
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cache_write.input_tokens",
    }
    assert agent["gen_ai.agent.name"] == "inquest"


def test_the_experimental_is_asked_for_by_its_whole_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(OPT_IN, "gen_ai_latest,database")
    assert names.chosen() is names.V1_41


def test_what_a_provider_did_not_say_is_not_written(lake: Lake) -> None:
    with Tracing(lake, "inquest", operation="invoke_agent") as tracing:
        with tracing.chat(ChatRequest("small", "openai")) as chat:
            chat.answered(ChatResponse(first_chunk_s=0.1))
        with tracing.chat(REQUEST) as chat:
            chat.answered(RESPONSE)
    unsaid, _, root = tracing._finished.spans
    assert said(unsaid) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "small",
    }
    assert not [one for one in said(root) if "usage" in one]
    assert said(root)["gen_ai.provider.name"] == "inquest"
