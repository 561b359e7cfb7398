"""What the root span says of the whole investigation, and how an error is called."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from importlib.metadata import metadata, version
from typing import Any, Literal

from opentelemetry.sdk.trace import ReadableSpan

from traces import names
from traces.names import Convention

Root = Literal["invoke_workflow", "invoke_agent"]

_NOT_CONNECTED = frozenset(
    (
        "ClientConnectorError",
        "ConnectError",
        "ConnectTimeout",
        "ConnectTimeoutError",
        "ConnectionRefusedError",
        "EndpointConnectionError",
        "NameResolutionError",
        "NewConnectionError",
        "gaierror",
    )
)
"""What clients raise that could not even connect: httpx, aiohttp, botocore, urllib3, sockets."""

_ALIKE = (
    names.PROVIDER,
    names.REQUEST_MODEL,
    names.MAX_TOKENS,
    names.TEMPERATURE,
    names.OUTPUT_TYPE,
)


def root_attributes(
    operation: Root, name: str, thread: str, convention: Convention
) -> dict[str, str]:
    """What is known when the root span opens."""
    attributes: dict[str, str] = {names.OPERATION: operation}
    if operation == names.INVOKE_WORKFLOW:
        attributes[names.WORKFLOW_NAME] = name
    else:
        attributes |= {names.AGENT_NAME: name, names.PROVIDER: "inquest"} | _agent()
    if thread:
        attributes[names.CONVERSATION_ID] = thread
    return _known(attributes, convention) if operation == names.INVOKE_AGENT else attributes


def summed_up(
    operation: Root, spans: Sequence[ReadableSpan], convention: Convention
) -> dict[str, Any]:
    """What an agent's calls have in common, how the last ended and what all used.

    A sum of which a provider kept a part to itself is not known.
    """
    chats = [said for span in spans if (said := _of_chat(span))]
    if operation != names.INVOKE_AGENT or not chats:
        return {}
    alike = {name: chats[0][name] for name in _ALIKE if name in chats[0]}
    alike = {
        name: value
        for name, value in alike.items()
        if all(chat.get(name) == value for chat in chats)
    }
    ended = {name: chats[-1][name] for name in (names.FINISH_REASONS,) if name in chats[-1]}
    counted = (
        names.INPUT_TOKENS,
        names.OUTPUT_TOKENS,
        names.CACHE_READ_TOKENS,
        convention.cache_write_tokens,
    )
    used = {
        name: sum(chat[name] for chat in chats)
        for name in counted
        if all(name in chat for chat in chats)
    }
    return _known(alike | ended | used, convention)


def error_type(error: BaseException) -> str:
    """Call an error by the status that was answered, `not_connected`, `timeout`, or its class."""
    chain = [*_causes(error)]
    for one in chain:
        status = getattr(one, "status_code", None)
        if isinstance(status, int):
            return str(status)
    if any(type(one).__name__ in _NOT_CONNECTED for one in chain):
        return names.NOT_CONNECTED
    if any(isinstance(one, TimeoutError) for one in chain):
        return names.TIMEOUT
    kind = type(error)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


def is_free(kind: str) -> bool:
    """Whether a call that failed so cost nothing: it was refused with a status, or never arrived.

    A provider bills what it began to answer, whether or not anybody went on listening.
    """
    return kind.isdecimal() or kind == names.NOT_CONNECTED


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error:
        yield error
        error = error.__cause__


@cache
def _agent() -> dict[str, str]:
    """Who the agent is: the same whatever it is asked and wherever it runs."""
    return {
        names.AGENT_ID: "inquest",
        names.AGENT_VERSION: version("inquest"),
        names.AGENT_DESCRIPTION: metadata("inquest")["Summary"],
    }


def _of_chat(span: ReadableSpan) -> dict[str, Any]:
    said = dict(span.attributes or {})
    return said if said.get(names.OPERATION) == names.CHAT else {}


def _known(attributes: dict[str, Any], convention: Convention) -> dict[str, Any]:
    return {
        name: value
        for name, value in attributes.items()
        if name not in convention.dropped_from_agents
    }
