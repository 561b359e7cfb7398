"""Two things go wrong within a minute, and neither has to do with the other."""

from __future__ import annotations

import random

from tests.shop.kind import Kind, Trouble
from tests.shop.kinds.changes import a_bad_flag, a_version_bump, release
from tests.shop.kinds.machines import edge_delay, lock_held
from tests.shop.kinds.outside import queue_backlog
from tests.shop.stories import release_and_config
from tests.shop.story import Calm


def carts(rng: random.Random) -> Trouble:
    """Roll the release of cart that large carts do not survive."""
    culprit = release_and_config.STORY.culprit
    if culprit is None:
        raise TypeError("release_and_config has no culprit")
    return release(culprit, rng, bake_s=rng.uniform(10, 20))


def two_faults(rng: random.Random) -> Trouble:
    """Draw a change and a fault, one after the other."""
    pair = [rng.choice((carts, a_version_bump, a_bad_flag)), rng.choice((lock_held, edge_delay))]
    if rng.random() < 0.3:
        pair[1] = queue_backlog
    rng.shuffle(pair)
    one, other = (draw(rng) for draw in pair)
    return Trouble(
        begin=(*one.begin, Calm(rng.uniform(15, 30)), *other.begin),
        end=(*one.end, *other.end),
        culprits=(*one.culprits, *other.culprits),
        edge=one.edge or other.edge,
    )


TWO_FAULTS = Kind("two_faults", two_faults)
