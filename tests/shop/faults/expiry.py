"""A partner's certificate expires, and is renewed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.shop.authority import LIFE
from tests.shop.fault import Shop
from tests.shop.fleet import now


@dataclass(frozen=True)
class Expiry:
    """The ninety days of a partner's certificate are over."""

    partner: str

    @contextmanager
    def within(self, shop: Shop) -> Iterator[None]:
        """Let it be over now."""
        shop.authority.issue(self.partner, ends=now())
        try:
            yield
        finally:
            shop.authority.issue(self.partner, ends=now() + LIFE)
