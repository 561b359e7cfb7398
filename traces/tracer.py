"""The trace of one investigation: a root span, one a graph node, one a query, one a model call."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import cache
from importlib.metadata import version
from types import TracebackType
from typing import Any, Literal, Self

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    INVALID_SPAN_CONTEXT,
    Span,
    SpanKind,
    Status,
    StatusCode,
    format_span_id,
    format_trace_id,
    get_current_span,
    set_span_in_context,
    use_span,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from lake.store import Lake
from traces import names
from traces.chat import ChatRequest, ChatSpan, requested
from traces.content import Content, Redact, as_object
from traces.cost import Cost, cost_of
from traces.exporters import export_lake, export_otlp
from traces.metrics import measured
from traces.root import Root, error_type, root_attributes, summed_up

_log = logging.getLogger(__name__)

_W3C = TraceContextTextMapPropagator()

Tool = Literal["datastore", "function", "extension"]


class Tracing:
    """Traces what happens inside its `with`; on the way out it goes to the lake and by OTLP.

    `thread` is the id of a real conversation, if there is one. `redact` makes a text fit to be
    written: without one no error's description is, nor any content. `warn` gets one sentence for
    each place that could not be exported to: that never fails the investigation.

    The parent of the root span is the W3C trace context `continues`, which is that of a killed run,
    else that in the environment's TRACEPARENT and TRACESTATE.
    """

    def __init__(
        self,
        lake: Lake,
        name: str,
        *,
        operation: Root = "invoke_workflow",
        thread: str = "",
        continues: str = "",
        redact: Redact | None = None,
        warn: Callable[[str], None] = _log.warning,
    ) -> None:
        self._lake = lake
        self._warn = warn
        self._operation = operation
        self._thread = thread
        self._content = Content(redact)
        self._convention = names.chosen()
        self._finished = _Finished()
        self._tracer = _provider(self._finished).get_tracer(
            "inquest", version("inquest"), self._convention.schema_url
        )
        parent = _parent(continues)
        self._root = self._tracer.start_span(
            f"{operation} {name}",
            parent,
            attributes=root_attributes(operation, name, thread, self._convention),
        )
        killed = get_current_span(parent).get_span_context() if continues else INVALID_SPAN_CONTEXT
        first = killed if killed.is_valid else self._root.get_span_context()
        self._root.set_attribute(names.RUN, format_span_id(first.span_id))
        self._started = time.perf_counter()
        self._open = ExitStack()

    @property
    def trace_id(self) -> str:
        """The trace's 32 hexadecimal digits."""
        return format_trace_id(self._root.get_span_context().trace_id)

    @property
    def traceparent(self) -> str:
        """The W3C trace context of the root span: with it another run can go on with this one."""
        carrier: dict[str, str] = {}
        _W3C.inject(carrier, set_span_in_context(self._root))
        return carrier["traceparent"]

    def __enter__(self) -> Self:
        self._open.enter_context(self._active(self._root))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        spans = self._finished.spans
        self._root.set_attributes(summed_up(self._operation, spans, self._convention))
        try:
            self._open.__exit__(kind, error, traceback)
        finally:
            self._export()

    def _export(self) -> None:
        spans = self._finished.spans
        metrics = measured(spans, self._convention)
        for failure in (export_lake(self._lake, spans, metrics), export_otlp(spans, metrics)):
            if failure:
                self._warn(failure)

    def node(self, name: str) -> AbstractContextManager[Span]:
        """Span a node of the graph."""
        return self._span(name, {names.NODE: name})

    def tool(
        self,
        name: str,
        evidence: str = "",
        call_id: str = "",
        arguments: str = "",
        *,
        description: str = "",
        kind: Tool = "datastore",
    ) -> AbstractContextManager[Span]:
        """Span a tool; `evidence` is the id that its answer will carry.

        A query of the lake is a `datastore`; a `function` is what the model called, with the JSON
        `arguments` under `call_id`. Say what a call gave with `returned`.
        """
        attributes = {
            names.OPERATION: names.EXECUTE_TOOL,
            names.TOOL_NAME: name,
            names.TOOL_TYPE: kind,
            names.TOOL_DESCRIPTION: description,
            names.TOOL_CALL_ID: call_id,
            names.EVIDENCE: evidence,
            names.TOOL_ARGUMENTS: self._content.json(lambda: as_object(arguments)),
        }
        return self._span(
            f"{names.EXECUTE_TOOL} {name}",
            {name: value for name, value in attributes.items() if value},
        )

    def returned(self, tool: Span, result: str) -> None:
        """Write what a tool gave back, where content is wanted."""
        if captured := self._content.json(lambda: as_object(result)):
            tool.set_attribute(names.TOOL_RESULT, captured)

    @contextmanager
    def chat(self, request: ChatRequest) -> Iterator[ChatSpan]:
        """Span a call of a language model; say what came back with `ChatSpan.answered`."""
        attributes = requested(request, self._thread, self._content)
        with self._span(f"{names.CHAT} {request.model}", attributes, SpanKind.CLIENT) as span:
            yield ChatSpan(span, request, self._convention, self._content)

    def concluded(self, report: str = "", verdict: str = "", channel: str = "") -> None:
        """Write on the root span which report came of it, with what verdict, for which channel."""
        said = {names.REPORT: report, names.VERDICT: verdict, names.CHANNEL: channel}
        self._root.set_attributes({name: value for name, value in said.items() if value})

    def cost(self) -> Cost:
        """Add up what the spans finished so far took."""
        return cost_of(
            self._finished.spans,
            wall_s=time.perf_counter() - self._started,
            trace_id=self.trace_id,
        )

    def _span(
        self, name: str, attributes: Mapping[str, Any], kind: SpanKind = SpanKind.INTERNAL
    ) -> AbstractContextManager[Span]:
        return self._active(self._tracer.start_span(name, self._context(), kind, attributes))

    @contextmanager
    def _active(self, span: Span) -> Iterator[Span]:
        """Make `span` the current one; end it on the way out, marked with the error if any.

        The exception's stack is not recorded: it may hold rows of the lake.
        """
        with use_span(
            span, end_on_exit=True, record_exception=False, set_status_on_exception=False
        ):
            try:
                yield span
            except BaseException as error:
                span.set_attribute(names.ERROR_TYPE, error_type(error))
                why = self._content.text(str(error)) or None
                span.set_status(Status(StatusCode.ERROR, why))
                raise

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


def _provider(finished: _Finished) -> TracerProvider:
    provider = TracerProvider(ALWAYS_ON, _resource(), shutdown_on_exit=False)
    # OTEL_SDK_DISABLED stops what leaves the machine; the report's cost is read from these spans.
    provider._disabled = False  # noqa: SLF001 - there is no public way to say so
    provider.add_span_processor(finished)
    return provider


@cache
def _resource() -> Resource:
    return Resource.create({"service.name": "inquest", "service.version": version("inquest")})


def _parent(continues: str) -> Context | None:
    environment = {name: os.environ.get(name.upper(), "") for name in ("traceparent", "tracestate")}
    carrier = {"traceparent": continues} if continues else environment
    return _W3C.extract(carrier) if carrier["traceparent"] else None
