"""What sources share: the time that a text tells, and the names that every source gives."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import duckdb
import pytest

from ingest.source import connect

NAMES = (
    "service",
    "version",
    "instance",
    "pod",
    "node",
    "namespace",
    "cluster",
    "zone",
    "region",
    "account",
)


@pytest.fixture(scope="module")
def macros() -> Iterator[duckdb.DuckDBPyConnection]:
    with connect() as connection:
        yield connection


def said(macros: duckdb.DuckDBPyConnection, expression: str, *given: object) -> Any:
    rows = macros.sql(f"SELECT {expression} AS found", params=list(given)).to_arrow_table()
    (found,) = rows["found"].to_pylist()
    return found


@pytest.mark.parametrize(
    "text",
    [
        "2025-01-15T10:00:00Z",
        "2025-01-15 10:00:00",
        "2025-01-15T12:00:00+02:00",
        "2025-01-15T15:30:00+0530",
        "2025-01-15 10:00:00,000",
        "2025-01-15 10:00:00 +0000 UTC",
        "2025-01-15 12:00:00 +0200",
        "2025-01-15 12:00:00,000 +02:00",
        "20250115T100000Z",
        "Wed, 15 Jan 2025 10:00:00 GMT",
        "Wed, 15 Jan 2025 11:00:00 +0100",
        "15/Jan/2025:11:00:00 +0100",
        "1736935200",
        "1736935200.0",
        "1736935200000",
        "1736935200000000",
        "1736935200000000000",
    ],
)
def test_one_moment_is_read_however_it_is_written(
    macros: duckdb.DuckDBPyConnection, text: str
) -> None:
    assert said(macros, "any_time($1)", text) == datetime(2025, 1, 15, 10, tzinfo=UTC)
    assert said(macros, "any_time_ns($1)", text) == 1736935200 * 10**9


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("2025-01-15T10:00:00.123456789Z", 123456789),
        ("2025-01-15T10:00:00.1234567Z", 123456700),
        ("1736935200123456789", 123456789),
        ("1736935200.123456789", 123456789),
        ("1736935200123.5", 123500000),
    ],
)
def test_what_is_below_a_microsecond_is_kept(
    macros: duckdb.DuckDBPyConnection, text: str, nanoseconds: int
) -> None:
    assert said(macros, "any_time_ns($1)", text) == 1736935200 * 10**9 + nanoseconds
    at = datetime(2025, 1, 15, 10, microsecond=nanoseconds // 1000, tzinfo=UTC)
    assert said(macros, "any_time($1)", text) == at


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("2025-07-15 10:00:00 BST", 9),
        ("2025-07-15 10:00:00 AST", 14),
        ("2025-07-15T10:00:00 CEST", 8),
        ("2025-07-15 10:00:00 UTC", 10),
        ("2025-07-15 10:00:00 Europe/Berlin", 8),
    ],
)
def test_a_zones_name_is_its_offset(
    macros: duckdb.DuckDBPyConnection, text: str, hour: int
) -> None:
    assert said(macros, "any_time($1)", text) == datetime(2025, 7, 15, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2025-07-15 10:00:00 CST",
        "2025-07-15 10:00:00 IST",
        "",
        "soon",
        "12",
        "-1",
        "0",
        "17369352",
        "-6795364578871345152",
        "9223372036854775807",
        "1e5",
    ],
)
def test_a_number_that_no_unit_makes_a_likely_time_of_is_none(
    macros: duckdb.DuckDBPyConnection, text: str
) -> None:
    assert said(macros, "any_time($1)", text) is None
    assert said(macros, "any_time_ns($1)", text) is None


def resolved(macros: duckdb.DuckDBPyConnection, **given: str) -> dict[str, str]:
    shape = ", ".join(f'"{name}" VARCHAR' for name in NAMES)
    workload = {name: given.get(name) for name in NAMES}
    found = said(macros, f"resolved($1::STRUCT({shape}))", workload)
    return {name: value for name, value in found.items() if value is not None}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"service": "cart", "pod": ""}, {"service": "cart"}),
        (
            {"pod": "shop/cart-6d5f8c7b9d-x2x4z"},
            {
                "service": "cart",
                "instance": "cart-6d5f8c7b9d-x2x4z",
                "pod": "cart-6d5f8c7b9d-x2x4z",
                "namespace": "shop",
            },
        ),
        (
            {"instance": "cart-6d5f8c7b9d-x2x4z", "namespace": "shop", "service": "basket"},
            {
                "service": "basket",
                "instance": "cart-6d5f8c7b9d-x2x4z",
                "pod": "cart-6d5f8c7b9d-x2x4z",
                "namespace": "shop",
            },
        ),
        ({"instance": "10.0.0.7:9090"}, {"instance": "10.0.0.7:9090"}),
        ({"service": "shop/cart"}, {"service": "cart", "namespace": "shop"}),
        (
            {"instance": "shop/cart-6d5f8c7b9d-x2x4z:8080"},
            {
                "service": "cart",
                "instance": "cart-6d5f8c7b9d-x2x4z",
                "pod": "cart-6d5f8c7b9d-x2x4z",
                "namespace": "shop",
            },
        ),
        ({"service": "@acme/checkout"}, {"service": "@acme/checkout"}),
        ({"service": "monitoring/prom/0"}, {"service": "monitoring/prom/0"}),
        ({"service": "http://cart:8080/"}, {"service": "http://cart:8080/"}),
        ({"instance": "projects/p/zones/z"}, {"instance": "projects/p/zones/z"}),
        ({"zone": "eu-west-1b"}, {"zone": "eu-west-1b", "region": "eu-west-1"}),
        ({"zone": "europe-west1-b"}, {"zone": "europe-west1-b", "region": "europe-west1"}),
        ({"zone": "us-gov-west-1a"}, {"zone": "us-gov-west-1a", "region": "us-gov-west-1"}),
        ({"zone": "eu-west-1b", "region": "mars"}, {"zone": "eu-west-1b", "region": "mars"}),
        ({"zone": "rack-7"}, {"zone": "rack-7"}),
    ],
)
def test_names_are_resolved(
    macros: duckdb.DuckDBPyConnection, given: dict[str, str], expected: dict[str, str]
) -> None:
    assert resolved(macros, **given) == expected
    assert resolved(macros, **expected) == expected


@pytest.mark.parametrize(
    ("pod", "owner"),
    [
        ("cart-6d5f8c7b9d-x2x4z", "cart"),
        ("order-service-5b8d4f9c6-7xk2p", "order-service"),
        ("postgres-0", "postgres"),
        ("kube-proxy-x7k2p", "kube-proxy"),
        ("backup-28391040-z9xk2", "backup"),
        ("checkout", "checkout"),
        ("checkout-v2", "checkout-v2"),
        ("front-proxy", "front-proxy"),
        ("api-facade-x2b4z", "api-facade"),
        ("cart-5f7d8a9b-x1y2z", "cart"),
    ],
)
def test_a_pod_is_of_the_owner_in_its_name(
    macros: duckdb.DuckDBPyConnection, pod: str, owner: str
) -> None:
    assert said(macros, "pod_service($1)", pod) == owner


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("cart:2.8.0", "2.8.0"),
        ("registry.example.com:5000/shop/cart:2.8.0@sha256:abc", "2.8.0"),
        ("registry.example.com:5000/shop/cart", None),
        ("cart@sha256:abc", None),
    ],
)
def test_an_image_has_the_version_of_its_tag(
    macros: duckdb.DuckDBPyConnection, image: str, version: str | None
) -> None:
    assert said(macros, "image_version($1)", image) == version


@pytest.mark.parametrize(
    ("level", "severity_id"),
    [("INFO", 1), ("W", 3), ("Warning", 3), ("ERROR", 4), ("crit", 5), ("FATAL", 6), ("?", 0)],
)
def test_a_level_has_a_severity(
    macros: duckdb.DuckDBPyConnection, level: str, severity_id: int
) -> None:
    assert said(macros, "level_severity_id($1)", level) == severity_id
