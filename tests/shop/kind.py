"""What a kind of incident is, and how one is drawn into a story of four to five minutes."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from tests.shop.fleet import Configuration, Flag
from tests.shop.story import (
    ENGINEERS,
    INNOCENT,
    AwaitAlert,
    Blamed,
    Calm,
    Change,
    Configure,
    Culprit,
    Deploy,
    Flip,
    Step,
    Story,
)

REGIONS = ("emea", "amer", "apac")
EDGES = (
    ("web", "catalog"),
    ("web", "inventory"),
    ("checkout", "cart"),
    ("checkout", "inventory"),
    ("checkout", "payment"),
)
HARMLESS = (
    Configuration("cart", {"keep_for_s": 7200}, "Keep carts for two hours"),
    Configuration(
        "checkout", {"payment_timeout_s": 2.0, "payment_attempts": 3}, "Ask payment less often"
    ),
)
DECOY_BEFORE, DECOY_AFTER, MENDED = 0.75, 0.4, 0.7


@dataclass(frozen=True)
class Trouble:
    """What was drawn: the steps that begin and end it, and who is to blame; nobody if all is well.

    `alerted` says that an alert fires of it; `machine` is a zone and how few cores its machine has.
    """

    begin: tuple[Step, ...]
    end: tuple[Step, ...] = ()
    culprits: tuple[Culprit, ...] = ()
    edge: tuple[str, str] | None = None
    alerted: bool = True
    machine: tuple[str, float] | None = None


@dataclass(frozen=True)
class Kind:
    """A kind of incident, or of calm."""

    name: str
    draw: Callable[[random.Random], Trouble]
    alerts: str = "alerts_seed.yml"


def service(name: str) -> Blamed:
    return Blamed("service", name)


def story(kind: Kind, rng: random.Random, pace: float = 1.0) -> Story:
    """Draw a kind's trouble, the times and what else happens about then, and put them in order.

    All calm takes `pace` times as long as drawn.
    """
    trouble = kind.draw(rng)
    first, second, *_ = [*trouble.culprits, None, None]
    drawn = tuple(paced(step, pace) for step in steps(trouble, rng))
    return Story(
        name=kind.name,
        alerts=kind.alerts,
        verdict="cause_found" if trouble.culprits else "no_incident",
        steps=lambda _rng: drawn,
        culprit=first,
        second=second,
        edges=(trouble.edge or rng.choice(EDGES),),
        machines=(trouble.machine,) if trouble.machine else (),
    )


def steps(trouble: Trouble, rng: random.Random) -> tuple[Step, ...]:
    """Calm, perhaps an innocent change, the trouble, perhaps another, the alert, perhaps an end."""
    before, after = decoys(trouble, rng)
    gap = rng.uniform(25, 45)
    lead_in = (Calm(rng.uniform(35, 50)), *maybe(before, DECOY_BEFORE, rng), Calm(gap))
    middle = (*trouble.begin, Calm(rng.uniform(15, 25)), *maybe(after, DECOY_AFTER, rng))
    alert = (AwaitAlert(within_s=150),) if trouble.alerted else ()
    end = trouble.end if rng.random() < MENDED or not trouble.culprits else ()
    return (*lead_in, *middle, *alert, Calm(rng.uniform(35, 50)), *end, Calm(rng.uniform(40, 50)))


def change_of(step: Step) -> Change | None:
    """Give what a step changes, if it changes anything."""
    match step:
        case Deploy(release):
            return release
        case Configure(configuration):
            return configuration
        case Flip(flag):
            return flag
    return None


def paced(step: Step, pace: float) -> Step:
    return Calm(step.seconds * pace) if isinstance(step, Calm) else step


def maybe(step: Step, how_likely: float, rng: random.Random) -> tuple[Step, ...]:
    return (step,) if rng.random() < how_likely else ()


def decoys(trouble: Trouble, rng: random.Random) -> tuple[Step, Step]:
    """Draw two innocent changes of two services, neither of which is changed by the trouble."""
    changed = {change.service for change in map(change_of, trouble.begin) if change}
    banner = Flag("web", "winter-banner", rng.choice(REGIONS), "Show the winter banner", on=True)
    found = [each for each in (*INNOCENT, *HARMLESS, banner) if each.service not in changed]
    one = rng.choice(found)
    other = rng.choice([each for each in found if each.service != one.service])
    return innocent(one, rng), innocent(other, rng)


def innocent(change: Change, rng: random.Random) -> Step:
    creator, bake_s = rng.choice(ENGINEERS), rng.uniform(5, 15)
    if isinstance(change, Flag):
        return Flip(change, creator)
    if isinstance(change, Configuration):
        return Configure(change, creator, bake_s)
    return Deploy(change, creator, bake_s)
