"""What every instance reports about itself: traces, metrics and logs through OpenTelemetry."""

from __future__ import annotations

import logging
import os
import resource
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from flask import Flask
from opentelemetry import metrics, trace
from opentelemetry._logs import set_logger_provider
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.instrumentation.logging import LoggingInstrumentor
from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
from opentelemetry.instrumentation.redis import RedisInstrumentor
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor


def start() -> Callable[[], None]:
    """Set up the three signals from `OTEL_*`, instrument the libraries; gives what flushes them."""
    described = Resource.create()
    traces = TracerProvider(resource=described)
    traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(traces)
    readers = (PeriodicExportingMetricReader(OTLPMetricExporter()), PrometheusMetricReader())
    meters = MeterProvider(resource=described, metric_readers=readers)
    metrics.set_meter_provider(meters)
    logs = LoggerProvider(resource=described)
    logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
    set_logger_provider(logs)
    logging.getLogger().setLevel(logging.INFO)
    for noisy in ("psycopg.pool", "opentelemetry", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    instrument()
    observe_process()

    def flush() -> None:
        traces.shutdown()
        meters.shutdown()
        logs.shutdown()

    return flush


def instrument() -> None:
    """Turn on OpenTelemetry's own instrumentation of the libraries the services use."""
    RequestsInstrumentor().instrument()
    PsycopgInstrumentor().instrument()
    RedisInstrumentor().instrument()
    LoggingInstrumentor().instrument(log_code_attributes=True)


def instrument_app(app: Flask) -> None:
    """Turn on OpenTelemetry's own instrumentation of an app, before it gets its own hooks."""
    FlaskInstrumentor().instrument_app(app, enable_commenter=False)  # type: ignore[no-untyped-call]  # the contrib package is untyped


def observe_process() -> None:
    """Report memory, processor time and threads under the names of the `process.*` conventions."""
    meter = metrics.get_meter("shop.process")
    meter.create_observable_up_down_counter("process.memory.usage", [memory], "By")
    meter.create_observable_counter("process.cpu.time", [cpu_time], "s")
    meter.create_observable_up_down_counter("process.thread.count", [threads], "{thread}")


def memory(_options: CallbackOptions) -> Iterable[Observation]:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    yield Observation(pages * os.sysconf("SC_PAGE_SIZE"))


def cpu_time(_options: CallbackOptions) -> Iterable[Observation]:
    used = resource.getrusage(resource.RUSAGE_SELF)
    yield Observation(used.ru_utime, {"cpu.mode": "user"})
    yield Observation(used.ru_stime, {"cpu.mode": "system"})


def threads(_options: CallbackOptions) -> Iterable[Observation]:
    yield Observation(threading.active_count())
