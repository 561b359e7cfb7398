"""A machine's processors are busy with somebody else's work."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.shop.fault import Shop
from tests.shop.fleet import host

WORK = "while True: pass"


@dataclass(frozen=True)
class NodeLoad:
    """`busy` processes spin on the machine of a zone, which has `cores` to give to all on it.

    It has no more from the start (`Story.machines`): only the work comes with the fault.
    """

    zone: str
    cores: float
    busy: int

    @contextmanager
    def within(self, shop: Shop) -> Iterator[None]:
        """Start the processes on the machine."""
        groups, machine = shop.fleet.groups, host(self.zone)
        names = [f"batch-{number}" for number in range(self.busy)]
        children = [shop.processes.start(name, [sys.executable, "-c", WORK]) for name in names]
        for child in children:
            groups.add(machine, child.process.pid)
        try:
            yield
        finally:
            for child in children:
                shop.processes.stop(child)
