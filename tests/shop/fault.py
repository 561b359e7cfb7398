"""What a fault is: something that is done to the running shop, and undone."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.shop.authority import Authority
from tests.shop.fleet import Fleet
from tests.shop.load import Load
from tests.shop.processes import Processes


@dataclass(frozen=True)
class Shop:
    """The running shop, for what breaks it."""

    run: Path
    processes: Processes
    fleet: Fleet
    load: Load
    authority: Authority
    postgres: int
    redis: int


class Fault(Protocol):
    """A frozen value; one file in `faults/` each."""

    def within(self, shop: Shop) -> AbstractContextManager[None]:
        """Let the shop suffer for as long as the context lasts."""
        ...
