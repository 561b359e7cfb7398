"""In three minutes: a release of inventory fails every order, after a harmless one of another."""

from __future__ import annotations

import random

from tests.shop.fleet import Release
from tests.shop.story import (
    ENGINEERS,
    INNOCENT,
    AwaitAlert,
    Calm,
    Culprit,
    Deploy,
    Step,
    Story,
)

GUILTY = Release("inventory", "2.4.0", "Count reserved pieces")
HARMLESS = tuple(each for each in INNOCENT if each.service != GUILTY.service)


def steps(rng: random.Random) -> tuple[Step, ...]:
    """Calm, an innocent release, the guilty one, the alert."""
    first, guilty = rng.sample(ENGINEERS, 2)
    return (
        Calm(25),
        Deploy(rng.choice(HARMLESS), first, bake_s=5),
        Calm(45),
        Deploy(GUILTY, guilty, bake_s=20),
        AwaitAlert(within_s=90),
        Calm(30),
    )


STORY = Story(
    name="quick",
    alerts="alerts_quick.yml",
    verdict="cause_found",
    steps=steps,
    culprit=Culprit(
        change=GUILTY,
        indicator="errors",
        mechanism="deploy",
        detail="inventory 2.4.0 writes a column that the table does not have, so no order passes",
    ),
)
