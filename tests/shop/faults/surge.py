"""Customers send more than they usually do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.shop.fault import Shop


@dataclass(frozen=True)
class Surge:
    """One customer asks for shipping estimates, so many a second, or everybody for everything."""

    customer: str | None
    per_s: float

    @contextmanager
    def within(self, shop: Shop) -> Iterator[None]:
        """Let them in."""
        with shop.load.more(self.customer, self.per_s):
            yield
