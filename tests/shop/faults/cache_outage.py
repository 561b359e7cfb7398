"""Redis is gone, hangs, or takes nothing more."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import redis

from tests.shop.daemons import start_redis
from tests.shop.fault import Shop


@dataclass(frozen=True)
class CacheOutage:
    """Redis is stopped and started anew, hangs, or has reached the memory it may use."""

    how: Literal["gone", "hangs", "full"]

    @contextmanager
    def within(self, shop: Shop) -> Iterator[None]:
        """Take it away, and give it back."""
        child = shop.processes.named("redis")
        if self.how == "gone":
            shop.processes.stop(child)
        elif self.how == "hangs":
            child.process.send_signal(signal.SIGSTOP)
        else:
            limit(shop.redis, "1mb")
        try:
            yield
        finally:
            if self.how == "gone":
                start_redis(shop.processes, shop.run, shop.redis)
            elif self.how == "hangs":
                child.process.send_signal(signal.SIGCONT)
            else:
                limit(shop.redis, "0")


def limit(port: int, memory: str) -> None:
    """Say how much memory Redis may use; what it cannot store then it refuses."""
    with redis.Redis(port=port) as client:
        client.config_set("maxmemory", memory)
