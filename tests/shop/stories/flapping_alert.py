"""An alert on the noise of a healthy shop fires and resolves, again and again."""

from __future__ import annotations

import random

from tests.shop.story import ENGINEERS, INNOCENT, Calm, Deploy, Step, Story


def steps(rng: random.Random) -> tuple[Step, ...]:
    """Calm, one innocent release, calm."""
    return (
        Calm(rng.uniform(330, 390)),
        Deploy(rng.choice(INNOCENT), rng.choice(ENGINEERS), bake_s=60),
        Calm(rng.uniform(400, 430)),
    )


STORY = Story(
    name="flapping_alert",
    alerts="alerts_p95.yml",
    verdict="no_incident",
    steps=steps,
)
