"""OTLP export requests made for tests: the samples in `tests/data`, and as many as a bench wants.

`python -m tests.ingest.otlp_samples` writes the samples anew, as protobuf and as JSON.
"""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from google.protobuf import json_format  # type: ignore[import-untyped]  # ships no types
from google.protobuf.internal.encoder import _VarintBytes  # type: ignore[import-untyped]  # as above
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    ArrayValue,
    KeyValue,
    KeyValueList,
)

Request = ExportTraceServiceRequest | ExportMetricsServiceRequest | ExportLogsServiceRequest
REQUESTS: dict[str, type[Request]] = {
    "traces": ExportTraceServiceRequest,
    "metrics": ExportMetricsServiceRequest,
    "logs": ExportLogsServiceRequest,
}

DATA = Path(__file__).parents[1] / "data"
T0 = 1_736_935_200_000_000_000  # 2025-01-15T10:00:00Z
CHECKOUT = {
    "service.name": "checkout",
    "service.version": "1.4.0",
    "service.instance.id": "checkout-1",
    "service.namespace": "shop",
    "host.name": "node-7",
    "k8s.cluster.name": "prod",
    "cloud.availability_zone": "eu-west-1a",
    "cloud.region": "eu-west-1",
    "cloud.account.id": "001234567890",
    "process.command_args": ["python", "-m", "checkout"],
}
CART = {"service.name": "cart", "k8s.pod.name": "cart-abc", "k8s.node.name": "node-3"}


def any_value(value: object) -> AnyValue:
    """Write a Python value as OTLP does."""
    match value:
        case None:
            return AnyValue()
        case bool():
            return AnyValue(bool_value=value)
        case int():
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case bytes():
            return AnyValue(bytes_value=value)
        case list():
            return AnyValue(array_value=ArrayValue(values=[any_value(one) for one in value]))
        case dict():
            return AnyValue(kvlist_value=KeyValueList(values=attributes(value)))
    return AnyValue(string_value=str(value))


def attributes(values: Mapping[str, object]) -> list[KeyValue]:
    """Write an attribute list, in the order given."""
    return [KeyValue(key=key, value=any_value(value)) for key, value in values.items()]


def sample_traces() -> list[Request]:
    trace = bytes.fromhex("000000000000000012e5000000000001")
    first = ExportTraceServiceRequest()
    group = first.resource_spans.add()
    group.resource.attributes.extend(attributes(CHECKOUT))
    spans = group.scope_spans.add()
    spans.scope.name, spans.scope.version = "flask", "3.1"
    spans.spans.add(
        trace_id=trace,
        span_id=bytes.fromhex("00000000000001e5"),
        name="POST /orders",
        kind=2,
        start_time_unix_nano=T0 + 123_456_789,
        end_time_unix_nano=T0 + 223_456_789,
        trace_state="vendor=1",
        attributes=attributes(
            {
                "http.request.method": "POST",
                "url.path": "/orders",
                "http.route": "/orders",
                "http.response.status_code": 504,
                "shop.items": 3,
                "shop.total": 12.5,
                "shop.gift": False,
                "shop.skus": ["A-1", 'B "2"'],
                "shop.note": 'line\nbreak "quoted" \\ ünï',
                "shop.blob": b"\x00\xff",
                "shop.tree": {"a": {"b": [1, None]}},
                "shop.odd": float("nan"),
                "shop.empty": None,
            }
        ),
        status={"code": 2, "message": "payment did not answer"},
        events=[
            {
                "time_unix_nano": T0 + 200_000_000,
                "name": "exception",
                "attributes": attributes({"exception.type": "Timeout"}),
            }
        ],
        links=[{"trace_id": b"\xaa" * 16, "span_id": b"\xbb" * 8}],
    )
    spans.spans.add(
        trace_id=trace,
        span_id=b"\x02" * 8,
        parent_span_id=bytes.fromhex("00000000000001e5"),
        name="SELECT orders",
        kind=3,
        start_time_unix_nano=T0 + 130_000_000,
        end_time_unix_nano=T0 + 131_000_000,
        attributes=attributes(
            {
                "db.system.name": "postgresql",
                "db.namespace": "shop",
                "db.operation.name": "SELECT",
                "server.address": "db.internal",
                "server.port": 5432,
            }
        ),
        status={"code": 1},
    )
    second = ExportTraceServiceRequest()
    group = second.resource_spans.add()
    group.resource.attributes.extend(attributes(CART))
    group.scope_spans.add().spans.add(
        trace_id=trace,
        span_id=b"\x03" * 8,
        parent_span_id=b"\x02" * 8,
        name="old names",
        start_time_unix_nano=T0,
        end_time_unix_nano=T0,
        attributes=attributes(
            {
                "http.method": "GET",
                "http.target": "/cart?user=7",
                "http.status_code": 200,
                "peer.service": "catalog",
                "net.peer.name": "10.0.0.9",
                "net.peer.port": 8080,
                "db.system": "redis",
                "db.name": "0",
                "db.operation": "GET",
            }
        ),
    )
    return [first, second]


def sample_logs() -> list[Request]:
    request = ExportLogsServiceRequest()
    group = request.resource_logs.add()
    group.resource.attributes.extend(attributes(CHECKOUT))
    records = group.scope_logs.add()
    records.scope.name = "checkout.orders"
    records.log_records.add(
        time_unix_nano=T0 + 1_500,
        observed_time_unix_nano=T0 + 9_000,
        severity_number=17,
        severity_text="ERROR",
        body=any_value("order failed"),
        trace_id=bytes.fromhex("000000000000000012e5000000000001"),
        span_id=bytes.fromhex("00000000000001e5"),
        attributes=attributes(
            {
                "exception.type": "PeerError",
                "exception.message": "payment did not answer",
                "exception.stacktrace": "Traceback:\n  line 1",
                "order": 17,
            }
        ),
    )
    records.log_records.add(
        observed_time_unix_nano=T0 + 2_000_000,
        severity_number=13,
        body=any_value({"event": "retry", "attempt": 2}),
        event_name="shop.retry",
    )
    return [request]


def sample_metrics() -> list[Request]:
    request = ExportMetricsServiceRequest()
    group = request.resource_metrics.add()
    group.resource.attributes.extend(attributes(CHECKOUT))
    metrics = group.scope_metrics.add()
    metrics.scope.name = "shop"
    at = {"start_time_unix_nano": T0, "time_unix_nano": T0 + 10_000_000_000}
    ordered, turned = {"pool": "db", "state": "used"}, {"state": "used", "pool": "db"}
    gauge = metrics.metrics.add(name="pool.used", unit="{connection}").gauge.data_points
    gauge.add(as_int=7, attributes=attributes(ordered), **at)
    gauge.add(as_double=7.5, attributes=attributes(turned), time_unix_nano=T0 + 1_000)
    gauge.add(flags=1, attributes=attributes(ordered), time_unix_nano=T0 + 2_000)
    counter = metrics.metrics.add(name="requests", unit="1").sum
    counter.aggregation_temporality, counter.is_monotonic = 1, True
    counter.data_points.add(
        as_int=41,
        exemplars=[
            {
                "as_double": 0.25,
                "time_unix_nano": T0 + 5,
                "trace_id": b"\x01" * 16,
                "span_id": b"\x02" * 8,
                "filtered_attributes": attributes({"user": "u1"}),
            }
        ],
        **at,
    )
    histogram = metrics.metrics.add(name="latency", unit="s").histogram
    histogram.aggregation_temporality = 2
    histogram.data_points.add(
        count=3,
        sum=0.6,
        min=0.1,
        max=0.3,
        explicit_bounds=[0.1, 0.2],
        bucket_counts=[1, 1, 1],
        **at,
    )
    exponential = metrics.metrics.add(name="size", unit="By").exponential_histogram
    exponential.aggregation_temporality = 1
    exponential.data_points.add(
        count=7,
        sum=12.0,
        scale=0,
        zero_count=1,
        positive={"offset": 1, "bucket_counts": [2, 3]},
        negative={"offset": 0, "bucket_counts": [1]},
        **at,
    )
    metrics.metrics.add(name="rpc").summary.data_points.add(
        count=2, sum=3.0, quantile_values=[{"quantile": 0.5, "value": 1.5}], **at
    )
    return [request]


def odd_traces() -> list[Request]:
    """Spans with all that is seldom sent, and such as cannot be kept."""
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add(schema_url="https://opentelemetry.io/schemas/1.27.0")
    group.resource.attributes.extend(attributes(CART))
    group.resource.dropped_attributes_count = 2
    spans = group.scope_spans.add(schema_url="https://opentelemetry.io/schemas/1.26.0")
    spans.scope.name, spans.scope.dropped_attributes_count = "shop.cart", 1
    spans.scope.attributes.extend(attributes({"scope.kind": "library"}))
    at = {"start_time_unix_nano": T0 + 1, "end_time_unix_nano": T0 + 2}
    ids = {"trace_id": b"\x11" * 16, "span_id": b"\x22" * 8}
    spans.spans.add(
        name="receive order",
        kind=5,
        flags=0x301,
        parent_span_id=b"\x00" * 8,
        dropped_attributes_count=3,
        dropped_events_count=4,
        dropped_links_count=5,
        status={"code": 1},
        attributes=attributes({"messaging.system": "kafka", "order.id": "00123", "n": 2**62}),
        events=[
            {
                "name": 'he said "no"',
                "time_unix_nano": T0 + 1,
                "attributes": attributes({"tried": [1, {"host": "192.0.2.7"}]}),
                "dropped_attributes_count": 6,
            },
            {"name": "retry", "time_unix_nano": T0 + 2},
        ],
        links=[
            {
                "trace_id": b"\x33" * 16,
                "span_id": b"\x44" * 8,
                "trace_state": "a=1,b=2",
                "attributes": attributes({"why": "batch"}),
                "dropped_attributes_count": 7,
                "flags": 1,
            }
        ],
        **at,
        **ids,
    )
    spans.spans.add(name="ends early", **ids, start_time_unix_nano=T0, end_time_unix_nano=T0 - 1)
    spans.spans.add(name="no ids", **at)
    spans.spans.add(name="short id", trace_id=b"\x01", span_id=b"\x22" * 8, **at)
    spans.spans.add(name="no time", **ids)
    return [request]


def odd_logs() -> list[Request]:
    """Records of every kind of body, some without an id, and such as cannot be kept."""
    request = ExportLogsServiceRequest()
    group = request.resource_logs.add()
    group.resource.attributes.extend(attributes(CART | {"k8s.namespace.name": "shop"}))
    records = group.scope_logs.add().log_records
    zeros = {"trace_id": b"\x00" * 16, "span_id": b"\x00" * 8}
    bodies: list[object] = [["a", 1], b"\x00\xff", 1e5, "1e5", True, {"naïve": {"zip": "00123"}}]
    for number, body in enumerate(bodies):
        records.add(
            time_unix_nano=T0 + number,
            severity_number=1 + 4 * number,
            body=any_value(body),
            flags=1,
            dropped_attributes_count=number,
            **zeros,
        )
    records.add(time_unix_nano=T0, attributes=attributes({"only": "attributes"}))
    records.add(body=any_value("no time"))
    records.add(body=any_value("before the epoch"), time_unix_nano=2**64 - 1)
    records.add(body=any_value("short id"), time_unix_nano=T0, trace_id=b"\x01\x02")
    return [request]


def odd_metrics() -> list[Request]:
    """Points of every kind with all that is seldom sent, and such as cannot be kept."""
    request = ExportMetricsServiceRequest()
    group = request.resource_metrics.add()
    group.resource.attributes.extend(attributes(CART))
    metrics = group.scope_metrics.add().metrics
    at = {"start_time_unix_nano": T0 + 1, "time_unix_nano": T0 + 1_001}
    sums = metrics.add(
        name="orders", description='all "orders"', metadata=attributes({"prometheus.type": "x"})
    ).sum
    sums.data_points.add(as_int=2**53 + 1, **at)
    sums.data_points.add(as_double=float("nan"), **at)
    sums.data_points.add(as_int=1)
    exponential = metrics.add(name="latency").exponential_histogram
    exponential.aggregation_temporality = 2
    points = exponential.data_points
    points.add(count=3, zero_count=3, zero_threshold=1e-9, scale=20, min=0.0, max=1e-9, **at)
    points.add(count=1, scale=-10, positive={"offset": 2, "bucket_counts": [1]}, flags=2, **at)
    histogram = metrics.add(name="size").histogram
    histogram.aggregation_temporality = 1
    histogram.data_points.add(count=2, sum=float("inf"), bucket_counts=[2], **at)
    metrics.add(name="no points").gauge.SetInParent()
    metrics.add(name="no data")
    return [request]


def cloudwatch_metrics() -> list[Request]:
    """What a CloudWatch metric stream sends as OpenTelemetry 1.0."""
    resource = {
        "cloud.provider": "aws",
        "cloud.account.id": "111122223333",
        "cloud.region": "eu-west-1",
        "aws.exporter.arn": "arn:aws:cloudwatch:eu-west-1:111122223333:metric-stream/shop",
    }
    requests: list[Request] = []
    for number, (name, unit) in enumerate([("CPUUtilization", "%"), ("ReadLatency", "s")]):
        request = ExportMetricsServiceRequest()
        group = request.resource_metrics.add()
        group.resource.attributes.extend(attributes(resource))
        named: dict[str, object] = {"Namespace": "AWS/RDS", "MetricName": name}
        metric = group.scope_metrics.add().metrics.add(name=f"amazonaws.com/AWS/RDS/{name}")
        metric.unit = unit
        values = {0.0: 1.5, 0.99: 8.5, 1.0: 9.5}
        metric.summary.data_points.add(
            start_time_unix_nano=T0 + number * 60_000_000_000,
            time_unix_nano=T0 + (number + 1) * 60_000_000_000,
            count=4,
            sum=22.0,
            quantile_values=[{"quantile": q, "value": v} for q, v in values.items()],
            attributes=attributes(named | {"Dimensions": {"DBInstanceIdentifier": "orders-db"}}),
        )
        requests.append(request)
    return requests


def varint_framed(bodies: Iterable[bytes]) -> bytes:
    """Join bodies as a CloudWatch metric stream does."""
    return b"".join(_VarintBytes(len(body)) + body for body in bodies)


def framed(bodies: Iterable[bytes]) -> bytes:
    """Join bodies as the OTel Collector's file exporter does."""
    return b"".join(len(body).to_bytes(4) + body for body in bodies)


def as_json(request: Request) -> str:
    """Write a request as OTLP/JSON: protobuf's JSON, but ids in hex and enums as numbers."""

    def with_hex_ids(value: Any) -> Any:
        if isinstance(value, list):
            return [with_hex_ids(one) for one in value]
        if not isinstance(value, dict):
            return value
        ids = ("traceId", "spanId", "parentSpanId")
        return {
            key: base64.b64decode(one).hex() if key in ids else with_hex_ids(one)
            for key, one in value.items()
        }

    plain = json_format.MessageToDict(request, use_integers_for_enums=True)
    return json.dumps(with_hex_ids(plain), ensure_ascii=False)


def many(signal: str, records: int, seed: int = 1, in_a_body: int = 500) -> Iterable[bytes]:
    """Make export requests of some hundred records each, like those of instrumented services."""
    rng = random.Random(seed)
    for number in range(records // in_a_body):
        resource = CHECKOUT | {
            "service.name": f"service-{number % 8}",
            "service.instance.id": f"instance-{number % 16}",
        }
        yield _MAKERS[signal](resource, rng, in_a_body).SerializeToString()


def _spans(resource: Mapping[str, object], rng: random.Random, count: int) -> Request:
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    group.resource.attributes.extend(attributes(resource))
    scope = group.scope_spans.add()
    scope.scope.name = "opentelemetry.instrumentation.flask"
    for index in range(count):
        start = T0 + rng.randrange(600_000_000_000)
        described = {
            "http.request.method": "GET",
            "url.path": f"/cart/{rng.randrange(1_000_000)}",
            "http.route": "/cart/{id}",
            "http.response.status_code": 200,
            "server.address": "cart.internal",
            "server.port": 8080,
            "user_agent.original": "shop/7.4",
            "client.address": f"10.0.0.{rng.randrange(256)}",
        }
        scope.spans.add(
            trace_id=rng.randbytes(16),
            span_id=rng.randbytes(8),
            parent_span_id=rng.randbytes(8) if index % 3 else b"",
            name="GET /cart/{id}",
            kind=2 + index % 2,
            start_time_unix_nano=start,
            end_time_unix_nano=start + rng.randrange(1_000_000_000),
            attributes=attributes(described),
        )
    return request


def _records(resource: Mapping[str, object], rng: random.Random, count: int) -> Request:
    request = ExportLogsServiceRequest()
    group = request.resource_logs.add()
    group.resource.attributes.extend(attributes(resource))
    scope = group.scope_logs.add()
    scope.scope.name = "shop.orders"
    for _ in range(count):
        scope.log_records.add(
            time_unix_nano=T0 + rng.randrange(600_000_000_000),
            severity_number=9,
            severity_text="INFO",
            body=any_value(f"order {rng.randrange(1_000_000)} placed by u{rng.randrange(1000)}"),
            trace_id=rng.randbytes(16),
            span_id=rng.randbytes(8),
            attributes=attributes({"code.function": "place", "code.lineno": 42, "tenant": "acme"}),
        )
    return request


def _points(resource: Mapping[str, object], rng: random.Random, count: int) -> Request:
    request = ExportMetricsServiceRequest()
    group = request.resource_metrics.add()
    group.resource.attributes.extend(attributes(resource))
    scope = group.scope_metrics.add()
    scope.scope.name = "shop"
    at = {"start_time_unix_nano": T0, "time_unix_nano": T0 + rng.randrange(600_000_000_000)}
    counter = scope.metrics.add(name="http.server.requests", unit="1").sum
    counter.aggregation_temporality, counter.is_monotonic = 2, True
    histogram = scope.metrics.add(name="http.server.request.duration", unit="s").histogram
    histogram.aggregation_temporality = 2
    for index in range(count):
        route = {"http.route": f"/r/{index % 50}", "http.request.method": "GET", "code": index}
        if index % 2:
            counter.data_points.add(as_int=rng.randrange(10**6), attributes=attributes(route), **at)
            continue
        histogram.data_points.add(
            count=100,
            sum=rng.random() * 100,
            explicit_bounds=[0.01, 0.05, 0.1, 0.5, 1, 5],
            bucket_counts=[10, 20, 30, 20, 10, 5, 5],
            attributes=attributes(route),
            **at,
        )
    return request


_MAKERS = {"traces": _spans, "logs": _records, "metrics": _points}
SAMPLES = {"traces": sample_traces, "logs": sample_logs, "metrics": sample_metrics}


ODD = {"traces": odd_traces, "logs": odd_logs, "metrics": odd_metrics}


if __name__ == "__main__":
    for suffix, samples in {"": SAMPLES, "_odd": ODD}.items():
        for signal, sample in samples.items():
            folder = DATA / f"otlp_{signal}"
            requests = sample()
            bodies = framed(request.SerializeToString() for request in requests)
            (folder / f"input{suffix}.otlp.binpb").write_bytes(bodies)
            lines = "".join(f"{as_json(request)}\n" for request in requests)
            (folder / f"input{suffix}.jsonl").write_text(lines, "utf-8")
    streamed = varint_framed(request.SerializeToString() for request in cloudwatch_metrics())
    (DATA / "otlp_metrics" / "input_cloudwatch.binpb").write_bytes(streamed)
