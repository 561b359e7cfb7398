"""Where spans and metrics go: the lake always, an OTLP/HTTP collector when one is configured.

Each export returns what went wrong as one sentence, empty when nothing did.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson
import pyarrow as pa
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.trace import StatusCode, format_span_id, format_trace_id

from lake.errors import LakeError
from lake.schema import arrow_schema
from lake.store import Lake

if TYPE_CHECKING:  # it takes 50 ms to import, and most runs have no metrics
    from opentelemetry.sdk.metrics.export import Metric, MetricsData

OTLP_TIMEOUT_S = 2.0
"""How long a silent collector may hold up the end of an investigation, unless
OTEL_EXPORTER_OTLP_TIMEOUT says otherwise."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def export_lake(lake: Lake, spans: Sequence[ReadableSpan], metrics: MetricsData | None) -> str:
    """Append `spans` to the lake's table `trace_span`, and `metrics` to `metric_point`."""
    run = format_span_id(spans[-1].context.span_id)
    try:
        lake.append("trace_span", to_arrow(spans), batch_id=f"trace-{run}")
        if metrics:
            lake.append("metric_point", points_to_arrow(metrics), batch_id=f"metrics-{run}")
    except LakeError as error:
        return f"The trace of this investigation is not in the lake: {error}"
    return ""


def export_otlp(spans: Sequence[ReadableSpan], metrics: MetricsData | None) -> str:
    """Send `spans` and `metrics` to the collector that OTEL_EXPORTER_OTLP_ENDPOINT names, if any.

    What OpenTelemetry's environment variables say of one signal is kept to, too. After a failure
    nothing more is sent: a silent collector holds up an investigation once.
    """
    if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return ""
    return (_wants("TRACES") and _send_spans(spans)) or (
        (metrics and _wants("METRICS") and _send_metrics(metrics)) or ""
    )


def _send_spans(spans: Sequence[ReadableSpan]) -> str:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    with _overheard("opentelemetry.exporter.otlp.proto.http") as said:
        exporter = OTLPSpanExporter(timeout=_timeout("TRACES"))
        result = exporter.export(spans)
        exporter.shutdown()  # type: ignore[no-untyped-call]  # the exporter left it untyped
    return "" if result is SpanExportResult.SUCCESS else _unreached("TRACES", "trace", said)


def _send_metrics(metrics: MetricsData) -> str:
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics.export import MetricExportResult

    with _overheard("opentelemetry.exporter.otlp.proto.http") as said:
        exporter = OTLPMetricExporter(timeout=_timeout("METRICS"))
        result = exporter.export(metrics)
        exporter.shutdown()
    return "" if result is MetricExportResult.SUCCESS else _unreached("METRICS", "metrics", said)


def _wants(signal: str) -> str:
    """The endpoint of a signal; empty if there is none, or the signal is switched off."""
    if os.environ.get(f"OTEL_{signal}_EXPORTER", "").strip().lower() == "none":
        return ""
    return _setting(signal, "ENDPOINT")


def _timeout(signal: str) -> float | None:
    return None if _setting(signal, "TIMEOUT") else OTLP_TIMEOUT_S


def _unreached(signal: str, what: str, said: list[str]) -> str:
    endpoint = _setting(signal, "ENDPOINT")
    why = _without(endpoint, said[0]).rstrip(".") if said else "it gave no reason"
    return f"The {what} of this investigation did not reach {_place(endpoint)}: {why}."


def _place(endpoint: str) -> str:
    """The scheme, host and port of an endpoint: the rest of it may be a password or a token."""
    try:
        parts = urlsplit(endpoint)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        host = None
    return f"{parts.scheme}://{host}{port}" if host else "the collector"


def _without(endpoint: str, said: str) -> str:
    """What a client says, without what it repeats of an endpoint that may be a secret."""
    _, _, rest = endpoint.rpartition("//")
    user, _, _ = rest.rpartition("@")
    _, _, path = rest.partition("/")
    for part in (endpoint, user, path):
        said = said.replace(part, "…") if part else said
    return said


def _setting(signal: str, name: str) -> str:
    of_all = os.environ.get(f"OTEL_EXPORTER_OTLP_{name}", "").strip()
    return os.environ.get(f"OTEL_EXPORTER_OTLP_{signal}_{name}", "").strip() or of_all


def to_arrow(spans: Sequence[ReadableSpan]) -> pa.Table:
    """Shape finished spans as rows of the table `trace_span`, as `otlp_traces.sql` would."""
    now = datetime.now(UTC)
    rows = [{"ingested_at": now, **_row(span)} for span in spans]
    return pa.Table.from_pylist(rows, schema=arrow_schema("trace_span"))


def points_to_arrow(metrics: MetricsData) -> pa.Table:
    """Shape data points as rows of the table `metric_point`, as `otlp_metrics.sql` would.

    A series is the same whichever run it is of, so that runs can be told apart by time.
    """
    now = datetime.now(UTC)
    rows = [
        {"ingested_at": now, **_point(resource.resource, scope.scope.name, metric, point)}
        for resource in metrics.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        for point in metric.data.data_points
    ]
    return pa.Table.from_pylist(rows, schema=arrow_schema("metric_point"))


def _row(span: ReadableSpan) -> dict[str, Any]:
    started, ended = span.start_time or 0, span.end_time or 0
    state = span.context.trace_state.to_header()
    return {
        "time": _at(started),
        "activity_id": 1,
        "severity_id": 1,
        "status_id": 2 if span.status.status_code is StatusCode.ERROR else 1,
        "status_detail": span.status.description,
        "workload": _workload(span.resource),
        "trace_uid": format_trace_id(span.context.trace_id),
        "span_uid": format_span_id(span.context.span_id),
        "parent_span_uid": format_span_id(span.parent.span_id) if span.parent else None,
        "span_name": span.name,
        "span_kind": span.kind.name.lower(),
        "start_time_ns": started,
        "duration_ns": ended - started,
        "scope": span.instrumentation_scope.name if span.instrumentation_scope else None,
        "attributes": _json(span.attributes or {}),
        "unmapped": _json({"trace_state": state}) if state else None,
    }


def _point(resource: Resource, scope: str, metric: Metric, point: Any) -> dict[str, Any]:
    counted = not hasattr(point, "bucket_counts")
    attributes = _json(point.attributes)
    who = _workload(resource)
    series = "\x1f".join((who["service"], who["version"], scope, metric.name, attributes))
    return {
        "time": _at(point.time_unix_nano),
        "time_ns": point.time_unix_nano,
        "activity_id": 1,
        "severity_id": 1,
        "status_id": 0,
        "workload": who,
        "series_uid": hashlib.md5(series.encode(), usedforsecurity=False).hexdigest(),
        "metric_name": metric.name,
        "unit": metric.unit,
        "metric_type": "sum" if counted else "histogram",
        "temporality": "delta",
        "is_monotonic": True if counted else None,
        "start_time": _at(point.start_time_unix_nano),
        "attributes": attributes,
    } | ({"value": float(point.value)} if counted else _buckets(point))


def _buckets(point: Any) -> dict[str, Any]:
    return {
        "sum": float(point.sum),
        "count": point.count,
        "min": float(point.min),
        "max": float(point.max),
        "explicit_bounds": list(map(float, point.explicit_bounds)),
        "bucket_counts": list(point.bucket_counts),
    }


def _workload(resource: Resource) -> dict[str, str]:
    said = resource.attributes
    return {
        "service": str(said["service.name"]),
        "version": str(said["service.version"]),
        "instance": str(said["service.instance.id"]),
    }


def _at(nanoseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=nanoseconds // 1000)


def _json(value: Mapping[str, Any]) -> str:
    return orjson.dumps(dict(value), option=orjson.OPT_SORT_KEYS).decode()


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
