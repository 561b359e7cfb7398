"""A partner outside is slow, or its name cannot be resolved."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from tests.shop.fault import Shop
from tests.shop.fleet import replace
from tests.shop.outside import STATE


@dataclass(frozen=True)
class PartnerTrouble:
    """A partner takes longer for everything, or its name fails in some way."""

    partner: str
    delay_s: float = 0.0
    name: Literal["", "servfail", "nxdomain", "silent"] = ""

    @contextmanager
    def within(self, shop: Shop) -> Iterator[None]:
        """Tell what lies outside."""
        said: dict[str, dict[str, float | str]] = {}
        if self.delay_s:
            said["delays"] = {self.partner: self.delay_s}
        if self.name:
            said["names"] = {self.partner: self.name}
        state = shop.run / STATE
        replace(state, json.dumps(said))
        try:
            yield
        finally:
            state.unlink()
