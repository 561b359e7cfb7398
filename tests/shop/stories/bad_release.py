"""A release of payment loses database connections between two harmless releases of others."""

from __future__ import annotations

import random

from tests.shop.fleet import Release
from tests.shop.story import (
    ENGINEERS,
    INNOCENT,
    ONCALL,
    AwaitAlert,
    Calm,
    Culprit,
    Deploy,
    Step,
    Story,
    roll_back,
)

GUILTY = Release("payment", "2.8.0", "Book stored cards under their mandate")


def steps(rng: random.Random) -> tuple[Step, ...]:
    """Calm, an innocent release, the guilty one, another innocent one, the alert, the way back."""
    before, after = rng.sample(INNOCENT, 2)
    first, guilty, last = rng.sample(ENGINEERS, 3)
    return (
        Calm(rng.uniform(195, 215)),
        Deploy(before, first, bake_s=60),
        Calm(rng.uniform(88, 98)),
        Deploy(GUILTY, guilty, bake_s=rng.uniform(128, 138)),
        Calm(rng.uniform(158, 168)),
        Deploy(after, last, bake_s=60),
        AwaitAlert(within_s=150),
        Calm(rng.uniform(30, 40)),
        Deploy(roll_back("payment"), ONCALL, bake_s=5, task="deploy:rollback"),
        Calm(rng.uniform(190, 200)),
    )


STORY = Story(
    name="bad_release",
    alerts="alerts_slo.yml",
    verdict="cause_found",
    steps=steps,
    culprit=Culprit(
        change=GUILTY,
        indicator="saturation",
        mechanism="deploy",
        detail="charges on stored cards never give their database connection back, so the pool "
        "of each payment 2.8.0 instance runs dry",
    ),
)
