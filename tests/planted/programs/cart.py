"""A service that keeps carts in Redis: `cart.py PORT_OF_REDIS`."""

from __future__ import annotations

import sys
import time

import redis

from tests.planted.programs.logs import log

store = redis.Redis(port=int(sys.argv[1]))
for number in range(600):
    try:
        store.set(f"cart:{number}", b"x" * 20_000)
        log.info("saved cart %s", number)
    except redis.RedisError:
        log.exception("saving cart %s failed", number)
    time.sleep(0.01)
