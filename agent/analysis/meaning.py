"""What a metric is about, by general words in its name, its unit and labels, and what is harm."""

from __future__ import annotations

import re
from dataclasses import dataclass

from agent.state import Indicator

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_FAILED = re.compile(r"(?:code|status|class)\"?\s*[=:]\s*\"?5(?:\d\d|xx)\b", re.IGNORECASE)
_ABOUT: dict[Indicator, str] = {  # the first with a word of the name decides
    "errors": "error errors err failed failure failures fail exception exceptions fault faults "
    "panic panics rejected rejections reject refused denied aborted aborts dropped drops drop "
    "discarded retry retries retransmits retrans oom timeout timeouts",
    "latency": "latency lat latencies duration delay rtt elapsed ttfb",
    "availability": "availability available unavailable up ready readiness alive success successes "
    "successful succeeded healthy health uptime restarts restart replicas",
    "saturation": "cpu mem memory heap rss disk filesystem inode inodes usage used utilization "
    "utilisation util load queue queued backlog pending lag pool connection connections thread "
    "threads fd fds descriptors gc throttled throttling throttle swap pressure saturation waiting "
    "wait goroutines quota limit evictions age",
    "traffic": "request requests req response responses rps qps ops throughput workload traffic "
    "bytes packets network received sent transmit transmitted receive messages calls queries hits",
}
_KNOWN = {indicator: frozenset(words.split()) for indicator, words in _ABOUT.items()}
_MS = {
    **dict.fromkeys(("ns", "nanosecond", "nanoseconds"), 1e-6),
    **dict.fromkeys(("us", "µs", "microsecond", "microseconds"), 1e-3),
    **dict.fromkeys(("ms", "millisecond", "milliseconds"), 1.0),
    **dict.fromkeys(("s", "second", "seconds"), 1e3),
}
_TIMED = _MS.keys() | {"time", "times"}
_SUCCESS = frozenset({"availability", "success", "successes", "successful", "succeeded"})
_NO_HARM = frozenset({"cpu", "gc", "up", "age"})  # however long they are
_PAST = ("since", "timestamp", "uptime")
_LEFT = ("budget", "expires", "expiration", "expiry", "idle", "remaining", "ttl")
_NEITHER = frozenset(_PAST + _LEFT)  # more of it is no better and no worse
_MORE_HARMS = frozenset({"unavailable", "throttled"})
_PERCENT = frozenset({"%", "percent"})


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


def meaning(name: str, unit: str = "", attributes: str = "", *, is_rate: bool = False) -> Meaning:
    """What a metric's words say; the least that matters is what it is of requests themselves.

    Users mind 3 points of failures, and 5 ms that are half as much again.
    """
    indicator = indicator_of(name, unit, attributes, is_rate=is_rate)
    words, unit = _words(name), unit.strip().lower()
    if not is_rate and _is_clock(words):
        return Meaning(indicator, 0, 0.0, 1.5)
    is_time = unit in _MS and not is_rate
    share = 0.03 * (100.0 if unit in _PERCENT else 1.0)
    if indicator == "errors" or words & _MORE_HARMS:
        return Meaning(indicator, 1, share, 1.5)
    if indicator == "latency" or (is_time and not words & _NO_HARM):
        return Meaning(indicator, 1, 5.0 / _MS[unit] if unit in _MS else 0.0, 1.5)
    if words & _SUCCESS:
        return Meaning(indicator, -1, share, 1.0)
    return Meaning(indicator, 0, 0.0, 1.5)


def indicator_of(metric: str, unit: str, attributes: str, *, is_rate: bool) -> Indicator:
    """The indicator that a series speaks for; the most specific word decides.

    What successes or responses take is a latency, as is any other time without a more telling word.
    Without a word, a rate is traffic, and any other level a saturation.
    """
    words = _words(metric)
    is_time = unit.strip().lower() in _MS and not is_rate and not _is_clock(words)
    if _FAILED.search(attributes):
        return "errors"
    if (is_time and words & _SUCCESS) or ("response" in words and words & _TIMED):
        words |= {"latency"}
    for indicator, known in _KNOWN.items():
        if indicator == "traffic" and is_time:
            return "latency"
        if words & known:
            return indicator
    return "traffic" if is_rate else "saturation"


def _is_clock(words: frozenset[str]) -> bool:
    """Whether it tells what is left, or when something was; what a start takes is neither."""
    began = "start" in words and not words & _KNOWN["latency"]
    return began or bool(words & _NEITHER)


def _words(name: str) -> frozenset[str]:
    return frozenset(word.lower() for word in _WORDS.findall(name))
