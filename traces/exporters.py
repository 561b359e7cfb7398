"""Where finished spans go: the lake always, an OTLP/HTTP collector when one is configured.

Each export returns what went wrong as one sentence, empty when nothing did.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pyarrow as pa
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.trace import StatusCode, format_span_id, format_trace_id

from lake.errors import LakeError
from lake.schema import arrow_schema
from lake.store import Lake

OTLP_TIMEOUT_S = 2.0
"""How long a silent collector may hold up the end of an investigation, unless
OTEL_EXPORTER_OTLP_TIMEOUT says otherwise."""

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_TIMEOUTS = ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def export_lake(lake: Lake, spans: Sequence[ReadableSpan]) -> str:
    """Append `spans` to the lake's table `trace_span`."""
    try:
        lake.append(
            "trace_span",
            to_arrow(spans),
            batch_id=f"trace-{format_span_id(spans[-1].context.span_id)}",
        )
    except LakeError as error:
        return f"The trace of this investigation is not in the lake: {error}"
    return ""


def export_otlp(spans: Sequence[ReadableSpan]) -> str:
    """Send `spans` to the collector that OTEL_EXPORTER_OTLP_[TRACES_]ENDPOINT names, if any."""
    endpoint = _first(_ENDPOINTS)
    if not endpoint or os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return ""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    with _overheard("opentelemetry.exporter.otlp.proto.http") as said:
        exporter = OTLPSpanExporter(timeout=None if _first(_TIMEOUTS) else OTLP_TIMEOUT_S)
        result = exporter.export(spans)
        exporter.shutdown()  # type: ignore[no-untyped-call]  # the exporter left it untyped
    if result is SpanExportResult.SUCCESS:
        return ""
    why = said[0].rstrip(".") if said else "it gave no reason"
    return f"The trace of this investigation did not reach {endpoint}: {why}."


def to_arrow(spans: Sequence[ReadableSpan]) -> pa.Table:
    """Shape finished spans as rows of the table `trace_span`, as `otlp_traces.sql` would."""
    now = datetime.now(UTC)
    rows = [{"ingested_at": now, **_row(span)} for span in spans]
    return pa.Table.from_pylist(rows, schema=arrow_schema("trace_span"))


def _row(span: ReadableSpan) -> dict[str, Any]:
    started, ended = span.start_time or 0, span.end_time or 0
    resource = span.resource.attributes
    return {
        "time": _EPOCH + timedelta(microseconds=started // 1000),
        "activity_id": 1,
        "severity_id": 1,
        "status_id": 2 if span.status.status_code is StatusCode.ERROR else 1,
        "status_detail": span.status.description,
        "workload": {
            "service": resource["service.name"],
            "version": resource["service.version"],
            "instance": resource["service.instance.id"],
        },
        "trace_uid": format_trace_id(span.context.trace_id),
        "span_uid": format_span_id(span.context.span_id),
        "parent_span_uid": format_span_id(span.parent.span_id) if span.parent else None,
        "span_name": span.name,
        "span_kind": span.kind.name.lower(),
        "start_time_ns": started,
        "duration_ns": ended - started,
        "scope": span.instrumentation_scope.name if span.instrumentation_scope else None,
        "attributes": orjson.dumps(
            dict(span.attributes or {}), option=orjson.OPT_SORT_KEYS
        ).decode(),
    }


def _first(names: Sequence[str]) -> str:
    return next((value for name in names if (value := os.environ.get(name, "").strip())), "")


class _Sentences(logging.Handler):
    """Keeps what a logger says."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


@contextmanager
def _overheard(name: str) -> Iterator[list[str]]:
    """Collect what the logger `name` says instead of letting it print."""
    logger, sentences = logging.getLogger(name), _Sentences()
    propagate, logger.propagate = logger.propagate, False
    logger.addHandler(sentences)
    try:
        yield sentences.said
    finally:
        logger.removeHandler(sentences)
        logger.propagate = propagate
