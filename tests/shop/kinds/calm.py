"""Nothing is wrong: nothing happens, only what is innocent does, many come, or an alert flaps."""

from __future__ import annotations

import random

from tests.shop.faults.surge import Surge
from tests.shop.kind import Kind, Trouble, decoys
from tests.shop.story import Calm, Inject, Mend


def nothing(rng: random.Random) -> Trouble:
    return Trouble((Calm(rng.uniform(40, 60)),), alerted=False)


def releases(rng: random.Random) -> Trouble:
    """Draw two more innocent changes, one after the other."""
    first, second = decoys(Trouble(()), rng)
    return Trouble((first, Calm(rng.uniform(30, 40)), second), alerted=False)


def peak(rng: random.Random) -> Trouble:
    """Let twice as many come, whom the shop serves as well as ever."""
    many = Surge(None, rng.uniform(3.5, 5.0))
    return Trouble((Inject(many), Calm(rng.uniform(25, 35))), (Mend(many),), alerted=False)


CALM = (
    Kind("calm_nothing", nothing),
    Kind("calm_releases", releases),
    Kind("calm_peak", peak),
    Kind("calm_flapping", nothing, alerts="alerts_flap.yml"),
)
