"""The page: complete, self-contained, and every citation leads somewhere."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from agent.report.html import html
from agent.state import Chart, Report, Series, Statement
from tests.agent.report import samples
from tests.agent.report.markup import Page

REPORTS = [samples.cause_found(), samples.no_incident(), samples.inconclusive()]
each = pytest.mark.parametrize("report", REPORTS, ids=lambda report: str(report.verdict))


@each
def test_every_element_is_closed(report: Report) -> None:
    assert Page(html(report)).open == []


@each
def test_every_citation_leads_to_its_evidence(report: Report) -> None:
    elements = Page(html(report)).elements
    anchors = {attributes["id"] for _, attributes in elements if "id" in attributes}
    cited = {a["href"] for tag, a in elements if tag == "a" and a["href"].startswith("#")}
    assert cited
    assert {href.removeprefix("#") for href in cited} <= anchors


@each
def test_nothing_is_loaded_and_no_script_runs(report: Report) -> None:
    page = html(report)
    elements = Page(page).elements
    assert not {tag for tag, _ in elements} & {"script", "img", "link", "iframe", "object", "base"}
    assert not {name for _, attributes in elements for name in attributes if name.startswith("on")}
    assert not re.search(r"@import|url\(", page)
    policy = next(a["content"] for _, a in elements if a.get("http-equiv"))
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'")


@each
def test_no_section_is_empty(report: Report) -> None:
    for section in re.findall(r"<section>.*?</section>", html(report), re.DOTALL):
        body = re.sub(r"<h2>.*?</h2>|<[^>]+>", "", section, flags=re.DOTALL)
        assert body.strip()


def test_a_report_with_nothing_but_a_verdict_has_no_sections() -> None:
    bare = replace(samples.no_incident(), summary=(), charts=(), timeline=(), evidence={}, gaps=())
    assert "<section>" not in html(bare)


def test_a_citation_without_evidence_is_no_link() -> None:
    report = replace(samples.no_incident(), summary=(Statement("Unproven.", ("E99",)),))
    assert 'href="#E99"' not in html(report)
    assert '<span class="e">E99</span>' in html(report)


def test_only_a_web_address_becomes_the_link_of_a_change() -> None:
    report = samples.cause_found()
    assert 'href="https://git.example/shop/pricing/compare/4.1.9...4.2.0"' in html(report)
    for url in (
        "javascript:alert(1)",
        "data:text/html,x",
        "//git.example",
        "https://",
        "http://[x",
    ):
        changes = tuple(replace(change, url=url) for change in report.changes)
        assert ">diff</a>" not in html(replace(report, changes=changes))


def test_the_three_checks_stand_on_each_hop() -> None:
    report = samples.cause_found()
    cause = report.causes[0]
    path = (replace(cause.path[0], order=False), *cause.path[1:])
    page = html(replace(report, causes=(replace(cause, path=path, grounded=False),)))
    assert page.count('<span class="pass">') == 5
    assert page.count('<span class="fail">✗ order</span>') == 1
    assert "path not proven: order not shown" in page


def test_controls_that_decided_nothing_are_folded_and_none_is_lost() -> None:
    report = samples.cause_found()
    page = html(report)
    folded = "".join(re.findall(r'<details class="more">.*?</details>', page, re.DOTALL))
    for control in (control for change in report.changes for control in change.controls):
        assert page.count(control.text) == 1
        assert (control.text in folded) == (control.verdict in {"neutral", "not_assessable"})


def test_what_was_asked_and_not_cited_is_told_in_a_line_without_its_sql() -> None:
    report = samples.no_incident()
    asked = replace(report.evidence["E3"], question="Was it the moon?", sql="SELECT 'moon'")
    page = html(replace(report, summary=(), evidence={**report.evidence, "E3": asked}))
    assert "Was it the moon?" in page
    assert "SELECT &#39;moon&#39;" not in page


def test_the_page_stays_small_with_a_day_of_minutes_in_half_a_dozen_charts() -> None:
    report = samples.cause_found()
    start = samples.at("00:00:00")
    points = tuple((start + timedelta(minutes=m), float(m * 7919 % 1013)) for m in range(1440))
    chart = Chart("t", "s", tuple(Series(str(n), points) for n in range(2)), "E1")
    assert len(html(report).encode()) < 100_000
    assert len(html(replace(report, charts=(chart,) * 6)).encode()) < 300_000
