"""A machine's processors are busy with somebody else's work."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.shop.fault import Shop
from tests.shop.fleet import host
from tests.shop.processes import TakeError

WORK = "while True: pass"


@dataclass(frozen=True)
class NodeLoad:
    """`busy` processes spin on the machine of a zone, which has `cores` to give to all on it."""

    zone: str
    cores: float
    busy: int

    @contextmanager
    def within(self, shop: Shop) -> Iterator[None]:
        """Start the processes on the machine."""
        groups, machine = shop.fleet.groups, host(self.zone)
        if not groups.usable:
            raise TakeError("machines can only be loaded where control groups can be made")
        groups.limit_cpu(machine, self.cores)
        names = [f"batch-{number}" for number in range(self.busy)]
        children = [shop.processes.start(name, [sys.executable, "-c", WORK]) for name in names]
        for child in children:
            groups.add(machine, child.process.pid)
        try:
            yield
        finally:
            for child in children:
                shop.processes.stop(child)
            groups.limit_cpu(machine, None)
