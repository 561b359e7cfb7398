"""Metric series as anomalies: whose they are, about what, and which of them are one thing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from random import Random

import numpy as np
import pytest

from agent.nodes.survey import metrics
from agent.nodes.survey.metrics import _independent, survey_metrics
from agent.state import Anomaly, Investigation, Window
from lake.store import Lake
from tests.agent.nodes.alone import alone
from tests.agent.tools.rows import Row, moment, point, put
from tests.agent.world import START

MINUTES, ONSET = 60, 50
WINDOW = Window(
    START, START + timedelta(minutes=MINUTES), 60, trouble=(moment(60 * ONSET), moment(60 * 60))
)


def seen(lake: Lake, window: Window = WINDOW) -> Investigation:
    return alone(survey_metrics, lake, {"window": window})


def anomalies(lake: Lake, *series: list[Row], window: Window = WINDOW) -> list[Anomaly]:
    put(lake, "metric_point", [row for rows in series for row in rows])
    return seen(lake, window)["anomalies"]


def gauge(
    metric: str, workload: Row, *, step: float = 0.0, base: float = 100.0, seed: int = 0
) -> list[Row]:
    """A point a minute of noise about `base`, and higher by `step` from the onset on."""
    random = Random(f"{metric} {workload} {seed}")
    return [
        point(
            60 * at + 1,
            base + random.gauss(0, 1) + (step if at >= ONSET else 0.0),
            metric,
            f"{metric} {workload} {seed}",
            workload=workload,
        )
        for at in range(MINUTES)
    ]


def test_what_leaves_its_calm_time_is_told_with_its_onset_and_levels(lake: Lake) -> None:
    (told,) = anomalies(
        lake, gauge("cpu.usage", {"service": "a"}, step=40), gauge("cpu.usage", {"service": "b"})
    )
    assert (told.resource, told.indicator, told.look) == ("a", "saturation", "metrics")
    assert told.onset == moment(60 * ONSET)
    assert told.surprise > 5
    assert told.before == pytest.approx(100, abs=1)
    assert told.during == pytest.approx(140, abs=1)


@pytest.mark.parametrize(
    ("metric", "worse"), [("request.errors", 1), ("success_rate", -1), ("cpu.usage", 0)]
)
def test_which_way_is_worse_is_told_where_the_name_says_it(
    lake: Lake, metric: str, worse: int
) -> None:
    (told,) = anomalies(lake, gauge(metric, {"service": "a"}, step=40))
    assert told.worse == worse


def test_series_of_five_points_tell_nothing_and_it_is_said(lake: Lake) -> None:
    put(lake, "metric_point", gauge("cpu.usage", {"service": "a"}, step=40)[-5:])
    told = seen(lake)
    assert told["anomalies"] == []
    assert [gap.text.split(":")[0] for gap in told["gaps"]] == [
        "1 of 1 metric series have fewer than 8 values"
    ]


def test_where_most_series_have_values_enough_nothing_is_said_of_the_others(lake: Lake) -> None:
    series = [gauge("cpu.usage", {"service": name}) for name in "abc"]
    put(lake, "metric_point", [*series[0], *series[1], *series[2][-5:]])
    assert seen(lake)["gaps"] == []


def test_a_series_of_no_service_is_its_nodes(lake: Lake) -> None:
    (told,) = anomalies(lake, gauge("system.memory.usage", {"node": "worker-1"}, step=40))
    assert told.resource == "worker-1"


def test_an_instance_that_departs_alone_is_named(lake: Lake) -> None:
    steps = {"a-0": 0.0, "a-1": -40.0, "a-2": 0.0}
    (told,) = anomalies(
        lake,
        *(gauge("cpu.usage", {"service": "a", "instance": i}, step=s) for i, s in steps.items()),
    )
    assert (told.resource, told.instance) == ("a", "a-1")
    assert told.effect < 0


def test_instances_that_depart_together_are_not_named(lake: Lake) -> None:
    told = anomalies(
        lake,
        *(gauge("cpu.usage", {"service": "a", "instance": f"a-{i}"}, step=40) for i in range(3)),
    )
    assert told
    assert {one.instance for one in told} == {""}


def test_series_that_show_one_thing_are_told_once_where_there_is_no_room(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "_IN_ALL", 1)
    monkeypatch.setattr(metrics, "_A_RESOURCE", 2)
    percent = gauge("cpu.usage", {"service": "a"}, step=40)
    millis = [
        {**row, "value": 10 * row["value"], "metric_name": "cpu.millis", "series_uid": "millis"}
        for row in percent
    ]
    other = gauge("queue.length", {"service": "a"}, step=20)
    told = {a.subject for a in anomalies(lake, percent, millis, other)}
    assert "queue.length" in told
    assert len(told) == 2


def test_of_a_resource_with_more_series_the_same_surprises_less(lake: Lake) -> None:
    alone = gauge("cpu.usage", {"service": "a"}, step=40)
    others = [gauge(f"other.{n}", {"service": "b"}, seed=n) for n in range(30)]
    one_of_many = [{**row, "workload": {"service": "b"}, "series_uid": "b"} for row in alone]
    of = {told.resource: told.surprise for told in anomalies(lake, alone, one_of_many, *others)}
    assert of["b"] < of["a"] - 2


def test_series_that_go_together_are_paid_for_as_one(lake: Lake) -> None:
    one = gauge("cpu.usage", {"service": "a"}, step=40)
    again = [
        {**row, "value": 2 * row["value"], "metric_name": f"copy.{n}", "series_uid": f"copy.{n}"}
        for row in one
        for n in range(30)
    ]
    alone = [{**row, "workload": {"service": "b"}, "series_uid": "b"} for row in one]
    told = {(t.resource, t.subject): t.surprise for t in anomalies(lake, one, again, alone)}
    assert told["a", "cpu.usage"] == pytest.approx(told["b", "cpu.usage"], abs=0.2)


@pytest.mark.parametrize(("apart", "together"), [(1, 30), (10, 1), (10, 30), (40, 0), (900, 0)])
def test_as_many_series_are_independent_as_say_something_else(apart: int, together: int) -> None:
    random = np.random.default_rng(0)
    values = random.normal(size=(apart, 400))
    copies = np.repeat(random.normal(size=(1, 400)), together, axis=0)
    told = _independent(np.concatenate([values, copies]))
    assert told == pytest.approx(apart + bool(together), rel=0.15)


@pytest.mark.parametrize("length", [60, 70, 480, 490])
@pytest.mark.parametrize("copies", [100, 1000])
@pytest.mark.parametrize("shape", ["sinusoid", "ramp", "random walk", "noise"])
def test_copies_are_one_however_smooth_and_long_they_are(
    shape: str, copies: int, length: int
) -> None:
    noise = np.random.default_rng(0).normal(size=length)
    row = {
        "sinusoid": np.sin(2 * np.pi * np.arange(length) / length),
        "ramp": np.arange(length, dtype=np.float64),
        "random walk": np.cumsum(noise),
        "noise": noise,
    }[shape]
    assert _independent(np.tile(row, (copies, 1))) == pytest.approx(1.0)


def test_of_very_many_series_some_tell_how_many_are_independent() -> None:
    random = np.random.default_rng(0)
    apart = random.normal(size=(2000, 60))
    copies = np.repeat(random.normal(size=(1, 60)), 4000, axis=0)
    assert _independent(np.concatenate([apart, copies])) == pytest.approx(2001, rel=0.15)


def test_series_of_which_too_little_is_known_count_as_one_each() -> None:
    values = np.full((50, 100), np.nan)
    values[:, :4] = [1, 2, 3, 4]
    assert _independent(values) == 50


def test_a_constant_of_the_calm_stretch_elsewhere_that_breaks_is_told(lake: Lake) -> None:
    window = replace(WINDOW, calm=(START - timedelta(hours=9), START - timedelta(hours=1)))
    calm = [
        point(60 * at - 9 * 3600, 1.0, "availability", "up", workload={"service": "a"})
        for at in range(480)
    ]
    now = [
        point(60 * at, 0.5, "availability", "up", workload={"service": "a"})
        for at in range(MINUTES)
    ]
    whole = replace(window, trouble=(START, START + timedelta(minutes=MINUTES)))
    (told,) = anomalies(lake, calm, now, window=whole)
    assert (told.indicator, told.before, told.during) == ("availability", 1.0, 0.5)


def test_without_calm_time_there_is_nothing_to_be_surprised_at(lake: Lake) -> None:
    assert (
        anomalies(
            lake, gauge("cpu", {"service": "a"}, step=9), window=replace(WINDOW, trouble=None)
        )
        == []
    )


def test_an_empty_lake_has_no_anomalies(lake: Lake) -> None:
    put(lake, "metric_point", gauge("cpu", {"service": "a"})[:1])
    assert seen(lake)["anomalies"] == []
