"""Unleash's events, as its webhook sends them.

After https://docs.getunleash.io/concepts/events
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import Any

import requests

from tests.shop.fleet import Flag, now


@dataclass
class Unleash:
    """Tells a watcher of each flip of a flag."""

    watcher: str
    random: random.Random

    def __post_init__(self) -> None:
        self._last_id = self.random.randrange(40_000, 60_000)

    def flip(self, flag: Flag, creator: str) -> int:
        """Announce what was done to a flag; gives the event's id."""
        self._last_id += self.random.randint(1, 30)
        body = json.dumps(event(flag, creator, self._last_id), separators=(",", ":"))
        requests.post(self.watcher, data=body.encode(), timeout=5).raise_for_status()
        return self._last_id


def event(flag: Flag, creator: str, number: int) -> dict[str, Any]:
    """Give the body of an event: a flag's strategy for one region, or none."""
    region = {
        "contextName": "region",
        "operator": "IN",
        "values": [flag.region],
        "inverted": False,
        "caseInsensitive": False,
    }
    strategy = {"name": "default", "parameters": {}, "constraints": [region], "segments": []}
    added, removed = (strategy, None) if flag.on else (None, strategy)
    return {
        "id": number,
        "type": "feature-strategy-add" if flag.on else "feature-strategy-remove",
        "createdBy": creator,
        "createdByUserId": sum(map(ord, creator)) % 90 + 2,
        "createdAt": now().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "featureName": flag.name,
        "project": flag.service,
        "environment": "production",
        "label": flag.title,
        "summary": f"{creator} {'added' if flag.on else 'removed'} the strategy for"
        f" {flag.region} {'to' if flag.on else 'from'} {flag.name} in production",
        "data": added,
        "preData": removed,
        "tags": [{"type": "service", "value": flag.service}],
    }
