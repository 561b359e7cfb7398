"""What the spans of an investigation come to as metrics of the GenAI conventions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.trace import ReadableSpan

from traces import names
from traces.names import Convention

if TYPE_CHECKING:  # it takes 50 ms to import, and a run without a model has nothing to measure
    from opentelemetry.metrics import Meter
    from opentelemetry.sdk.metrics.export import MetricsData

_TOKENS = tuple(4**power for power in range(14))
_CALL_S = tuple(0.01 * 2**power for power in range(14))
_AGENT_S = tuple(0.1 * 2**power for power in range(13))
_WORKFLOW_S = (1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200)
_CALLS = tuple(2**power for power in range(8))

_OF_CHATS = (
    names.OPERATION,
    names.PROVIDER,
    names.REQUEST_MODEL,
    names.RESPONSE_MODEL,
    names.SERVER_ADDRESS,
    names.SERVER_PORT,
)


@dataclass(frozen=True, slots=True)
class _Instrument:
    """A metric's name, unit and bucket boundaries; without boundaries it is a counter."""

    name: str
    unit: str
    bounds: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class _Point:
    """One measurement."""

    of: _Instrument
    value: float
    attributes: Mapping[str, Any]


def measured(spans: Sequence[ReadableSpan], convention: Convention) -> MetricsData | None:
    """Measure finished spans, the last of which is their root; None where there is no metric.

    The metrics are deltas over the time of the root.
    """
    points = list(_points(spans, convention))
    if not points:
        return None
    from opentelemetry.sdk.metrics import AlwaysOffExemplarFilter, Counter, Histogram, MeterProvider
    from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader

    delta = AggregationTemporality.DELTA
    reader = InMemoryMetricReader(preferred_temporality={Counter: delta, Histogram: delta})
    root = spans[-1]
    provider = MeterProvider(
        [reader], root.resource, AlwaysOffExemplarFilter(), shutdown_on_exit=False
    )
    scope = root.instrumentation_scope
    meter = provider.get_meter(
        scope.name if scope else "inquest", scope.version if scope else None, convention.schema_url
    )
    _record(meter, points)
    found = reader.get_metrics_data()
    provider.shutdown()
    return _during(root, found) if found else None


def _record(meter: Meter, points: Iterable[_Point]) -> None:
    made: dict[str, Any] = {}
    for point in points:
        name, unit, bounds = point.of.name, point.of.unit, point.of.bounds
        if not bounds:
            counter = made.get(name) or made.setdefault(name, meter.create_counter(name, unit))
            counter.add(point.value, point.attributes)
            continue
        histogram = made.get(name) or made.setdefault(
            name,
            meter.create_histogram(name, unit, explicit_bucket_boundaries_advisory=bounds),
        )
        histogram.record(point.value, point.attributes)


def _during(root: ReadableSpan, found: MetricsData) -> MetricsData:
    """Let the points cover the time of `root`: they were made when all was over."""
    times = {"start_time_unix_nano": root.start_time, "time_unix_nano": root.end_time}
    return replace(
        found,
        resource_metrics=[
            replace(
                resource,
                scope_metrics=[
                    replace(
                        scope,
                        metrics=[
                            replace(
                                metric,
                                data=replace(
                                    metric.data,
                                    data_points=[
                                        replace(point, **times)  # type: ignore[arg-type]  # mypy sees a union
                                        for point in metric.data.data_points
                                    ],
                                ),
                            )
                            for metric in scope.metrics
                        ],
                    )
                    for scope in resource.scope_metrics
                ],
            )
            for resource in found.resource_metrics
        ],
    )


def _points(spans: Sequence[ReadableSpan], convention: Convention) -> Iterator[_Point]:
    of_operation = {
        names.CHAT: _chat,
        names.EXECUTE_TOOL: _tool,
        names.INVOKE_WORKFLOW: _workflow,
        names.INVOKE_AGENT: _agent,
    }
    for span in spans:
        said = span.attributes or {}
        if measure := of_operation.get(str(said.get(names.OPERATION))):
            yield from measure(span, spans, convention)


def _chat(
    span: ReadableSpan, _: Sequence[ReadableSpan], convention: Convention
) -> Iterator[_Point]:
    """A call: how long it took and what it used; one that was replayed took no time of ours."""
    said: dict[str, Any] = dict(span.attributes or {})
    about = _only(said, *_OF_CHATS)
    failed = about | _only(said, names.ERROR_TYPE)
    if not said.get(names.REPLAYED):
        yield _Point(_Instrument(convention.chat_duration, "s", _CALL_S), _seconds(span), failed)
        if names.FIRST_CHUNK in said:
            first = _Instrument(convention.time_to_first_chunk, "s", _CALL_S)
            yield _Point(first, said[names.FIRST_CHUNK], about)
    yield from _token_usage(said, about, convention)
    yield from _token_counters(said, about, convention)
    for attribute, name in convention.operation_tokens.items():
        yield _Point(_Instrument(name, "{token}", _TOKENS), said.get(attribute, 0), failed)


def _token_usage(
    said: Mapping[str, Any], about: Mapping[str, Any], convention: Convention
) -> Iterator[_Point]:
    """The tokens of a call by type, as v1.41 has them: never where the provider did not say."""
    if not convention.token_usage:
        return
    usage = _Instrument(convention.token_usage, "{token}", _TOKENS)
    for kind, attribute in (("input", names.INPUT_TOKENS), ("output", names.OUTPUT_TOKENS)):
        if attribute in said:
            yield _Point(usage, said[attribute], {**about, names.TOKEN_TYPE: kind})


def _token_counters(
    said: Mapping[str, Any], about: Mapping[str, Any], convention: Convention
) -> Iterator[_Point]:
    """The tokens of a call as main counts them: 0 of unknown modality where none were told."""
    told = names.INPUT_TOKENS in said or names.OUTPUT_TOKENS in said
    modality = {convention.token_modality: "text" if told else "unknown"}
    for attribute, name in convention.usage.items():
        yield _Point(_Instrument(name, "{token}"), said.get(attribute, 0), {**about, **modality})


def _tool(
    span: ReadableSpan, spans: Sequence[ReadableSpan], convention: Convention
) -> Iterator[_Point]:
    if convention.tool_duration:
        said = dict(span.attributes or {})
        of_agent = _only(dict(spans[-1].attributes or {}), names.AGENT_NAME)
        about = _only(said, names.TOOL_NAME, names.TOOL_TYPE, names.ERROR_TYPE)
        took = _Instrument(convention.tool_duration, "s", _CALL_S)
        yield _Point(took, _seconds(span), about | of_agent)


def _workflow(
    span: ReadableSpan, _: Sequence[ReadableSpan], convention: Convention
) -> Iterator[_Point]:
    if convention.workflow_duration:
        about = _only(dict(span.attributes or {}), names.WORKFLOW_NAME, names.ERROR_TYPE)
        took = _Instrument(convention.workflow_duration, "s", _WORKFLOW_S)
        yield _Point(took, _seconds(span), about)


def _agent(
    span: ReadableSpan, spans: Sequence[ReadableSpan], convention: Convention
) -> Iterator[_Point]:
    if not convention.agent_duration:
        return
    said = dict(span.attributes or {})
    name = _only(said, names.AGENT_NAME)
    took = _Instrument(convention.agent_duration, "s", _AGENT_S)
    yield _Point(took, _seconds(span), name | _only(said, names.REQUEST_MODEL, names.ERROR_TYPE))
    made = [(one.attributes or {}).get(names.OPERATION) for one in spans]
    chats = _Instrument(convention.agent_chats, "{inference_call}", _CALLS)
    yield _Point(chats, made.count(names.CHAT), name)
    tools = _Instrument(convention.agent_tools, "{tool_call}", _CALLS)
    yield _Point(tools, made.count(names.EXECUTE_TOOL), name)


def _only(said: Mapping[str, Any], *wanted: str) -> dict[str, Any]:
    return {name: said[name] for name in wanted if name in said}


def _seconds(span: ReadableSpan) -> float:
    return ((span.end_time or 0) - (span.start_time or 0)) / 1e9
