"""Look at a recording: `python -m tests.shop.summary tests/shop/incidents/bad_release`.

Prints its files, what it holds, and every ten seconds each service's requests, 5xx answers and
slowest tenth by version, so that a person can see what happened and when.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

from tests.shop.framing import frames
from tests.shop.truth import served_spans, status, texts

BIN_S = 10


@dataclass(frozen=True)
class Served:
    """One answered request."""

    at_s: float
    service: str
    version: str
    seconds: float
    status: int


def main() -> None:
    """Print the summary of the recording in the folder that is named."""
    for line in summary(Path(sys.argv[1])):
        sys.stdout.write(line + "\n")


def summary(recording: Path) -> Iterator[str]:
    """Give the lines of a recording's summary."""
    evidence = recording / "evidence"
    files = sorted(evidence.iterdir())
    yield from (f"{file.stat().st_size:>9} {file.name}" for file in files)
    yield f"{sum(file.stat().st_size for file in files):>9} bytes in all"
    yield from per_bin(list(served(evidence)))
    yield from pools(evidence)


def served(evidence: Path) -> Iterator[Served]:
    """Read every server span as a request that was answered."""
    for service, version, span in served_spans(evidence):
        began, ended = span.start_time_unix_nano / 1e9, span.end_time_unix_nano / 1e9
        yield Served(began, service, version, ended - began, status(span))


def per_bin(requests: list[Served]) -> Iterator[str]:
    """Give a line for each bin, with requests/5xx/p90 in ms of each service and version."""
    bins: dict[int, dict[str, list[Served]]] = defaultdict(lambda: defaultdict(list))
    for each in requests:
        bins[int(each.at_s // BIN_S)][f"{each.service} {each.version}"].append(each)
    names = sorted({name for found in bins.values() for name in found})
    yield " " * 9 + " ".join(f"{name:>17}" for name in names)
    for number in sorted(bins):
        cells = " ".join(f"{cell(bins[number][name]):>17}" for name in names)
        yield f"{clock(number * BIN_S)} {cells}"


def cell(requests: list[Served]) -> str:
    """Give requests/5xx/p90 in ms."""
    if not requests:
        return ""
    failed = sum(each.status >= 500 for each in requests)
    slow = sorted(each.seconds for each in requests)[int(0.9 * (len(requests) - 1))]
    return f"{len(requests)}/{failed}/{slow * 1000:.0f}"


def pools(evidence: Path) -> Iterator[str]:
    """Give, for each instance that ever used more than two connections, how many over time."""
    used: dict[str, list[str]] = defaultdict(list)
    for body in frames(evidence / "metrics.otlp.binpb.zst"):
        for group in ExportMetricsServiceRequest.FromString(body).resource_metrics:
            about = texts(group.resource.attributes)
            if "service.name" not in about:
                continue  # a machine
            name = f"{about['service.instance.id']} {about['service.version']}"
            for scope in group.scope_metrics:
                for metric in scope.metrics:
                    if metric.name != "db.client.connection.count":
                        continue
                    for point in metric.sum.data_points:
                        if texts(point.attributes)["db.client.connection.state"] == "used":
                            at = clock(point.time_unix_nano / 1e9)
                            used[name].append(f"{at} {point.as_int}")
    for name, points in sorted(used.items()):
        if any(int(point.split()[1]) > 2 for point in points):
            yield f"{name}: {', '.join(points)}"


def clock(seconds: float) -> str:
    """Give a time of day in UTC."""
    return f"{datetime.fromtimestamp(seconds, UTC):%H:%M:%S}"


if __name__ == "__main__":
    main()
