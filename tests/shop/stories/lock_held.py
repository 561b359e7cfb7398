"""Somebody restocks by hand in psql, forgets to commit, and every order waits for the rows."""

from __future__ import annotations

import random

from tests.shop.story import (
    ENGINEERS,
    INNOCENT,
    AwaitAlert,
    Calm,
    Culprit,
    Deploy,
    HoldLock,
    Step,
    Story,
)

BLOCKING = HoldLock(
    user="ana_reyes",
    table="stock",
    statement="UPDATE stock SET available = available + 500",
    seconds=170,
)


def steps(rng: random.Random) -> tuple[Step, ...]:
    """Calm, an innocent release, the lock and the alert, calm after it is gone."""
    return (
        Calm(rng.uniform(95, 105)),
        Deploy(rng.choice(INNOCENT), rng.choice(ENGINEERS), bake_s=30),
        Calm(rng.uniform(85, 95)),
        BLOCKING,
        AwaitAlert(within_s=BLOCKING.seconds),
        Calm(rng.uniform(175, 185)),
    )


STORY = Story(
    name="lock_held",
    alerts="alerts_orders.yml",
    verdict="cause_found",
    steps=steps,
    culprit=Culprit(
        change=None,
        indicator="latency",
        mechanism="contention",
        detail="a transaction opened by hand holds every row of stock, so each reservation waits "
        "until checkout gives it up",
    ),
)
