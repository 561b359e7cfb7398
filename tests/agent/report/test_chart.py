"""Charts: whatever the numbers, everything is drawn inside the picture and readable."""

import math
import re
from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.report.axis import time_axis, value_axis
from agent.report.braille import plot
from agent.report.chart import NARROW, WIDE, Drawing, draw, groups, table, thin
from agent.report.flags import Label
from agent.state import Chart, Mark, MarkKind, Series

START = datetime(2026, 3, 9, 20, tzinfo=UTC)
moments = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 hypothesis adds the zone
values = st.none() | st.floats()
series = st.builds(
    Series,
    name=st.text(max_size=12),
    points=st.lists(st.tuples(moments, values), max_size=30).map(tuple),
    role=st.sampled_from(["bad", "good", "plain"]),
)
marks = st.builds(
    Mark,
    at=moments,
    label=st.text(max_size=40),
    kind=st.sampled_from(["implicated", "cleared", "not_assessable", "alert"]),
)
charts = st.builds(
    Chart,
    title=st.just("t"),
    unit=st.sampled_from(["s", "ms", "By", "%", "1", "{request}/s", ""]),
    series=st.lists(series, max_size=4).map(tuple),
    evidence=st.just("E1"),
    marks=st.lists(marks, max_size=10).map(tuple),
    shaded=st.none() | st.tuples(moments, moments),
    limit=st.none() | st.floats(),
)


def minutes(*numbers: float | None) -> tuple[tuple[datetime, float | None], ...]:
    return tuple((START + timedelta(minutes=i), number) for i, number in enumerate(numbers))


def chart_of(*numbers: float | None, unit: str = "s", limit: float | None = None) -> Chart:
    return Chart("t", unit, (Series("one", minutes(*numbers), "bad"),), "E1", limit=limit)


def labels(drawing: Drawing) -> list[Label]:
    flags = [flag.label for flag in drawing.flags if flag.label]
    return [*drawing.value_ticks, *drawing.time_ticks, *flags]


@settings(deadline=None, max_examples=150)
@given(charts, st.sampled_from([WIDE, NARROW]))
def test_everything_is_placed_inside_the_view_box(chart: Chart, width: int) -> None:
    drawing = draw(chart, width)
    points = [p for line in drawing.lines for segment in line.segments for p in segment]
    points += [(flag.x, drawing.top) for flag in drawing.flags]
    points += [(column.x + column.width, drawing.bottom) for column in drawing.columns]
    points += [(label.x, label.y) for label in labels(drawing)]
    for x, y in points:
        assert math.isfinite(x)
        assert math.isfinite(y)
        assert 0 <= x <= width
        assert 0 <= y <= drawing.height
    assert all(column.width >= 0 for column in drawing.columns)


@settings(deadline=None, max_examples=150)
@given(charts, st.sampled_from([WIDE, NARROW]))
def test_labels_never_overlap(chart: Chart, width: int) -> None:
    for one, other in combinations(labels(draw(chart, width)), 2):
        apart = one.right <= other.left or other.right <= one.left
        assert apart or abs(one.y - other.y) >= 11


@settings(deadline=None, max_examples=150)
@given(charts)
def test_every_finite_value_is_in_a_line_and_every_mark_is_told(chart: Chart) -> None:
    drawing = draw(chart)
    for line, one in zip(drawing.lines, chart.series, strict=True):
        finite = [v for _, v in one.points if v is not None and math.isfinite(v)]
        assert sum(map(len, line.segments)) == len(finite)
    told = {flag.title for flag in drawing.flags if flag.label} | set(drawing.notes)
    assert {flag.title for flag in drawing.flags} <= told


@settings(deadline=None, max_examples=100)
@given(charts, st.integers(20, 90))
def test_a_terminal_plot_fills_exactly_its_rows(chart: Chart, width: int) -> None:
    drawn = plot(chart, width, 7)
    if drawn is not None:
        assert [len(row) for row in drawn.rows] == [width] * 7
        assert all(0 <= at < width for at, _ in (*drawn.moments, *drawn.marks))


@pytest.mark.parametrize("value", [0.0, 0.14, -3.0, 1e-300, 1e300])
def test_a_constant_series_is_a_level_line(value: float) -> None:
    (line,) = draw(chart_of(value, value, value)).lines
    assert len({y for _, y in line.segments[0]}) == 1


def test_a_single_point_is_a_dot_in_the_middle() -> None:
    drawing = draw(chart_of(0.5))
    ((point,),) = drawing.lines[0].segments
    assert point[0] == pytest.approx((drawing.left + drawing.right) / 2, abs=0.1)


@pytest.mark.parametrize("hole", [None, math.nan, math.inf, -math.inf])
def test_a_value_that_is_no_number_breaks_the_line(hole: float | None) -> None:
    (line,) = draw(chart_of(1, 2, hole, 3, 4)).lines
    assert [len(segment) for segment in line.segments] == [2, 2]


def test_a_chart_without_points_says_so() -> None:
    assert "no points in this window" in draw(chart_of(None, None)).notes
    assert "no points in this window" in draw(Chart("t", "s", (), "E1")).notes


@pytest.mark.parametrize(
    ("numbers", "unit", "zoom", "ticks", "shown"),
    [
        ([0.14, 1.06], "s", False, ["0.0", "0.5", "1.0", "1.5"], "s"),
        ([140, 1060], "ms", False, ["0.0", "0.5", "1.0", "1.5"], "s"),
        ([0.002, 0.004], "s", False, ["0", "1", "2", "3", "4"], "ms"),
        ([99.2, 99.9], "%", True, ["99.2", "99.4", "99.6", "99.8", "100.0"], "%"),
        ([99.2, 99.9], "%", False, ["0", "50", "100"], "%"),
        ([0, 3 * 2**20], "By", False, None, "MiB"),
        ([0, 2_310_000], "{request}", False, ["0", "1", "2", "3"], "M request"),
        ([-4, 4], "1", False, ["-4", "-2", "0", "2", "4"], ""),
    ],
)
def test_a_value_axis_has_round_ticks_in_a_unit_for_people(
    numbers: list[float], unit: str, *, zoom: bool, ticks: list[str] | None, shown: str
) -> None:
    axis = value_axis(numbers, unit, zoom=zoom)
    assert axis.unit == shown
    assert ticks is None or [tick.label for tick in axis.ticks] == ticks


@pytest.mark.parametrize(
    ("span", "labels"),
    [
        (timedelta(seconds=40), ["20:00:00", "20:00:10", "20:00:20", "20:00:30", "20:00:40"]),
        (timedelta(hours=1), ["20:00", "20:10", "20:20", "20:30", "20:40", "20:50", "21:00"]),
        (timedelta(hours=12), ["20:00", "22:00", "10 Mar", "02:00", "04:00", "06:00", "08:00"]),
        (timedelta(days=3), ["10 Mar", "12:00", "11 Mar", "12:00", "12 Mar", "12:00"]),
    ],
)
def test_a_time_axis_has_round_moments_in_utc(span: timedelta, labels: list[str]) -> None:
    start = START.timestamp()
    axis = time_axis(start, start + span.total_seconds(), most=7)
    assert [tick.label for tick in axis.ticks] == labels


def test_marks_close_together_stand_in_rows_of_their_own() -> None:
    close: list[tuple[int, MarkKind]] = [(28, "cleared"), (29, "implicated"), (29, "alert")]
    chart = Chart(
        "t",
        "s",
        (Series("one", minutes(*range(30))),),
        "E1",
        tuple(Mark(START + timedelta(minutes=m), f"release {m} {k}", k) for m, k in close),
    )
    flags = draw(chart).flags
    assert len({flag.label.y for flag in flags if flag.label}) == 3
    assert all(flag.label and flag.label.right <= WIDE for flag in flags)


def test_a_mark_outside_the_window_points_out_of_it() -> None:
    chart = Chart(
        "t",
        "s",
        (Series("one", minutes(1, 2, 3)),),
        "E1",
        (Mark(START - timedelta(hours=1), "early", "cleared"),),
    )
    (flag,) = draw(chart).flags
    assert flag.x == draw(chart).left
    assert flag.label
    assert flag.label.text == "◂ early"
    assert "19:00:00" in flag.title


def test_a_limit_near_the_values_is_drawn_and_one_far_off_is_told() -> None:
    near, far = draw(chart_of(20, 90, unit="1", limit=100)), draw(chart_of(20, 90, limit=10_000))
    assert near.limit
    assert near.limit.text == "limit 100"
    assert far.limit is None
    assert far.notes == ("limit 10,000 s, beyond this scale",)


@given(st.lists(st.none() | st.floats(-1e6, 1e6), max_size=3000), st.integers(30, 400))
@settings(deadline=None, max_examples=60)
def test_thinning_keeps_the_extremes_and_shows_that_there_are_gaps(
    numbers: list[float | None], most: int
) -> None:
    points = [(float(i), number) for i, number in enumerate(numbers)]
    kept = thin(points, most)
    known = [v for _, v in points if v is not None]
    assert len(kept) <= most + 3
    assert max(known, default=None) == max((v for _, v in kept if v is not None), default=None)
    assert min(known, default=None) == min((v for _, v in kept if v is not None), default=None)
    assert (None in numbers) == (None in [v for _, v in kept])


def test_neighbours_of_a_group_are_drawn_beside_each_other_and_others_alone() -> None:
    alone, pair, other = (Chart(group, "s", (), "E1", group=group) for group in ("", "a", "b"))
    charts = [alone, alone, pair, pair, other, pair]
    assert groups(charts) == [[alone], [alone], [pair, pair], [other], [pair]]


def test_a_table_says_of_how_many_moments_it_shows_some() -> None:
    rows, total = table(chart_of(*range(1000)))
    assert total == 1000
    assert len(rows) <= 60
    assert rows[0] == ("9 Mar 2026 20:00:00", ["0 s"])


def test_a_terminal_plot_joins_points_and_leaves_gaps_open() -> None:
    drawn = plot(chart_of(1, 1, 1, 1, None, None, None, 1, 1, 1), 40, 4)
    assert drawn
    line = "".join(char for char, _ in drawn.rows[0]).rstrip()
    assert re.fullmatch(r"[^ ]+ {6,}[^ ]+", line)
