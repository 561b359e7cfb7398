"""Somebody changed something, and said so: a release, a configuration, a flag, a library."""

from __future__ import annotations

import random
from dataclasses import replace

from tests.shop.fleet import Configuration, Flag, Release
from tests.shop.kind import Kind, Trouble, service
from tests.shop.stories import bad_release, config_timeout, quick, release_and_config
from tests.shop.story import (
    ENGINEERS,
    ONCALL,
    Configure,
    Culprit,
    Deploy,
    Flip,
    revert,
    roll_back,
)

LEAKS = (
    Release("shipping", "1.10.0", "Keep labels at hand"),
    Release("catalog", "3.15.0", "Compare the pages we render"),
)
BUMP = Release("payment", "2.7.10", "Bump acquirer-client from 5.1.3 to 6.0.1")
FLAGS = (
    ("cart", "bundle-prices", "errors", "bundle prices know no more than two pieces"),
    ("catalog", "live-stock", "latency", "a page asks inventory once for each product it lists"),
)


def release(culprit: Culprit, rng: random.Random, bake_s: float) -> Trouble:
    """Roll a guilty release, and back."""
    made = culprit.change
    if not isinstance(made, Release):
        raise TypeError(f"{made} is no release")
    begin = Deploy(made, rng.choice(ENGINEERS), bake_s)
    back = Deploy(roll_back(made.service), ONCALL, bake_s=3, task="deploy:rollback")
    blamed = replace(culprit, resources=(service(made.service),))
    return Trouble((begin,), (back,), (blamed,))


def a_bad_release(rng: random.Random) -> Trouble:
    story = rng.choice((bad_release.STORY, quick.STORY, release_and_config.STORY))
    if story.culprit is None:
        raise TypeError(f"{story.name} has no culprit")
    return release(story.culprit, rng, bake_s=rng.uniform(15, 35))


def a_memory_leak(rng: random.Random) -> Trouble:
    made = rng.choice(LEAKS)
    detail = f"{made.service} {made.version} keeps all it ever drew, until it is killed for memory"
    return release(Culprit(made, "saturation", "deploy", detail), rng, bake_s=rng.uniform(5, 15))


def a_version_bump(rng: random.Random) -> Trouble:
    detail = "acquirer-client 6 asks for a token before each charge, which takes most of a second"
    return release(Culprit(BUMP, "latency", "deploy", detail), rng, bake_s=rng.uniform(15, 30))


def a_bad_config(rng: random.Random) -> Trouble:
    """Give payment too little time, and back."""
    values = {**config_timeout.GUILTY.values, "payment_timeout_s": round(rng.uniform(0.06, 0.1), 3)}
    made = Configuration("checkout", values, config_timeout.GUILTY.title)
    detail = "checkout gives payment less time than most charges take, and asks again at once"
    culprit = Culprit(made, "errors", "config", detail, (service("checkout"),))
    begin = Configure(made, rng.choice(ENGINEERS), bake_s=rng.uniform(15, 30))
    return Trouble((begin,), (Configure(revert(made), ONCALL, bake_s=3),), (culprit,))


def a_bad_flag(rng: random.Random) -> Trouble:
    """Turn on, for one region, what does not work."""
    name, flag, indicator, why = rng.choice(FLAGS)
    region = rng.choice(("emea", "amer"))
    made = Flag(name, flag, region, f"Turn {flag} on for {region}", on=True)
    back = replace(made, on=False, title=f"Turn {flag} off for {region}")
    culprit = Culprit(made, indicator, "flag", f"{why}, in {region}", (service(name),))
    begin = Flip(made, rng.choice(ENGINEERS))
    return Trouble((begin,), (Flip(back, ONCALL),), (culprit,))


CHANGES = (
    Kind("bad_release", a_bad_release),
    Kind("bad_config", a_bad_config),
    Kind("bad_flag", a_bad_flag),
    Kind("version_bump", a_version_bump),
    Kind("memory_leak", a_memory_leak),
)
