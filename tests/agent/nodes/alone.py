"""A node of the graph alone: what it returns of a state, on a lake as it is now."""

from __future__ import annotations

from collections.abc import Callable

from langgraph.runtime import Runtime

from agent.config import Request
from agent.nodes.context import Context
from agent.state import Investigation
from agent.tools.notebook import Notebook
from lake.store import Lake
from traces.tracer import Tracing

NOTHING_ASKED = Request()

Node = Callable[[Investigation, Runtime[Context]], Investigation]


def alone(
    node: Node, lake: Lake, state: Investigation, request: Request = NOTHING_ASKED
) -> Investigation:
    """Run a node without the others."""
    with Tracing(lake, "test") as tracing:
        context = Context(request, Notebook(lake.at(), tracing), lambda _: None)
        return node(state, Runtime(context=context))
