"""What a metric is about, as far as its name and its unit tell, and what of it is harm."""

from __future__ import annotations

import re
from dataclasses import dataclass

from agent.state import Indicator

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SUCCESS = frozenset({"success", "successes", "successful", "succeeded", "availability"})
_FAILURE = frozenset(
    {
        *("error", "errors", "fail", "failed", "failure", "failures", "fault", "faults"),
        *("exception", "exceptions", "rejected", "rejections", "dropped", "drops", "timeout"),
        *("timeouts", "aborted", "refused", "denied", "throttled", "unavailable"),
    }
)
_LATENCY = frozenset({"latency", "latencies", "duration", "elapsed", "delay", "rtt", "ttfb"})
_NO_LATENCY = frozenset({"cpu", "gc", "uptime", "up", "age"})  # times that are no harm
_TIMES = {"ns": 1e-6, "us": 1e-3, "µs": 1e-3, "ms": 1.0, "s": 1e3, "seconds": 1e3}
_PERCENT = frozenset({"%", "percent", "Percent"})


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a metric tells: of which kind of harm, which way is worse, and the least that matters.

    `worse` is 1 where more is worse, -1 where less is, 0 where the name does not say. `least` is in
    the metric's unit; `ratio` is by how much a level must change in proportion.
    """

    indicator: Indicator
    worse: int
    least: float
    ratio: float


def meaning(name: str, unit: str = "") -> Meaning:
    """What a metric's words say; the least that matters is what it is of requests themselves.

    Users mind 3 points of failures, and 5 ms that are half as much again.
    """
    words = {word.lower() for word in _WORDS.findall(name)}
    share = 0.03 * (100.0 if unit in _PERCENT else 1.0)
    if words & _FAILURE:
        return Meaning("errors", 1, share, 1.5)
    if words & _LATENCY or (unit in _TIMES and not words & _NO_LATENCY):
        return Meaning("latency", 1, 5.0 / _TIMES[unit] if unit in _TIMES else 0.0, 1.5)
    if words & _SUCCESS:
        return Meaning("errors", -1, share, 1.0)
    return Meaning("saturation", 0, 0.0, 1.5)
