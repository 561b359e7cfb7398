"""Points of metrics become levels: gauges as they are, counters as rates."""

from __future__ import annotations

import pytest

from tests.agent.tools.rows import Row, answer, counter, moment, point

SUMMARY = {"metric_type": "summary"}
DELTA = {"temporality": "delta", "metric_type": "sum"}
SERIES: dict[str, tuple[list[Row], list[float]]] = {
    "a counter": ([counter(0, 0), counter(10, 50), counter(20, 150)], [5, 10]),
    "a counter scraped every half minute": (
        [counter(0, 0), counter(30, 60), counter(60, 90)],
        [2, 1],
    ),
    "a counter that misses points": ([counter(0, 0), counter(10, 50), counter(40, 230)], [5, 6]),
    "a counter that is reset": ([counter(0, 100), counter(10, 150), counter(30, 20)], [5, 1]),
    "a summary": ([point(10 * n, None, count=n * n * 10, **SUMMARY) for n in range(3)], [1, 3]),
    "a delta": ([point(10 * n, n * 10, is_monotonic=True, **DELTA) for n in range(3)], [0, 1, 2]),
    "a delta of a minute": (
        [
            point(60 * n, n * 60, is_monotonic=True, start_time=moment(60 * n - 60), **DELTA)
            for n in range(3)
        ],
        [0, 1, 2],
    ),
    "a delta of what may fall": (
        [point(10 * n, n, is_monotonic=False, **DELTA) for n in range(3)],
        [],
    ),
    "a gauge": ([point(0, 3), point(1, 4), point(10, 2)], [4, 2]),
    "a gauge of no type": ([point(10 * n, n, metric_type=None) for n in range(3)], [0, 1, 2]),
}


@pytest.mark.parametrize(("points", "values"), SERIES.values(), ids=SERIES.keys())
def test_a_series_has_the_levels_that_its_kind_gives_it(
    points: list[Row], values: list[float]
) -> None:
    rows = answer("metrics", metric_point=points)
    assert [value for row in rows for value in row["values"]] == values


def test_series_that_share_an_instance_are_one_level_a_bucket() -> None:
    """Two series that differ in scope only: a gauge is the highest of them, a rate their sum."""
    gauges = [point(10 * n, n + m, series=f"{m}") for n in range(3) for m in range(2)]
    (row,) = answer("metric_by_instance", {"metric": "requests"}, metric_point=gauges)
    assert (row["buckets"], row["values"]) == ([0, 1, 2], [1, 2, 3])
    counters = [counter(10 * n, 10 * n, f"{m}") for n in range(3) for m in range(2)]
    (row,) = answer("metric_by_instance", {"metric": "requests"}, metric_point=counters)
    assert (row["buckets"], row["values"]) == ([1, 2], [2, 2])
