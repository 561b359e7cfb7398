"""What an investigation may take, in one vocabulary, and what it has taken.

`calls` of a model, its `input_tokens` and `output_tokens`, `usd`, `wall_s` and `queries` of the
lake. One is kept for each investigation, and others for a day and a channel over all of them.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from threading import Lock

from agent.errors import SettingError
from lake.errors import InquestError

_CHARS_A_TOKEN = 4


class BudgetSpent(InquestError):  # noqa: N818 - a run's end, and no mistake of anyone's
    """A budget is used up: what comes next stays undone, and the report says so."""


class TimeSpent(InquestError):  # noqa: N818 - as BudgetSpent
    """A step of the investigation took all the time that one may take."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What has been taken; `usd` counts only calls whose price is known."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    usd: float = 0.0
    wall_s: float = 0.0
    queries: int = 0

    def __add__(self, other: Spent) -> Spent:
        """Add two, unit by unit."""
        return Spent(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(Spent)))


@dataclass(frozen=True, slots=True)
class Budget:
    """The most of each unit; None is no limit."""

    calls: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    usd: float | None = None
    wall_s: float | None = None
    queries: int | None = None

    def __str__(self) -> str:
        """Write it as it is given on the command line: `calls=12,usd=0.5`."""
        said = ((f.name, getattr(self, f.name)) for f in fields(Budget))
        return ",".join(f"{name}={most:g}" for name, most in said if most is not None)

    def reached(self, spent: Spent, units: tuple[str, ...] | None = None) -> str:
        """Name the first of `units` that is used up, with its limit; nothing if none is."""
        for name in units or UNITS:
            most = getattr(self, name)
            if most is not None and getattr(spent, name) >= most:
                return f"{most:g} {name}"
        return ""


UNITS = tuple(one.name for one in fields(Budget))
USUAL = Budget(calls=12, input_tokens=120_000, output_tokens=24_000, wall_s=1800.0)
"""What one investigation may take unless told otherwise."""

NO_LIMIT = Budget()


def read_budget(text: str, usual: Budget | None = None) -> Budget:
    """Read `calls=12,usd=0.5`; a unit that is left out is `usual`'s, `unit=none` is no limit.

    SettingError for a unit that there is not or an amount that is none.
    """
    most = {name: getattr(usual, name) for name in UNITS} if usual else {}
    for part in filter(None, (one.strip() for one in text.split(","))):
        name, equals, amount = part.partition("=")
        if name not in UNITS or not equals:
            raise SettingError(f"{part!r} is no budget; write UNIT=AMOUNT of {', '.join(UNITS)}.")
        most[name] = None if amount == "none" else _amount(name, amount)
    return Budget(**most)


def _amount(name: str, given: str) -> float | int:
    try:
        amount = float(given)
    except ValueError:
        amount = math.nan
    if not (math.isfinite(amount) and amount >= 0):
        raise SettingError(f"A budget of {given!r} {name} is none; it is a number of 0 or more.")
    if name in ("usd", "wall_s"):
        return amount
    if amount != int(amount):
        raise SettingError(f"A budget of {given!r} {name} is none; it is a whole number.")
    return int(amount)


@dataclass(frozen=True, slots=True)
class Shared:
    """A budget over many investigations, of a day or a channel, and what they have spent of it."""

    name: str
    budget: Budget
    spent: Callable[[], Spent]


@dataclass(slots=True)
class Meter:
    """One investigation's budget and what it has taken of it; safe for several threads.

    `shared` are the budgets that it has with others. `before` is what earlier processes of the same
    run have taken.
    """

    budget: Budget = USUAL
    shared: tuple[Shared, ...] = ()
    before: Spent = field(default_factory=Spent)
    _spent: Spent = field(default_factory=Spent)
    _began: float = field(default_factory=time.monotonic)
    _lock: Lock = field(default_factory=Lock)

    def spent(self) -> Spent:
        """What has been taken so far, by this process and those before."""
        with self._lock:
            return self.before + self._spent + Spent(wall_s=time.monotonic() - self._began)

    def charge(self, spent: Spent) -> None:
        """Note what was taken."""
        with self._lock:
            self._spent += spent

    def check(self) -> None:
        """Raise BudgetSpent if what the engine takes is used up: time, or queries."""
        if over := self.reached():
            raise BudgetSpent(f"The investigation's budget of {over} is spent.")

    def check_call(self, *, is_priced: bool) -> None:
        """Raise BudgetSpent unless a model may be called once more, under every budget.

        A limit in money cannot be kept where a price is not known: then nothing is called.
        """
        if over := self.budget.reached(self.spent()):
            raise BudgetSpent(f"The investigation's budget of {over} is spent.")
        limits = [self.budget.usd, *(one.budget.usd for one in self.shared)]
        if not is_priced and any(most is not None for most in limits):
            raise BudgetSpent(
                "The model's price is not known, so no budget in usd can be kept; "
                "INQUEST_PRICES may name a file that has it."
            )
        for one in self.shared:
            if one.budget == NO_LIMIT:
                continue
            if over := one.budget.reached(one.spent()):
                raise BudgetSpent(f"The budget of {over} for {one.name} is spent.")

    def query(self) -> None:
        """Count one query of the lake, which is made whatever is left."""
        self.charge(Spent(queries=1))

    def query_if_left(self) -> None:
        """Count one query of the lake; BudgetSpent if there is none left."""
        self.check()
        with self._lock:
            most = self.budget.queries
            if most is not None and self.before.queries + self._spent.queries >= most:
                raise BudgetSpent(f"The investigation's budget of {most} queries is spent.")
            self._spent += Spent(queries=1)

    def reached(self) -> str:
        """Name what is used up of time and queries, with its limit; nothing if nothing is."""
        return self.budget.reached(self.spent(), ("wall_s", "queries"))

    def left_s(self, most: float) -> float:
        """How many seconds something may take that may take `most`."""
        limit = self.budget.wall_s
        return most if limit is None else max(0.0, min(most, limit - self.spent().wall_s))

    def left_output(self, most: int) -> int:
        """How many tokens an answer may have that may have `most`."""
        limit = self.budget.output_tokens
        return most if limit is None else max(1, min(most, limit - self.spent().output_tokens))


def estimated_tokens(chars: int) -> int:
    """How many tokens so many characters are, about: for budgets, where nobody said."""
    return -(-chars // _CHARS_A_TOKEN)
