"""What a metric is about, told by general words in its name, its unit and its attributes."""

from __future__ import annotations

import re

from agent.state import Indicator

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_FAILED = re.compile(r"[=:\"]5\d\d\b")
_SECONDS = {"s", "ms", "us", "µs", "ns", "seconds", "milliseconds", "microseconds", "second"}
_ABOUT: dict[Indicator, str] = {  # the first with a word of the name decides
    "errors": "error errors err failed failure failures fail exception exceptions fault faults "
    "panic panics rejected rejections reject aborted aborts dropped drops drop discarded retry "
    "retries retransmits retrans oom timeout timeouts",
    "availability": "availability available unavailable up ready readiness alive success healthy "
    "health uptime restarts restart replicas",
    "latency": "latency lat latencies duration response delay rtt elapsed",
    "saturation": "cpu mem memory heap rss disk filesystem inode inodes usage used utilization "
    "utilisation util load queue queued backlog pending lag pool connection connections thread "
    "threads fd fds descriptors gc throttled throttling throttle swap pressure saturation waiting "
    "wait goroutines quota limit evictions",
    "traffic": "request requests req rps qps ops throughput workload traffic bytes packets network "
    "received sent transmit transmitted receive messages calls queries hits",
}
_KNOWN = {indicator: frozenset(words.split()) for indicator, words in _ABOUT.items()}


def indicator_of(metric: str, unit: str, attributes: str, *, is_rate: bool) -> Indicator:
    """The indicator that a series speaks for; the most specific word decides.

    Without a word, a time is a latency, a rate is traffic, and any other level a saturation.
    """
    words = {word.lower() for word in _WORDS.findall(metric)}
    if _FAILED.search(attributes):
        return "errors"
    for indicator, known in _KNOWN.items():
        if words & known:
            return indicator
    if unit.strip().lower() in _SECONDS and not is_rate:
        return "latency"
    return "traffic" if is_rate else "saturation"
