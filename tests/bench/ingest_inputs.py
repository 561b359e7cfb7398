"""Inputs for the bench of ingest, of any number of events, as their programs write them."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator

from tests.ingest.otlp_samples import framed, many

_LEVELS = ("info", "info", "info", "warn", "error")


def json_log(events: int) -> Iterator[str]:
    """Structured lines of a service, as zap or structlog are set up to write."""
    rng = random.Random(1)
    for i in range(events):
        record = {
            "timestamp": f"2025-01-15T10:{i % 3600 // 60:02}:{i % 60:02}.{rng.randrange(1000):03}Z",
            "level": rng.choice(_LEVELS),
            "logger": "shop.orders",
            "message": f"order {rng.randrange(10**6)} placed by u{rng.randrange(1000)}",
            "service": f"service-{i % 8}",
            "version": "1.4.0",
            "host": f"node-{i % 5}",
            "trace_id": rng.randbytes(16).hex(),
            "span_id": rng.randbytes(8).hex(),
            "order_id": f"{rng.randrange(10**6):08}",
            "duration_ms": rng.randrange(1000),
            "tenant": "acme",
        }
        yield json.dumps(record) + "\n"


def nginx(events: int) -> Iterator[str]:
    """Lines of an access log with upstream times."""
    rng = random.Random(1)
    for i in range(events):
        yield (
            f"203.0.113.{rng.randrange(256)} - - "
            f"[15/Jan/2025:10:{i % 3600 // 60:02}:{i % 60:02} +0000] "
            f'"GET /api/products/{rng.randrange(10_000)}?page={i % 9} HTTP/1.1" '
            f'200 {rng.randrange(9999)} "https://shop.example/" "Mozilla/5.0 (X11; Linux x86_64)" '
            f"rt=0.0{rng.randrange(10, 99)} uct=0.001 urt=0.0{rng.randrange(10, 99)} "
            f"ua=10.0.0.{i % 4}:8080 rid={rng.randbytes(16).hex()}\n"
        )


def syslog_rfc5424(events: int) -> Iterator[str]:
    """Messages with structured data, one a line."""
    rng = random.Random(1)
    for i in range(events):
        at = f"2025-01-15T10:{i % 3600 // 60:02}:{i % 60:02}.{rng.randrange(1000):03}Z"
        yield (
            f"<{rng.choice((134, 134, 132, 131))}>1 {at} node-{i % 5} orders {i % 900} ID47 "
            f'[shop@32473 tenant="acme" order="{rng.randrange(10**6):08}"] '
            f"order {rng.randrange(10**6)} placed by u{rng.randrange(1000)}\n"
        )


def syslog_rfc3164(events: int) -> Iterator[str]:
    """Messages as they are sent, one a line."""
    rng = random.Random(1)
    for i in range(events):
        yield (
            f"<{rng.choice((134, 134, 132, 131))}>Jan 15 10:{i % 3600 // 60:02}:{i % 60:02} "
            f"node-{i % 5} orders[{i % 900}]: "
            f"order {rng.randrange(10**6)} placed by u{rng.randrange(1000)}\n"
        )


def cloudtrail(events: int) -> Iterator[str]:
    """Management events, one a line."""
    rng = random.Random(1)
    for i in range(events):
        role = f"arn:aws:sts::111122223333:assumed-role/deploy/ci-{i % 50}"
        event = {
            "eventVersion": "1.09",
            "userIdentity": {
                "type": "AssumedRole",
                "principalId": f"AROAEXAMPLEDEPLOY001:ci-{i % 50}",
                "arn": role,
                "accountId": "111122223333",
                "accessKeyId": f"ASIAEXAMPLE{i % 100:09}",
                "sessionContext": {
                    "sessionIssuer": {
                        "type": "Role",
                        "principalId": "AROAEXAMPLEDEPLOY001",
                        "arn": "arn:aws:iam::111122223333:role/deploy",
                        "accountId": "111122223333",
                        "userName": "deploy",
                    },
                    "attributes": {
                        "creationDate": "2025-01-15T09:00:00Z",
                        "mfaAuthenticated": "false",
                    },
                },
            },
            "eventTime": f"2025-01-15T10:{i % 3600 // 60:02}:{i % 60:02}Z",
            "eventSource": "rds.amazonaws.com",
            "eventName": rng.choice(("ModifyDBInstance", "DescribeDBInstances", "AddTags")),
            "awsRegion": "eu-central-1",
            "sourceIPAddress": f"198.51.100.{rng.randrange(256)}",
            "userAgent": "aws-cli/2.15.0 Python/3.11.6",
            "requestParameters": {"dBInstanceIdentifier": f"orders-{i % 9}", "force": True},
            "responseElements": {"dBInstanceStatus": "modifying"},
            "requestID": rng.randbytes(16).hex(),
            "eventID": rng.randbytes(16).hex(),
            "readOnly": False,
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "recipientAccountId": "111122223333",
            "eventCategory": "Management",
            "tlsDetails": {"tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES_128_GCM_SHA256"},
        }
        yield json.dumps(event) + "\n"


def _text(lines: Callable[[int], Iterator[str]]) -> Callable[[int], bytes]:
    return lambda events: "".join(lines(events)).encode()


def _otlp(signal: str) -> Callable[[int], bytes]:
    return lambda events: framed(many(signal, events))


INPUTS: dict[str, Callable[[int], bytes]] = {
    **{
        lines.__name__: _text(lines)
        for lines in (json_log, nginx, syslog_rfc5424, syslog_rfc3164, cloudtrail)
    },
    **{f"otlp_{signal}": _otlp(signal) for signal in ("logs", "metrics", "traces")},
}
"""What makes the bytes of so many events, by the source that reads them."""
