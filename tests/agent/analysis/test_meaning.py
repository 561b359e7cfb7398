"""What a metric is about, by its name and unit."""

from __future__ import annotations

import pytest

from agent.analysis.meaning import indicator_of, meaning
from agent.state import Indicator


@pytest.mark.parametrize(
    ("name", "unit", "indicator", "worse"),
    [
        ("http_server_errors_total", "1", "errors", 1),
        ("SuccessRate", "%", "availability", -1),
        ("availability", "", "availability", -1),
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
        ("http.server.response.body.size", "By", "{}", "level", "traffic"),
        ("http_response_time", "", "{}", "level", "latency"),
        ("http_request_time", "s", "{}", "level", "latency"),
        ("process.uptime", "s", "{}", "level", "availability"),
        ("request_success_latency", "ms", "{}", "level", "latency"),
        ("widgets", "", "{}", "rate", "traffic"),
        ("widgets", "", "{}", "level", "saturation"),
    ],
)
def test_general_words_tell_what_a_metric_is_about(
    metric: str, unit: str, attributes: str, kind: str, indicator: Indicator
) -> None:
    assert indicator_of(metric, unit, attributes, is_rate=kind == "rate") == indicator
    assert meaning(metric, unit, attributes, is_rate=kind == "rate").indicator == indicator


@pytest.mark.parametrize("unit", ["ms", "s", "milliseconds"])
def test_to_wait_is_harm_but_the_time_of_a_processor_is_none(unit: str) -> None:
    assert meaning("wait_time", unit).worse == 1
    assert meaning("container_cpu_usage_seconds_total", unit).worse == 0
    assert meaning("work_seconds_total", unit, is_rate=True).worse == 0


def test_requests_that_are_labelled_as_failed_are_harm() -> None:
    assert meaning("requests", "", '{"http.status_code": "503"}', is_rate=True).worse == 1
    assert meaning("requests", "", '{"http.status_code": "200"}', is_rate=True).worse == 0


@pytest.mark.parametrize(
    "attributes",
    ['{"status_class": "5xx"}', '{"statusCode": 502}', "code=500", '{"rpc.response.class":"5XX"}'],
)
def test_a_label_of_what_was_answered_tells_a_failure(attributes: str) -> None:
    assert meaning("requests", "", attributes, is_rate=True).worse == 1


@pytest.mark.parametrize(
    "attributes", ['{"le":"500"}', '{"partition": "512"}', '{"port":"587"}', '{"code": "5000"}']
)
def test_a_number_that_is_no_answer_is_no_failure(attributes: str) -> None:
    told = meaning("requests", "", attributes, is_rate=True)
    assert (told.indicator, told.worse) == ("traffic", 0)


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("cert_time_to_expiry", "s"),
        ("certificate_expiry_seconds", "s"),
        ("token_ttl", "s"),
        ("process_start_time_seconds", "s"),
        ("idle_time", "ms"),
        ("time_remaining", "s"),
        ("time_since_last_success", "s"),
        ("last_run_timestamp", "s"),
        ("error_budget_remaining", ""),
        ("uptime_success", "s"),
    ],
)
def test_what_is_left_or_has_passed_says_not_which_way_is_worse(name: str, unit: str) -> None:
    told = meaning(name, unit)
    assert told.worse == 0
    assert told.indicator != "latency"


def test_errors_of_what_ran_out_are_errors() -> None:
    assert meaning("ttl_exceeded_errors_total", is_rate=True).worse == 1


@pytest.mark.parametrize("name", ["pod_start_duration", "startLatency"])
def test_a_start_that_takes_longer_is_worse(name: str) -> None:
    assert meaning(name, "s").worse == 1


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
