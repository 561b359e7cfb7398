"""How fast a large topology is built and walked; `pytest -m bench -s` prints it."""

from __future__ import annotations

import random
import time

import pytest

from agent.analysis.ranking import Suspect, posteriors
from agent.analysis.topology import Edge, Topology

SERVICES, EDGES = 10_000, 60_000
LIMIT_MS = 50.0  # GOALS.md: of CPU time, all of it
RUNS = 5


@pytest.mark.bench
def test_ten_thousand_services_are_ranked_by_reach_fast() -> None:
    edges = _layered()
    source, target = edges[0].caller, edges[-1].callee
    took = []
    for _ in range(RUNS):
        started = time.process_time()
        topology = Topology(edges)
        topology.distances(source)
        topology.paths(source, target)
        topology.blast_radius(target)
        took.append(1000 * (time.process_time() - started))
    print(  # noqa: T201  # what was measured
        f"\n{SERVICES:,} services, {EDGES:,} edges: build, hops, paths and a blast radius in "
        f"{min(took):.0f} ms of CPU (limit {LIMIT_MS:.0f})"
    )
    assert min(took) < LIMIT_MS


@pytest.mark.bench
def test_ten_thousand_suspects_are_weighed_fast() -> None:
    pick, topology = random.Random(1), Topology(_layered())
    suspects = [
        Suspect(
            name,
            {"requests": pick.expovariate(0.3), "metrics": pick.expovariate(0.3)},
            pick.expovariate(0.2),
            onset=pick.uniform(0, 600),
            harm={("p95",): pick.expovariate(1)} if pick.random() < 0.5 else {},
        )
        for name in topology.ordered
    ]
    took = []
    for _ in range(RUNS):
        started = time.process_time()
        posteriors(suspects, topology, topology.ordered[:1])
        took.append(1000 * (time.process_time() - started))
    print(  # noqa: T201  # what was measured
        f"\n{SERVICES:,} suspects among {EDGES:,} edges: posteriors in "
        f"{min(took):.0f} ms of CPU (limit {LIMIT_MS:.0f})"
    )
    assert min(took) < LIMIT_MS


def _layered() -> list[Edge]:
    """Calls mostly between neighbouring layers, as services have them."""
    pick = random.Random(1)
    names = [f"service-{n:05d}" for n in range(SERVICES)]
    calls: dict[tuple[str, str], None] = {}
    while len(calls) < EDGES:
        caller = pick.randrange(SERVICES - 1)
        callee = min(SERVICES - 1, caller + 1 + int(pick.expovariate(1 / 800)))
        calls[names[caller], names[callee]] = None
    return [Edge(caller, callee, 10) for caller, callee in sorted(calls)]
