"""The network between two services delays or loses what passes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from tests.shop.edge import Trouble
from tests.shop.fault import Shop
from tests.shop.fleet import replace


@dataclass(frozen=True)
class EdgeTrouble:
    """The proxy on an edge, which the story must have, makes trouble."""

    caller: str
    callee: str
    trouble: Trouble

    @contextmanager
    def within(self, shop: Shop) -> Iterator[None]:
        """Tell the proxy."""
        state = shop.run / "edges" / f"{self.caller}-{self.callee}.json"
        replace(state, json.dumps(asdict(self.trouble)))
        try:
            yield
        finally:
            state.unlink()
