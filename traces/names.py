"""Every OpenTelemetry name we write: the GenAI conventions' and, under `inquest.`, our own.

The conventions left OpenTelemetry's for a repository of their own after v1.41 and go on changing
there. What both call alike are constants; a `Convention` has what they call otherwise.

https://github.com/open-telemetry/semantic-conventions/tree/v1.41.0/docs/gen-ai
https://github.com/open-telemetry/semantic-conventions-genai/tree/main/docs/gen-ai
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

OPERATION: Final = "gen_ai.operation.name"
INVOKE_WORKFLOW: Final = "invoke_workflow"
INVOKE_AGENT: Final = "invoke_agent"
EXECUTE_TOOL: Final = "execute_tool"
CHAT: Final = "chat"

WORKFLOW_NAME: Final = "gen_ai.workflow.name"
AGENT_ID: Final = "gen_ai.agent.id"
AGENT_NAME: Final = "gen_ai.agent.name"
AGENT_DESCRIPTION: Final = "gen_ai.agent.description"
AGENT_VERSION: Final = "gen_ai.agent.version"
CONVERSATION_ID: Final = "gen_ai.conversation.id"

TOOL_NAME: Final = "gen_ai.tool.name"
TOOL_TYPE: Final = "gen_ai.tool.type"
DATASTORE: Final = "datastore"
TOOL_DESCRIPTION: Final = "gen_ai.tool.description"
TOOL_CALL_ID: Final = "gen_ai.tool.call.id"
TOOL_ARGUMENTS: Final = "gen_ai.tool.call.arguments"
TOOL_RESULT: Final = "gen_ai.tool.call.result"

PROVIDER: Final = "gen_ai.provider.name"
REQUEST_MODEL: Final = "gen_ai.request.model"
MAX_TOKENS: Final = "gen_ai.request.max_tokens"
TEMPERATURE: Final = "gen_ai.request.temperature"
STREAM: Final = "gen_ai.request.stream"
OUTPUT_TYPE: Final = "gen_ai.output.type"
RESPONSE_ID: Final = "gen_ai.response.id"
RESPONSE_MODEL: Final = "gen_ai.response.model"
FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"
INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
CACHE_READ_TOKENS: Final = "gen_ai.usage.cache_read.input_tokens"
REASONING_TOKENS: Final = "gen_ai.usage.reasoning.output_tokens"
TOKEN_TYPE: Final = "gen_ai.token.type"  # noqa: S105 - no password

SYSTEM_INSTRUCTIONS: Final = "gen_ai.system_instructions"
INPUT_MESSAGES: Final = "gen_ai.input.messages"
OUTPUT_MESSAGES: Final = "gen_ai.output.messages"
TOOL_DEFINITIONS: Final = "gen_ai.tool.definitions"

SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"
ERROR_TYPE: Final = "error.type"
TIMEOUT: Final = "timeout"
NOT_CONNECTED: Final = "not_connected"

NODE: Final = "inquest.node.name"
EVIDENCE: Final = "inquest.evidence.id"
USD: Final = "inquest.cost.usd"
REPLAYED: Final = "inquest.chat.replayed"
RUN: Final = "inquest.run.root"
REPORT: Final = "inquest.report.id"
VERDICT: Final = "inquest.verdict"
CHANNEL: Final = "inquest.channel"

PROVIDERS: Final = {
    "anthropic_bedrock": "aws.bedrock",
    "azure_ai": "azure.ai.inference",
    "azure_openai": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "bedrock_converse": "aws.bedrock",
    "bedrock_mantle_anthropic": "aws.bedrock",
    "bedrock_mantle_openai": "aws.bedrock",
    "google_anthropic_vertex": "gcp.vertex_ai",
    "google_genai": "gcp.gemini",
    "google_vertexai": "gcp.vertex_ai",
    "ibm": "ibm.watsonx.ai",
    "mistralai": "mistral_ai",
    "xai": "x_ai",
}
"""What the conventions call a provider that LangChain calls otherwise."""

_OPT_IN = "OTEL_SEMCONV_STABILITY_OPT_IN"


@dataclass(frozen=True, slots=True)
class Convention:
    """What one version of the conventions calls what another calls otherwise; '' is unknown to it.

    `usage` are its counters and `operation_tokens` its histograms, by the span's attribute.
    """

    schema_url: str
    cache_write_tokens: str
    chat_duration: str
    time_to_first_chunk: str
    token_usage: str = ""
    token_modality: str = ""
    usage: Mapping[str, str] = field(default_factory=dict)
    operation_tokens: Mapping[str, str] = field(default_factory=dict)
    workflow_duration: str = ""
    agent_duration: str = ""
    agent_chats: str = ""
    agent_tools: str = ""
    tool_duration: str = ""
    dropped_from_agents: frozenset[str] = frozenset()


V1_41: Final = Convention(
    schema_url="https://opentelemetry.io/schemas/1.41.0",
    cache_write_tokens="gen_ai.usage.cache_creation.input_tokens",
    chat_duration="gen_ai.client.operation.duration",
    time_to_first_chunk="gen_ai.client.operation.time_to_first_chunk",
    token_usage="gen_ai.client.token.usage",  # noqa: S106 - no password
)
_CACHE_WRITE: Final = "gen_ai.usage.cache_write.input_tokens"
MAIN: Final = Convention(
    schema_url="",
    cache_write_tokens=_CACHE_WRITE,
    chat_duration="gen_ai.client.inference.duration",
    time_to_first_chunk="gen_ai.client.inference.time_to_first_chunk",
    token_modality="gen_ai.token.modality",  # noqa: S106 - no password
    usage={
        INPUT_TOKENS: "gen_ai.client.inference.usage.input_tokens",
        OUTPUT_TOKENS: "gen_ai.client.inference.usage.output_tokens",
        CACHE_READ_TOKENS: "gen_ai.client.inference.usage.cache_read.input_tokens",
        _CACHE_WRITE: "gen_ai.client.inference.usage.cache_write.input_tokens",
        REASONING_TOKENS: "gen_ai.client.inference.usage.reasoning.output_tokens",
    },
    operation_tokens={
        INPUT_TOKENS: "gen_ai.client.inference.operation.input_tokens",
        OUTPUT_TOKENS: "gen_ai.client.inference.operation.output_tokens",
    },
    workflow_duration="gen_ai.invoke_workflow.duration",
    agent_duration="gen_ai.invoke_agent.duration",
    agent_chats="gen_ai.invoke_agent.inference_calls",
    agent_tools="gen_ai.invoke_agent.tool_calls",
    tool_duration="gen_ai.execute_tool.duration",
    dropped_from_agents=frozenset(
        (AGENT_ID, AGENT_VERSION, PROVIDER, CACHE_READ_TOKENS, _CACHE_WRITE)
    ),
)


def chosen() -> Convention:
    """The version that OTEL_SEMCONV_STABILITY_OPT_IN asks for: v1.41 unless it wants the latest."""
    wanted = {one.strip() for one in os.environ.get(_OPT_IN, "").split(",")}
    return MAIN if "gen_ai_latest_experimental" in wanted else V1_41
