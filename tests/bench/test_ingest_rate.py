"""How many events a second of CPU brings to committed, validated Iceberg, beside others.

CPU is user and system time of a process and its children, the median of RUNS in turns. What a peer
needs to start, told by a run over one event, is taken off, as our interpreter's start is not in
ours; to open the lake, bind the source and commit is. The SELECT alone starts from records that are
decoded and in memory and ends with Parquet, sorted and compressed as the lake's: what a mapping
costs with nothing around it. A peer does as much of the mapping as its pipeline says, and neither
validates nor commits.
"""

from __future__ import annotations

import os
import platform
import resource
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median

import pytest

from ingest.run import ingest
from ingest.source import connect, load
from lake import schema
from lake.ask import literal, quoted
from lake.store import Lake
from tests.bench.ingest_inputs import INPUTS
from tests.bench.peers import PEERS, Peer

EVENTS = 100_000
RUNS = 3
SELECT_GOAL = 1.5
"""How much more CPU than the SELECT alone ingest may take."""
PEER_GOALS = {"tenzir": 1.4, "rsyslog": 4.0, "syslog_ng": 4.0}
"""How many times a peer's events ingest is to bring."""


def cpu_seconds(work: Callable[[], object]) -> float:
    before = _used()
    work()
    return _used() - before


def _used() -> float:
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(used.ru_utime + used.ru_stime for used in both)


def ours(name: str, file: Path, folder: Path) -> float:
    with Lake.create(folder) as lake:
        seconds = cpu_seconds(lambda: ingest(lake, name, [file]))
        view = lake.at()
        counts = [view.ask(f"SELECT count(*) AS n FROM {one}") for one in view.snapshots]
        assert sum(count.dicts()[0]["n"] for count in counts) == EVENTS
        assert "quarantine" not in view.snapshots
    return seconds


def select_alone(name: str, file: Path, folder: Path) -> float:
    source, seconds = load()[name], 0.0
    order = ", ".join(map(quoted, schema.sort_order(source.tables[0])))
    folder.mkdir()
    with connect(source.folder) as connection:
        for number, chunk in enumerate(source.reader.read(file, datetime.now(UTC))):
            connection.register("raw", chunk.raw)
            copy = (
                f"COPY (FROM (\n{source.sql}\n) ORDER BY {order}) "
                f"TO {literal(str(folder / f'{number}.parquet'))} "
                "(FORMAT parquet, COMPRESSION zstd)"
            )
            seconds += cpu_seconds(partial(connection.execute, copy))
    return seconds


def peer_alone(peer: Peer, name: str, file: Path, folder: Path) -> float:
    one = folder.with_suffix(".one")
    one.write_bytes(INPUTS[name](1))
    started = peer.cpu_seconds(name, one, folder.with_suffix(".started"), 1)
    return peer.cpu_seconds(name, file, folder, EVENTS) - started


def contenders(name: str) -> dict[str, Callable[[str, Path, Path], float]]:
    peers = {
        peer.name: partial(peer_alone, peer)
        for peer in PEERS
        if peer.found() and peer.pipeline(name).is_file()
    }
    return {"inquest": ours, "the SELECT alone": select_alone, **peers}


def told(name: str, seconds: Mapping[str, float]) -> Iterator[str]:
    """A line for each who ran, with the rate, ours over it, and the goal of that."""
    own, alone = seconds["inquest"], seconds["the SELECT alone"]
    yield f"{name}: {_rate(own)} to validated, committed Iceberg"
    met = "reached" if own / alone <= SELECT_GOAL else "MISSED"
    yield f"  the SELECT alone {_rate(alone)}: {own / alone:.2f} x its CPU, {SELECT_GOAL} {met}"
    for peer in PEERS:
        if not peer.pipeline(name).is_file():
            yield f"  {peer.name:16} does not read it"
        elif peer.name not in seconds:
            yield (
                f"  {peer.name:16} is not installed: `python -m tests.bench.peers FOLDER` fetches "
                f"it, ${peer.variable} says where it is"
            )
        else:
            times, goal = seconds[peer.name] / own, PEER_GOALS[peer.name]
            met = "reached" if times >= goal else "MISSED"
            rate = _rate(seconds[peer.name])
            yield f"  {peer.name:16} {rate}: {times:.2f} x its rate, {goal} {met}"
            yield f"  {'':16} ({peer.does(name)})"


def _rate(seconds: float) -> str:
    return f"{EVENTS / seconds / 1000:5.0f} k events/CPU-s"


@pytest.mark.bench
@pytest.mark.parametrize("name", INPUTS)
def test_events_a_cpu_second(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, warm = tmp_path / name, tmp_path / "warm"
    file.write_bytes(INPUTS[name](EVENTS))
    warm.write_bytes(INPUTS[name](1))
    with Lake.create(tmp_path / "warmed") as lake:
        ingest(lake, name, [warm])
    runners = contenders(name)
    runs = [
        {who: run(name, file, tmp_path / f"{who} {number}") for who, run in runners.items()}
        for number in range(RUNS)
    ]
    seconds = {who: median(one[who] for one in runs) for who in runs[0]}
    with capsys.disabled():
        sys.stdout.write("\n" + "\n".join(told(name, seconds)) + f"\n  {_machine()}\n")


def _machine() -> str:
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} x {platform.machine()}, "
        f"{EVENTS:,} events, median of {RUNS}, load {load}"
    )
