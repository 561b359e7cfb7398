"""Two minutes with one innocent release, to see whether the shop runs at all."""

from __future__ import annotations

import random

from tests.shop.story import ENGINEERS, INNOCENT, Calm, Deploy, Step, Story


def steps(rng: random.Random) -> tuple[Step, ...]:
    """Calm, one innocent release, calm."""
    return Calm(30), Deploy(INNOCENT[0], rng.choice(ENGINEERS), bake_s=20), Calm(75)


STORY = Story(
    name="smoke",
    alerts="alerts_slo.yml",
    verdict="no_incident",
    steps=steps,
)
