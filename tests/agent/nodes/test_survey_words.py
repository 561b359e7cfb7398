"""What a metric is about, by general words."""

from __future__ import annotations

import pytest

from agent.nodes.survey.words import indicator_of
from agent.state import Indicator


@pytest.mark.parametrize(
    ("metric", "unit", "attributes", "kind", "indicator"),
    [
        ("http.server.request.duration", "s", "{}", "level", "latency"),
        ("ServerLatencyP99(s)", "", "{}", "level", "latency"),
        ("wait_time", "ms", "{}", "level", "saturation"),
        ("took", "ms", "{}", "level", "latency"),
        ("container_cpu_usage_seconds_total", "s", "{}", "rate", "saturation"),
        ("MemoryUsageRate(%)", "", "{}", "level", "saturation"),
        ("db.client.connection.count", "", "{}", "level", "saturation"),
        ("SuccessRate(%)", "", "{}", "level", "availability"),
        ("up", "", "{}", "level", "availability"),
        ("kafka.consumer.lag", "", "{}", "level", "saturation"),
        ("request_errors_total", "", "{}", "rate", "errors"),
        ("requests", "", '{"http.status_code": "503"}', "rate", "errors"),
        ("requests", "", '{"http.status_code":"200"}', "rate", "traffic"),
        ("NetworkReceiveBytes", "By", "{}", "level", "traffic"),
        ("widgets", "", "{}", "rate", "traffic"),
        ("widgets", "", "{}", "level", "saturation"),
    ],
)
def test_general_words_tell_what_a_metric_is_about(
    metric: str, unit: str, attributes: str, kind: str, indicator: Indicator
) -> None:
    assert indicator_of(metric, unit, attributes, is_rate=kind == "rate") == indicator
