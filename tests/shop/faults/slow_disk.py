"""The volume of PostgreSQL has used up what it may write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.shop.fault import Shop
from tests.shop.processes import TakeError

MACHINE = "shop-db-1"


@dataclass(frozen=True)
class SlowDisk:
    """PostgreSQL gets so many writes a second from its disk."""

    writes_per_s: int

    @contextmanager
    def within(self, shop: Shop) -> Iterator[None]:
        """Throttle the disk, for PostgreSQL's processes alone."""
        groups = shop.fleet.groups
        if not groups.usable:
            raise TakeError("a disk can only be throttled where control groups can be made")
        groups.limit_writes(MACHINE, self.writes_per_s, shop.run)
        try:
            yield
        finally:
            groups.limit_writes(MACHINE, 0, shop.run)
