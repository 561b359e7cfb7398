"""Somebody types a statement into psql, and forgets to commit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.shop import psql
from tests.shop.fault import Shop


@dataclass(frozen=True)
class HeldLock:
    """A transaction stays open after a statement that locks."""

    user: str
    statement: str

    @contextmanager
    def within(self, shop: Shop) -> Iterator[None]:
        """Leave the prompt alone."""
        with psql.prompt(shop.postgres, self.user) as prompt:
            psql.say(prompt, "BEGIN")
            psql.say(prompt, self.statement)
            yield
            psql.say(prompt, "ROLLBACK")
