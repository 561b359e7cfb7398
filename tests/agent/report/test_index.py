"""The page of a batch: all incidents in order, none that can harm, errors among them."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

from agent.report.index import Result, index, result
from tests.agent.report import samples
from tests.agent.report.markup import Page, shape

ERROR = Result("gone", error="no telemetry around 2026-03-09 10:00 UTC")


def of(number: int, **changed: object) -> Result:
    """The result of the sample incident, so many hours later."""
    one = result(samples.cause_found(), id=f"i{number}", report=f"incidents/i{number}/report.html")
    began = samples.at("21:00:00") + timedelta(hours=number)
    return replace(one, began_at=began, **changed)  # type: ignore[arg-type]  # any field of it


def rows(page: str) -> list[str]:
    """The text of each row of the table, without its head."""
    return [
        " ".join(re.sub(r"<[^>]+>", " ", row).split())
        for row in re.findall(r"<tr>(.*?)</tr>", page, re.DOTALL)[1:]
    ]


def test_a_result_sums_up_its_report() -> None:
    one = result(samples.cause_found(), id="i", seconds=3.5)
    assert (one.service, one.version, one.change_kind, one.revision, one.implicated) == (
        "pricing",
        "4.2.0",
        "deploy",
        "a1f9c3e",
        1,
    )
    assert (one.began_at, one.queries, one.seconds) == (samples.at("21:12:40"), 31, 3.5)
    assert result(samples.inconclusive(), id="i").service == ""


def test_a_secret_in_a_title_stays_in_the_report() -> None:
    leaky = replace(samples.cause_found(), title="orders fail with password=hunter2isnotgood")
    assert "hunter2" not in result(leaky, id="i").title


def test_incidents_come_in_order_of_time_and_those_without_one_last() -> None:
    shown = rows(index([ERROR, of(2), of(1)]))
    assert [re.search(r"\b(i1|i2|gone)\b", row)[1] for row in shown] == ["i1", "i2", "gone"]  # type: ignore[index]  # each row has its id
    assert "error no telemetry around" in shown[2]
    assert shown[0].startswith("9 Mar 2026 22:00:00 cause found confidence 0.93")
    assert "deploy a1f9c3e implicated" in shown[0]


def test_verdicts_are_counted() -> None:
    calm = result(samples.no_incident(), id="calm", report="x")
    page = re.sub(r"</?b>", "", index([of(1), of(2), calm, ERROR]))
    counts = re.findall(r'<li class="\w+">(.+?)</li>', page)
    assert counts == ["2 cause found", "1 no incident", "1 error"]
    assert "3 incidents" not in page
    assert "4 incidents looked into" in page


def test_no_text_of_an_incident_becomes_markup_or_a_link_of_its_own() -> None:
    evil = "</td><script>alert(1)</script><a href='https://evil.example'>\x1b[2J\" onload=x"
    hostile = of(1, title=evil, service=evil, version=evil, revision=evil)
    assert shape(index([hostile, replace(ERROR, error=evil)])) == shape(index([of(1), ERROR]))
    page = index([hostile])
    assert Page(page).open == []
    assert not re.search(r"@import|url\(|<script", page)


def test_a_mark_stands_where_its_incident_began() -> None:
    page = index([of(0), of(1), of(4)])
    assert re.findall(r'style="left:([\d.]+)%" href', page) == ["0.0", "25.0", "100.0"]
    assert re.findall(r'style="left:([\d.]+)%" href', index([of(3)])) == ["50.0"]


def test_a_batch_of_errors_has_a_page_without_a_time_line() -> None:
    page = index([ERROR])
    assert Page(page).open == []
    assert "When they began" not in page


def test_a_price_that_is_not_known_is_not_called_nothing() -> None:
    assert "price not known" in index([of(1, usd=None), of(2, usd=0.5)])
    assert "$0.75" in index([of(1, usd=0.25), of(2, usd=0.5)])
