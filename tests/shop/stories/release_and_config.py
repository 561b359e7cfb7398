"""A release of cart breaks large carts in the minute that a harmless sync configures it anew."""

from __future__ import annotations

import random

from tests.shop.fleet import Configuration, Release
from tests.shop.story import (
    ENGINEERS,
    ONCALL,
    AwaitAlert,
    Calm,
    Configure,
    Culprit,
    Deploy,
    Step,
    Story,
    roll_back,
)

GUILTY = Release("cart", "4.1.0", "More off for more pieces, in tiers")
INNOCENT = Configuration("cart", {"keep_for_s": 7200}, "Keep carts for two hours")


def steps(rng: random.Random) -> tuple[Step, ...]:
    """Calm, the sync, 25 seconds later the release, the alert, and only the release taken back."""
    return (
        Calm(rng.uniform(115, 125)),
        Configure(INNOCENT, None, bake_s=3),
        Calm(25),
        Deploy(GUILTY, rng.choice(ENGINEERS), bake_s=rng.uniform(100, 110)),
        Calm(rng.uniform(120, 125)),
        AwaitAlert(within_s=120),
        Calm(rng.uniform(30, 40)),
        Deploy(roll_back("cart"), ONCALL, bake_s=5, task="deploy:rollback"),
        Calm(rng.uniform(95, 105)),
    )


STORY = Story(
    name="release_and_config",
    alerts="alerts_orders.yml",
    verdict="cause_found",
    steps=steps,
    culprit=Culprit(
        change=GUILTY,
        indicator="errors",
        mechanism="deploy",
        detail="cart 4.1.0 has no tier for ten pieces and more, so every cart that holds as many "
        "can neither be shown nor ordered",
    ),
)
