"""What a metric is about, by its name and unit."""

from __future__ import annotations

import pytest

from agent.analysis.meaning import meaning


@pytest.mark.parametrize(
    ("name", "unit", "indicator", "worse"),
    [
        ("http_server_errors_total", "1", "errors", 1),
        ("SuccessRate", "%", "errors", -1),
        ("availability", "", "errors", -1),
        ("PodClientLatencyP90", "s", "latency", 1),
        ("http.server.duration", "ms", "latency", 1),
        ("process.cpu.time", "s", "saturation", 0),
        ("MemoryUsage", "By", "saturation", 0),
        ("request_success_latency", "ms", "latency", 1),
        ("request_success_time", "ms", "latency", 1),
    ],
)
def test_words_of_a_name_tell_which_way_is_worse(
    name: str, unit: str, indicator: str, worse: int
) -> None:
    told = meaning(name, unit)
    assert (told.indicator, told.worse) == (indicator, worse)


@pytest.mark.parametrize(
    ("name", "unit"),
    [("process.uptime", "s"), ("node_up_time", "s"), ("uptime", ""), ("oldest_message_age", "s")],
)
def test_how_long_something_is_there_is_no_harm(name: str, unit: str) -> None:
    assert meaning(name, unit).worse == 0


def test_what_users_mind_is_the_same_in_every_unit() -> None:
    assert meaning("latency", "ms").least == pytest.approx(5.0)
    assert meaning("latency", "s").least == pytest.approx(0.005)
    assert meaning("error_rate", "%").least == pytest.approx(3.0)
    assert meaning("error_rate", "").least == pytest.approx(0.03)
