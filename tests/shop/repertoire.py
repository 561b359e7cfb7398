"""The incidents that can be played."""

from __future__ import annotations

from tests.shop.stories import (
    bad_release,
    config_timeout,
    flapping_alert,
    lock_held,
    quick,
    release_and_config,
)
from tests.shop.story import Story

STORIES: tuple[Story, ...] = (
    bad_release.STORY,
    config_timeout.STORY,
    lock_held.STORY,
    release_and_config.STORY,
    flapping_alert.STORY,
    quick.STORY,
)
