"""Remote-write requests made for tests: the samples in `tests/data`, and as many as a bench wants.

`python -m tests.ingest.remote_write_samples` writes the samples anew.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from tests.ingest.otlp_samples import framed

DATA = Path(__file__).parents[1] / "data" / "prometheus_remote_write"
T0 = 1_736_935_200_000  # 2025-01-15T10:00:00Z
STALE = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]
ORDERS = {"job": "orders", "instance": "192.0.2.10:8080", "pod": "orders-6f7d9c8b5-x2k4q"}


def varint(number: int) -> bytes:
    """Write a number as protobuf does."""
    number, out = number & (1 << 64) - 1, b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


def message(fields: Mapping[int, Any]) -> bytes:
    """Write a message: an int as a varint, a float as 8 bytes, a list as repeated fields."""
    out = b""
    for number, value in fields.items():
        for one in value if isinstance(value, list) else [value]:
            match one:
                case float():
                    out += varint(number << 3 | 1) + struct.pack("<d", one)
                case int():
                    out += varint(number << 3) + varint(one)
                case _:
                    content = one.encode() if isinstance(one, str) else one
                    out += varint(number << 3 | 2) + varint(len(content)) + content
    return out


def packed(numbers: Iterable[int | float]) -> bytes:
    """Write repeated numbers in one field."""
    return b"".join(struct.pack("<d", n) if isinstance(n, float) else varint(n) for n in numbers)


def zigzag(number: int) -> int:
    return number << 1 if number >= 0 else (-number << 1) - 1


def labels(values: Mapping[str, str]) -> list[bytes]:
    return [message({1: name, 2: value}) for name, value in values.items()]


def series(name: str, values: Mapping[str, str], fields: Mapping[int, Any]) -> bytes:
    """A series of version 1: samples are field 2, exemplars 3, histograms 4."""
    return message({1: labels({"__name__": name, **values}), **fields})


def sample(value: float, after_ms: int = 0) -> bytes:
    return message({1: float(value), 2: T0 + after_ms})


def spans(*found: tuple[int, int]) -> list[bytes]:
    return [message({1: zigzag(offset), 2: length}) for offset, length in found]


HISTOGRAM = {
    1: 12,
    3: 18.5,
    4: zigzag(0),
    5: 0.001,
    6: 2,
    8: spans((0, 1)),
    9: packed([zigzag(1)]),
    11: spans((1, 2), (1, 1)),
    12: packed([zigzag(3), zigzag(1), zigzag(-2)]),
    15: T0 + 60_000,
}
CUSTOM = {
    2: 3.0,
    3: 9.0,
    4: zigzag(-53),
    11: spans((0, 1), (1, 1)),
    13: packed([1.0, 2.0]),
    14: 3,
    15: T0,
    16: packed([5.0, 10.0]),
}


def version_1() -> list[bytes]:
    """Requests of version 1.0, and what is none."""
    exemplar = message({1: labels({"trace_id": "4bf92f3577b34da6"}), 2: 0.5, 3: T0 - 1})
    first = message(
        {
            1: [
                series("http_requests_total", ORDERS | {"code": "00200"}, {2: [sample(41)]}),
                series("up", ORDERS, {2: [sample(1), sample(0, 15_000), sample(STALE, 30_000)]}),
                series("orders_open", {"ort": "Köln"}, {2: [sample(3)], 3: [exemplar]}),
                series("latency", ORDERS, {4: [message(HISTOGRAM)]}),
                series("size", {}, {4: [message(CUSTOM)]}),
                series("latency", {}, {4: [message(HISTOGRAM | {11: spans((0, 9))})]}),
                message({1: labels({"job": "nameless"}), 2: [sample(1)]}),
                series("no_sample", {}, {3: [exemplar]}),
                series("no_time", {}, {2: [message({1: 1.0})]}),
            ]
        }
    )
    families = message(
        {
            3: [
                message({1: 1, 2: "orders_open", 4: 'Orders, "open" ones.', 5: "orders"}),
                message({1: 3, 2: "latency", 4: "How long it took.", 5: "seconds"}),
            ]
        }
    )
    return [snappy(first), b"junk", snappy(families)]


def version_2() -> list[bytes]:
    """Requests of version 2.0; the second names a symbol that it has not."""
    symbols = ["", "__name__", "jobs_done", "service", "mailer", "All jobs.", "jobs", "trace_id"]
    done = message(
        {
            1: packed([1, 2, 3, 4]),
            2: [sample(7), sample(8, 15_000)],
            4: [message({1: packed([7, 4]), 2: 1.5, 3: T0})],
            5: message({1: 1, 3: 5, 4: 6}),
            6: T0 - 60_000,
        }
    )
    latency = message({1: packed([1, 6]), 3: [message(HISTOGRAM)]})
    good = message({4: list(symbols), 5: [done, latency]})
    return [snappy(good), snappy(message({4: [""], 5: [done]}))]


def snappy(body: bytes) -> bytes:
    """Compress a body as it is sent."""
    return bytes(pa.compress(body, codec="snappy", asbytes=True))


def many(count: int, in_a_body: int = 1000) -> Iterable[bytes]:
    """Make requests of series of one sample each, as a server sends them."""
    for start in range(0, count, in_a_body):
        found = [
            series(
                "http_requests_total",
                ORDERS | {"code": str(n % 7), "path": f"/r/{n % 50}"},
                {2: [sample(n, start)]},
            )
            for n in range(start, start + in_a_body)
        ]
        yield snappy(message({1: found}))


if __name__ == "__main__":
    (DATA / "input.prompb").write_bytes(framed(version_1()))
    (DATA / "input_v2.prompb").write_bytes(framed(version_2()))
    (DATA / "input_alone.prompb").write_bytes(version_2()[0])
