"""A change is tried by what its text has in common with what broke."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from agent.analysis import relevance
from agent.analysis.topology import Topology
from agent.nodes.about import about
from agent.nodes.facts import Facts
from agent.nodes.trying import Trying
from agent.state import Change, Control, Incident, Window
from agent.tools.notebook import Notebook
from lake.store import Lake
from tests.agent.tools.rows import Row, moment, put
from tests.agent.world import START
from traces.tracer import Tracing

WINDOW = Window(START, START + timedelta(minutes=30), 30)
TEXTS = (
    "refactor: read couponTotals in one query",
    "docs: describe the release process",
    "ci: cache the build",
    "style: align the tooltip of the cart",
    "chore: update dependencies",
    "test: golden files of the mailer",
)


def commit(number: int, text: str) -> Row:
    change = {"uid": f"c{number}", "kind": "deploy", "state": "planned", "revision": f"r{number}"}
    message, _, diff = text.partition("\n")
    row: Row = {"time": moment(60.0 * number), "message": message, "change": change}
    return row | ({"unmapped": json.dumps({"diff": diff})} if diff else {})


def line(at_s: float, text: str, severity_id: int) -> Row:
    workload = {"service": "cart"}
    return {"time": moment(at_s), "severity_id": severity_id, "message": text, "workload": workload}


def tried(
    folder: Path,
    *lines: Row,
    revision: str,
    texts: tuple[str, ...] = TEXTS,
    service: str = "cart",
    came: float | None = None,
) -> Control:
    with trying(folder, *lines, revision=revision, texts=texts, service=service, came=came) as on:
        return about(on)


@contextmanager
def trying(
    folder: Path,
    *lines: Row,
    revision: str,
    texts: tuple[str, ...] = TEXTS,
    service: str = "cart",
    came: float | None = None,
) -> Iterator[Trying]:
    declared = None if came is None else moment(came)
    change = Change(
        id="C1",
        kind="deploy",
        what=service,
        service=service,
        revision=revision,
        declared_at=declared,
    )
    facts = Facts(
        window=WINDOW,
        incident=Incident(moment(1200), WINDOW.start, WINDOW.end),
        symptom=(),
        signals=(),
        calls=(),
        changes={"C1": change},
        topology=Topology([]),
        services=frozenset(),
    )
    with Lake.create(folder / "lake") as lake:
        put(lake, "application_lifecycle", [commit(n, text) for n, text in enumerate(texts)])
        put(lake, "log_record", list(lines))
        with Tracing(lake, "test") as tracing:
            yield Trying(change, facts, Notebook(lake.at(), tracing).ask)


@pytest.mark.parametrize(("revision", "verdict"), [("r0", "implicates"), ("r2", "neutral")])
def test_the_change_that_speaks_of_what_broke_is_told_from_the_others(
    tmp_path: Path, revision: str, verdict: str
) -> None:
    errors = [line(1150 + s, "column coupon_totals is unknown", 4) for s in range(9)]
    assert tried(tmp_path, *errors, revision=revision).verdict == verdict


def test_errors_that_were_written_before_are_not_what_broke(tmp_path: Path) -> None:
    errors = [line(60 + s, "column coupon_totals is unknown", 4) for s in range(0, 1200, 60)]
    assert tried(tmp_path, *errors, revision="r0").verdict == "neutral"


def test_a_text_without_others_to_compare_it_with_says_nothing(tmp_path: Path) -> None:
    errors = [line(1150, "column coupon_totals is unknown", 4)]
    control = tried(tmp_path, *errors, revision="r0", texts=TEXTS[:2])
    assert control.verdict == "not_assessable"


def test_a_change_without_a_revision_speaks_of_nothing(tmp_path: Path) -> None:
    control = tried(tmp_path, line(0, "ready", 1), revision="")
    assert control.verdict == "not_assessable"


@pytest.mark.parametrize(("came", "verdict"), [(300, "implicates"), (550, "neutral")])
def test_what_was_complained_of_before_a_change_is_not_of_its_making(
    tmp_path: Path, came: float, verdict: str
) -> None:
    errors = [line(400 + s, "column coupon_totals is unknown", 4) for s in range(0, 900, 60)]
    assert tried(tmp_path, *errors, revision="r0", came=came).verdict == verdict


def test_a_complaint_speaks_by_its_attributes_too(tmp_path: Path) -> None:
    slow = line(1150, "slow", 3) | {"attributes": json.dumps({"sql": "SELECT coupon_totals"})}
    assert tried(tmp_path, slow, revision="r0").verdict == "implicates"


def test_what_is_written_often_while_all_is_well_says_nothing(tmp_path: Path) -> None:
    well = [line(60 * n, "coupons counted; totals in one column", 1) for n in range(9)]
    errors = [line(1150, "column coupon_totals is unknown", 4)]
    assert tried(tmp_path, *well, *errors, revision="r0").verdict == "neutral"


def test_that_a_change_is_of_its_service_is_known_without_its_text(tmp_path: Path) -> None:
    errors = [line(1150, "coupons unknown", 4)]
    assert tried(tmp_path, *errors, revision="r0").verdict == "implicates"
    again = tried(tmp_path / "again", *errors, revision="r0", service="couponservice")
    assert again.verdict == "neutral"


@pytest.mark.parametrize(("revision", "verdict"), [("r0", "implicates"), ("r1", "neutral")])
def test_of_two_changes_in_one_place_the_one_that_did_something_there_fits(
    tmp_path: Path, revision: str, verdict: str
) -> None:
    texts = (
        "tidy the cart\n@@ cart.py @@\n-\tseedCoupons(cart)\n-\tload(cart)\n+\tload(cart)",
        "tidy coupons\n@@ cart.py @@\n-\tunknown(coupons)\n+\tunknown(coupons, cart)",
        *TEXTS[1:],
    )
    errors = [line(1150, "coupons unknown", 4)]
    assert tried(tmp_path, *errors, revision=revision, texts=texts).verdict == verdict


def test_what_was_written_is_read_once_for_all_the_changes_that_are_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    usual_words = relevance.words

    def counted(text: str) -> list[str]:
        read.append(text)
        return usual_words(text)

    monkeypatch.setattr(relevance, "words", counted)
    texts = ("the only commit of this kind", *TEXTS)
    with trying(tmp_path, line(1150, "unknown", 4), revision="r0", texts=texts) as first:
        for number in range(len(texts)):
            about(replace(first, change=replace(first.change, revision=f"r{number}")))
    assert sum("of this kind" in text for text in read) == 2  # for all of them, and for its own
