"""What reports about the machines: processor time, how often it was refused, and disk writes.

Names follow OpenTelemetry's `system.*` and `container.*` conventions where these have one.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterable
from pathlib import Path
from threading import Event

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

EVERY_MS = 10_000
Read = Callable[[CallbackOptions], Iterable[Observation]]


def main() -> None:
    """Report until told to end."""
    ended = Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    machines: dict[str, dict[str, str]] = json.loads(os.environ["SHOP_MACHINES"])
    providers = [report(host, folders) for host, folders in machines.items()]
    ended.wait()
    for provider in providers:
        provider.shutdown()


def report(host: str, folders: dict[str, str]) -> MeterProvider:
    """Begin to report about one machine."""
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(), EVERY_MS)
    provider = MeterProvider([reader], Resource({"host.name": host}))
    meter = provider.get_meter("shop.machines")
    cpu, cpuacct, blkio = (Path(folders[each]) for each in ("cpu", "cpuacct", "blkio"))
    used = number(cpuacct / "cpuacct.usage", 1e-9)
    meter.create_observable_counter("system.cpu.time", [used], "s")
    refused = line(cpu / "cpu.stat", "throttled_time", 1e-9)
    meter.create_observable_counter("container.cpu.throttled.time", [refused], "s")
    written = line(blkio / "blkio.throttle.io_serviced", "Write", 1)
    meter.create_observable_counter("system.disk.operations", [written], "{operation}")
    running = tasks(cpu / "tasks")
    meter.create_observable_gauge("system.processes.running", [running], "{process}")
    return provider


def number(file: Path, unit: float) -> Read:
    """Read a file that holds one number."""

    def read(_options: CallbackOptions) -> Iterable[Observation]:
        yield Observation(int(file.read_text(encoding="ascii")) * unit)

    return read


def line(file: Path, name: str, unit: float) -> Read:
    """Read, and add up, the numbers of those lines of a file that name something."""

    def read(_options: CallbackOptions) -> Iterable[Observation]:
        words = (each.split() for each in file.read_text(encoding="ascii").splitlines())
        yield Observation(sum(int(each[-1]) for each in words if name in each[:-1]) * unit)

    return read


def tasks(file: Path) -> Read:
    """Count the threads that run or wait for a processor."""

    def read(_options: CallbackOptions) -> Iterable[Observation]:
        ids = file.read_text(encoding="ascii").split()
        yield Observation(sum(map(runs, ids)))

    return read


def runs(thread: str) -> bool:
    try:
        said = Path(f"/proc/{thread}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return said.rpartition(")")[2].split()[0] == "R"


if __name__ == "__main__":
    main()
