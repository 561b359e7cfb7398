"""What everything runs on fails: processors, a disk, the network, Redis, a lock in PostgreSQL."""

from __future__ import annotations

import random

from tests.shop.edge import Trouble as OnEdge
from tests.shop.fault import Fault
from tests.shop.faults.cache_outage import CacheOutage
from tests.shop.faults.edge_trouble import EdgeTrouble
from tests.shop.faults.held_lock import HeldLock
from tests.shop.faults.node_load import NodeLoad
from tests.shop.faults.slow_disk import MACHINE, SlowDisk
from tests.shop.fleet import ZONES, host
from tests.shop.kind import EDGES, Kind, Trouble, service
from tests.shop.story import Blamed, Culprit, Inject, Mend

POSTGRES = Blamed("database", "postgresql/shop")
STATEMENTS = (
    "UPDATE stock SET available = available + 500",
    "LOCK TABLE charge IN EXCLUSIVE MODE",
    "LOCK TABLE reservation IN EXCLUSIVE MODE",
)


def suffered(fault: Fault, indicator: str, mechanism: str, detail: str, *blamed: Blamed) -> Trouble:
    """Give the trouble that a fault is."""
    culprit = Culprit(None, indicator, mechanism, detail, blamed, fault)
    edge = (fault.caller, fault.callee) if isinstance(fault, EdgeTrouble) else None
    machine = (fault.zone, fault.cores) if isinstance(fault, NodeLoad) else None
    return Trouble((Inject(fault),), (Mend(fault),), (culprit,), edge, machine=machine)


def cpu_stress(rng: random.Random) -> Trouble:
    zone = rng.choice(ZONES)
    fault = NodeLoad(zone, cores=round(rng.uniform(0.18, 0.26), 2), busy=rng.randint(3, 5))
    detail = f"a batch job takes the processors of {host(zone)}"
    return suffered(fault, "saturation", "infrastructure", detail, Blamed("node", host(zone)))


def slow_disk(rng: random.Random) -> Trouble:
    detail = "PostgreSQL's volume takes only a few writes a second, so commits wait"
    blamed = (POSTGRES, Blamed("node", MACHINE))
    return suffered(SlowDisk(rng.randint(3, 5)), "saturation", "infrastructure", detail, *blamed)


def edge_delay(rng: random.Random) -> Trouble:
    return on_edge(rng, OnEdge(delay_s=round(rng.uniform(0.5, 0.9), 2)), "delays")


def edge_loss(rng: random.Random) -> Trouble:
    return on_edge(rng, OnEdge(loss=round(rng.uniform(0.5, 0.65), 2)), "loses")


def on_edge(rng: random.Random, how: OnEdge, does: str) -> Trouble:
    caller, callee = rng.choice(EDGES)
    detail = f"the network {does} what passes between {caller} and {callee}"
    fault = EdgeTrouble(caller, callee, how)
    return suffered(fault, "latency", "infrastructure", detail, service(callee), service(caller))


def cache_outage(rng: random.Random) -> Trouble:
    fault, detail = rng.choice(
        (
            (CacheOutage("gone"), "Redis is down"),
            (CacheOutage("hangs"), "Redis answers nobody"),
            (CacheOutage("full"), "Redis has no memory left and takes nothing more"),
        )
    )
    return suffered(fault, "availability", "infrastructure", detail, Blamed("cache", "redis"))


def lock_held(rng: random.Random) -> Trouble:
    fault = HeldLock("ana_reyes", rng.choice(STATEMENTS))
    detail = f"a transaction that was left open after {fault.statement} makes others wait"
    return suffered(fault, "latency", "contention", detail, POSTGRES)


MACHINES = (
    Kind("cpu_stress", cpu_stress),
    Kind("slow_disk", slow_disk),
    Kind("edge_delay", edge_delay),
    Kind("edge_loss", edge_loss),
    Kind("cache_outage", cache_outage),
    Kind("lock_held", lock_held),
)
