"""What a story is made of: an incident is a list of timed steps and what is true about it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from tests.shop.fault import Fault
from tests.shop.fleet import FIRST_VERSIONS, Configuration, Flag, Release, first_configuration

INNOCENT = (
    Release("catalog", "3.14.2", "List products by name, spread cache expiry"),
    Release("cart", "4.0.4", "One percent off from ten pieces"),
    Release("inventory", "2.3.7", "Take stock in one statement"),
    Release("shipping", "1.9.4", "Shipping prices end on ten cents"),
)
ENGINEERS = ("mkowalski", "s-okafor", "jlindqvist", "ana-reyes")
ONCALL = "dgrant"


@dataclass(frozen=True)
class Calm:
    """Let the shop run."""

    seconds: float


@dataclass(frozen=True)
class Deploy:
    """Announce a release and roll it, zone by zone, while the story goes on."""

    release: Release
    creator: str
    bake_s: float
    task: str = "deploy"


@dataclass(frozen=True)
class Configure:
    """Sync a configuration, zone by zone, while the story goes on; nobody's is Argo CD's own."""

    configuration: Configuration
    creator: str | None
    bake_s: float


@dataclass(frozen=True)
class Flip:
    """Turn a feature flag on or off for a region, at once."""

    flag: Flag
    creator: str


@dataclass(frozen=True)
class Inject:
    """Let a fault begin, and go on until it is mended, or to the end of the story."""

    fault: Fault


@dataclass(frozen=True)
class Mend:
    """Let a fault end."""

    fault: Fault


@dataclass(frozen=True)
class HoldLock:
    """Let somebody change a table in psql and forget to commit, while the story goes on."""

    user: str
    table: str
    statement: str
    seconds: float


@dataclass(frozen=True)
class AwaitAlert:
    """Wait for the first alert, at most so long."""

    within_s: float


Step = Calm | Deploy | Configure | Flip | Inject | Mend | HoldLock | AwaitAlert
Change = Release | Configuration | Flag


@dataclass(frozen=True)
class Blamed:
    """A resource that it is right to blame, under the name telemetry knows it by."""

    kind: Literal["service", "database", "cache", "queue", "node", "external"]
    name: str


@dataclass(frozen=True)
class Culprit:
    """What did it, in the words of a report; no announced change is None.

    Any of `resources` is right to be blamed. `fault` is what was done where no change was made.
    """

    change: Change | None
    indicator: str
    mechanism: str
    detail: str
    resources: tuple[Blamed, ...] = ()
    fault: Fault | None = None


@dataclass(frozen=True)
class Story:
    """One incident: its steps, drawn with some chance, and the truth about it.

    `second` is a cause of its own beside `culprit`. `edges` are pairs of caller and callee with a
    proxy between them. `machines` are zones with the cores that theirs has to give, all the time.
    """

    name: str
    alerts: str
    verdict: Literal["cause_found", "no_incident"]
    steps: Callable[[random.Random], tuple[Step, ...]]
    culprit: Culprit | None = None
    second: Culprit | None = None
    edges: tuple[tuple[str, str], ...] = ()
    machines: tuple[tuple[str, float], ...] = ()

    @property
    def culprits(self) -> tuple[Culprit, ...]:
        """Give all causes there are."""
        return tuple(each for each in (self.culprit, self.second) if each)


def roll_back(service: str) -> Release:
    """Give the release that takes a service back to where it began."""
    version = FIRST_VERSIONS[service]
    return Release(service, version, f"Roll back to {version}")


def is_way_back(change: Change) -> bool:
    """Say whether a change takes a service back to where it began."""
    if isinstance(change, Flag):
        return not change.on
    if isinstance(change, Release):
        return change.version == FIRST_VERSIONS[change.service]
    return change.values == first_configuration(change.service).values


def revert(configuration: Configuration) -> Configuration:
    """Give the configuration that a service had at first, as the commit that takes one back."""
    first = first_configuration(configuration.service)
    return replace(first, title=f'Revert "{configuration.title}"')
