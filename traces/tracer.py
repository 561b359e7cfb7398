"""The trace of one investigation: a root span, one a graph node, one a query, one a model call."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import cache
from importlib.metadata import version
from types import TracebackType
from typing import Literal, Self

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    Span,
    SpanKind,
    Status,
    StatusCode,
    format_trace_id,
    get_current_span,
    set_span_in_context,
    use_span,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from lake.store import Lake
from traces import names
from traces.chat import ChatRequest, ChatSpan
from traces.cost import Cost, cost_of
from traces.exporters import export_lake, export_otlp

_log = logging.getLogger(__name__)

Root = Literal["invoke_workflow", "invoke_agent"]


class Tracing:
    """Traces what happens inside its `with`; on the way out the spans go to the lake and by OTLP.

    `thread` is the id of a real conversation, if there is one. `warn` gets one sentence for each
    place the spans could not be exported to: that never fails the investigation. A W3C trace
    context in the environment's TRACEPARENT becomes the parent of the root span.
    """

    def __init__(
        self,
        lake: Lake,
        name: str,
        *,
        operation: Root = "invoke_workflow",
        thread: str = "",
        warn: Callable[[str], None] = _log.warning,
    ) -> None:
        self._lake = lake
        self._warn = warn
        self._finished = _Finished()
        self._tracer = _provider(self._finished).get_tracer("inquest", version("inquest"))
        self._root = self._tracer.start_span(
            f"{operation} {name}", _parent(), attributes=_root_attributes(operation, name, thread)
        )
        self._started = time.perf_counter()
        self._open = ExitStack()

    @property
    def trace_id(self) -> str:
        """The trace's 32 hexadecimal digits."""
        return format_trace_id(self._root.get_span_context().trace_id)

    def __enter__(self) -> Self:
        self._open.enter_context(_active(self._root))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self._open.__exit__(kind, error, traceback)
        finally:
            for export in (lambda spans: export_lake(self._lake, spans), export_otlp):
                if failure := export(self._finished.spans):
                    self._warn(failure)

    def node(self, name: str) -> AbstractContextManager[Span]:
        """Span a node of the graph."""
        return self._span(name, {names.NODE: name})

    def tool(self, name: str, evidence: str = "") -> AbstractContextManager[Span]:
        """Span a query of the lake; `evidence` is the id its answer will carry."""
        attributes = {
            names.OPERATION: names.EXECUTE_TOOL,
            names.TOOL_NAME: name,
            names.TOOL_TYPE: "datastore",
        }
        if evidence:
            attributes[names.EVIDENCE] = evidence
        return self._span(f"{names.EXECUTE_TOOL} {name}", attributes)

    @contextmanager
    def chat(self, request: ChatRequest) -> Iterator[ChatSpan]:
        """Span a call of a language model; say what came back with `ChatSpan.answered`."""
        attributes = {
            names.OPERATION: names.CHAT,
            names.REQUEST_MODEL: request.model,
            names.PROVIDER: request.provider,
        }
        with self._span(f"{names.CHAT} {request.model}", attributes, SpanKind.CLIENT) as span:
            yield ChatSpan(span)

    def cost(self) -> Cost:
        """Add up what the spans finished so far took."""
        return cost_of(
            self._finished.spans,
            wall_s=time.perf_counter() - self._started,
            trace_id=self.trace_id,
        )

    def _span(
        self, name: str, attributes: dict[str, str], kind: SpanKind = SpanKind.INTERNAL
    ) -> AbstractContextManager[Span]:
        return _active(self._tracer.start_span(name, self._context(), kind, attributes))

    def _context(self) -> Context | None:
        """Where a new span belongs: under the current one of this trace, else under the root."""
        current = get_current_span().get_span_context().trace_id
        if current == self._root.get_span_context().trace_id:
            return None
        return set_span_in_context(self._root)


class _Finished(SpanProcessor):
    """Keeps the ended spans until the investigation is over."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        self.spans.append(span)


@contextmanager
def _active(span: Span) -> Iterator[Span]:
    """Make `span` the current one; end it on the way out, marked with the error if there was one.

    The exception's stack is not recorded: it may hold rows of the lake.
    """
    with use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        try:
            yield span
        except BaseException as error:
            span.set_attribute(names.ERROR_TYPE, _error_type(error))
            span.set_status(Status(StatusCode.ERROR, str(error)))
            raise


def _error_type(error: BaseException) -> str:
    kind = type(error)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


def _provider(finished: _Finished) -> TracerProvider:
    provider = TracerProvider(ALWAYS_ON, _resource(), shutdown_on_exit=False)
    # OTEL_SDK_DISABLED stops what leaves the machine; the report's cost is read from these spans.
    provider._disabled = False  # noqa: SLF001 - there is no public way to say so
    provider.add_span_processor(finished)
    return provider


@cache
def _resource() -> Resource:
    return Resource.create({"service.name": "inquest", "service.version": version("inquest")})


def _parent() -> Context | None:
    traceparent = os.environ.get("TRACEPARENT")
    if not traceparent:
        return None
    return TraceContextTextMapPropagator().extract({"traceparent": traceparent})


def _root_attributes(operation: Root, name: str, thread: str) -> dict[str, str]:
    named = names.WORKFLOW_NAME if operation == names.INVOKE_WORKFLOW else names.AGENT_NAME
    attributes = {names.OPERATION: operation, named: name}
    return attributes | ({names.CONVERSATION_ID: thread} if thread else {})
