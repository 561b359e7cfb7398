"""What log lines say about the trouble: of whom, since when, and whether another is to blame."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from agent.config import Request
from agent.nodes.context import Context
from agent.nodes.survey.logs import survey_logs
from agent.state import Anomaly, Window
from agent.tools.notebook import Notebook
from lake.store import Lake
from tests.agent.tools.rows import Row, moment, put
from tests.agent.world import START
from traces.tracer import Tracing

INFO, WARNING, ERROR = 1, 3, 4
ALARM, END = 1200, 1500  # seconds


def line(at_s: float, message: str, severity: int = INFO, service: str = "cart") -> Row:
    return {
        "time": moment(at_s),
        "severity_id": severity,
        "message": message,
        "workload": {"service": service},
    }


def served(service: str, since: int = 0, until: int = END) -> list[Row]:
    """Two kinds of lines for each request, one every two seconds."""
    return [
        line(at, f"{words} {at}", service=service)
        for at in range(since, until, 2)
        for words in ("received the order", "answered the order")
    ]


def every(seconds: int, since: int, message: str, **more: Any) -> list[Row]:
    return [line(at, message, **more) for at in range(since, END, seconds)]


WINDOW = Window(START, moment(END), 10, trouble=(moment(ALARM - 120), moment(END)), calm=None)


@contextmanager
def looking(folder: Path, rows: list[Row], window: Window) -> Iterator[list[Anomaly]]:
    with Lake.create(folder / "lake") as lake, Tracing(lake, "test") as tracing:
        put(lake, "log_record", rows)
        context = Context(Request(), Notebook(lake.at(), tracing), lambda _: None)
        runtime = cast("Any", SimpleNamespace(context=context))
        yield survey_logs({"window": window}, runtime)["anomalies"]


def anomalies(folder: Path, rows: list[Row], window: Window = WINDOW) -> list[Anomaly]:
    with looking(folder, rows, window) as found:
        return found


def test_a_new_error_is_its_writers_own_from_its_first_line_on(tmp_path: Path) -> None:
    failed = every(7, ALARM + 3, "stock of item 7 is negative", severity=ERROR)
    (found,) = anomalies(tmp_path, served("cart") + served("web") + failed)
    assert (found.resource, found.indicator, found.own) == ("cart", "errors", True)
    assert found.subject == "log “stock of item <num> is negative”"
    assert found.onset == moment(ALARM)
    assert found.surprise > 10.0
    assert found.effect > 0
    assert (found.before, found.unit) == (0.0, "lines/min")


@pytest.mark.parametrize(
    ("words", "peer"),
    [
        ("connection refused to web:80", "web"),
        ("POST http://web/orders: status 503", "web"),
        ("read timed out", ""),
    ],
)
def test_an_error_that_blames_another_is_not_its_writers_own(
    tmp_path: Path, words: str, peer: str
) -> None:
    failed = every(7, ALARM, words, severity=ERROR)
    (found,) = anomalies(tmp_path, served("cart") + served("web") + failed)
    assert (found.resource, found.own, found.peer) == ("cart", False, peer)


def test_a_step_that_is_left_out_is_missed(tmp_path: Path) -> None:
    steps = [line(at, f"priced the order {at}") for at in range(0, ALARM, 2)]
    (found,) = anomalies(tmp_path, served("cart") + steps)
    assert found.subject == "log “priced the order <num>”"
    assert found.indicator == "traffic"
    assert found.effect < 0


def test_errors_that_were_always_written_are_noise(tmp_path: Path) -> None:
    noise = every(7, 0, "the order is already paid", severity=ERROR)
    assert not anomalies(tmp_path, served("cart") + noise)


def test_less_traffic_is_no_news_of_the_logs(tmp_path: Path) -> None:
    assert not anomalies(tmp_path, served("cart", until=ALARM) + served("cart", ALARM)[::3])


def test_the_lines_of_one_failure_are_one_anomaly(tmp_path: Path) -> None:
    words = ["the order failed", "rolled the order back", "told the user so"]
    failed = [row for say in words for row in every(7, ALARM, say, severity=ERROR)]
    assert len(anomalies(tmp_path, served("cart") + failed)) == 1


def test_a_severe_line_says_more_than_a_plain_one(tmp_path: Path) -> None:
    same = {
        severity: anomalies(
            tmp_path / str(severity),
            served("cart") + every(20, ALARM, "took the other way", severity=severity),
        )[0].surprise
        for severity in (INFO, WARNING, ERROR)
    }
    assert same[INFO] < same[WARNING] < same[ERROR]


def test_a_calm_stretch_elsewhere_tells_noise_from_news(tmp_path: Path) -> None:
    day = timedelta(days=1)
    noise = every(7, 0, "the order is already paid", severity=ERROR)
    calm = [row | {"time": row["time"] - day} for row in served("cart") + noise]
    trouble = [row for row in served("cart") + noise if row["time"] >= moment(ALARM)]
    news = every(7, ALARM, "stock is negative", severity=ERROR)
    window = Window(
        moment(ALARM),
        moment(END),
        10,
        trouble=(moment(ALARM), moment(END)),
        calm=(START - day, moment(END) - day),
    )
    (found,) = anomalies(tmp_path, calm + trouble + news, window)
    assert found.subject == "log “stock is negative”"


def test_without_calm_time_nothing_is_said_to_be_new(tmp_path: Path) -> None:
    rows = served("cart", since=ALARM - 120) + every(7, ALARM - 120, "stock is out", severity=ERROR)
    assert not anomalies(tmp_path, rows)


def test_five_lines_and_none_say_nothing(tmp_path: Path) -> None:
    assert not anomalies(tmp_path / "five", every(60, ALARM, "failed", severity=ERROR))
    assert not anomalies(tmp_path / "one", [line(0, "started")])


def test_junk_and_a_line_of_megabytes_are_lines_like_others(tmp_path: Path) -> None:
    huge = line(ALARM + 5, "x [" * 3_000_000, ERROR)
    junk = [line(ALARM + n, f"\x01\x02{chr(200 + n)}[{{(=,\t{n}", WARNING) for n in range(40)]
    for found in anomalies(tmp_path, [*served("cart"), huge, *junk]):
        assert 0.0 <= found.surprise <= 30.0
        assert len(found.subject) < 1100
