"""A configuration of checkout gives payment too little time, among harmless releases of others."""

from __future__ import annotations

import random

from tests.shop.fleet import Configuration
from tests.shop.story import (
    ENGINEERS,
    INNOCENT,
    ONCALL,
    AwaitAlert,
    Calm,
    Configure,
    Culprit,
    Deploy,
    Step,
    Story,
    revert,
)

GUILTY = Configuration(
    "checkout", {"payment_timeout_s": 0.08, "payment_attempts": 4}, "Do not wait for slow charges"
)


def steps(rng: random.Random) -> tuple[Step, ...]:
    """Calm, an innocent release, the guilty sync, another innocent release, the alert, back."""
    before, after = rng.sample(INNOCENT, 2)
    first, guilty, last = rng.sample(ENGINEERS, 3)
    return (
        Calm(rng.uniform(90, 100)),
        Deploy(before, first, bake_s=30),
        Calm(rng.uniform(65, 70)),
        Configure(GUILTY, guilty, bake_s=rng.uniform(85, 95)),
        Calm(rng.uniform(50, 60)),
        Deploy(after, last, bake_s=30),
        Calm(rng.uniform(55, 65)),
        AwaitAlert(within_s=150),
        Calm(rng.uniform(45, 55)),
        Configure(revert(GUILTY), ONCALL, bake_s=5),
        Calm(rng.uniform(95, 105)),
    )


STORY = Story(
    name="config_timeout",
    alerts="alerts_orders.yml",
    verdict="cause_found",
    steps=steps,
    culprit=Culprit(
        change=GUILTY,
        indicator="errors",
        mechanism="config",
        detail="checkout gives payment 80 ms, which most charges exceed, and asks "
        "again at once: payment gets a multiple of the charges, books some twice, and orders fail",
    ),
)
