"""Words and numbers as people read them."""

from dataclasses import replace
from datetime import timedelta, timezone
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.report import words
from agent.state import ChangeVerdict, ControlKind, Cost, GapKind, Proposal, Rollout, Verdict
from tests.agent.report import samples


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (0.14, "0.14"),
        (0.1384, "0.14"),
        (0.00123, "0.0012"),
        (1.0640, "1.06"),
        (11.43, "11.4"),
        (2310, "2,310"),
        (20263.7, "20,264"),
        (120.4, "120"),
        (1e4 + 0.3, "10,000"),
        (-3.5, "-3.5"),
        (float("nan"), "-"),
        (1e20, "1e+20"),
    ],
)
def test_a_number_has_the_digits_that_matter(value: float, shown: str) -> None:
    assert words.number(value) == shown


@settings(deadline=None)
@given(st.floats(-1e300, 1e300))
def test_a_number_is_never_far_from_what_it_shows(value: float) -> None:
    assert float(words.number(value).replace(",", "")) == pytest.approx(value, rel=0.05)


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (0.14, "s", "0.14 s"),
        (0.0021, "s", "2.1 ms"),
        (1064, "ms", "1.06 s"),
        (41_000, "ns", "41 µs"),
        (11.4, "%", "11.4 %"),
        (3 * 2**30, "By", "3 GiB"),
        (2310, "{request}", "2,310 request"),
        (2_310_000, "1", "2.31 M"),
        (None, "s", "-"),
    ],
)
def test_a_quantity_is_in_a_unit_that_reads_well(value: float, unit: str, shown: str) -> None:
    assert words.quantity(value, unit) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.412, "0.41 s"), (42, "42 s"), (170, "2 min 50 s"), (11_100, "3 h 05 min")],
)
def test_a_duration_is_in_hours_minutes_and_seconds(seconds: float, shown: str) -> None:
    assert words.duration(seconds) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(0.93, "0.93"), (0.9996, "> 0.99"), (0.002, "< 0.01"), (1, "1.00")]
)
def test_a_probability_is_never_rounded_to_certainty(value: float, shown: str) -> None:
    assert words.probability(value) == shown


@pytest.mark.parametrize(
    ("count", "noun", "shown"),
    [(1, "row", "1 row"), (2310, "row", "2,310 rows"), (0, "query", "0 queries")],
)
def test_a_count_agrees_with_its_noun(count: int, noun: str, shown: str) -> None:
    assert words.plural(count, noun) == shown


def test_every_closed_word_has_its_words() -> None:
    assert set(words.KICKERS) == set(words.TONES) == set(get_args(Verdict))
    assert set(words.CONTROLS) == set(get_args(ControlKind))
    assert set(words.GAPS) == set(get_args(GapKind))


def test_the_status_of_each_verdict_is_one_word() -> None:
    report = samples.cause_found()
    likely = replace(report, causes=(replace(report.causes[0], status="likely"),))
    others = [v for v in get_args(Verdict) if v != "cause_found"]
    assert words.status(report) == "CONFIRMED"
    assert words.status(likely) == words.status(replace(report, causes=())) == "LIKELY"
    assert [words.status(replace(report, verdict=v)) for v in others] == [
        "NO INCIDENT",
        "INCONCLUSIVE",
        "STOPPED BY BUDGET",
    ]


def test_times_are_utc_and_carry_a_date_only_on_another_day() -> None:
    report = samples.inconclusive()
    at = samples.at("01:58:20").astimezone(timezone(timedelta(hours=9)))
    assert words.moment(at, report) == "01:58:20"
    assert words.moment(at - timedelta(hours=3), report) == "8 Mar 22:58:20"


def test_a_rollout_says_when_it_was_declared_seen_and_gone() -> None:
    report = samples.cause_found()
    change = report.changes[1]
    assert (
        words.rollout(change, report)
        == "declared 21:08:50, seen 21:09:31 to 21:11:04 on 3 instances"
    )
    gone = Rollout("a", samples.at("21:09:31"), samples.at("21:20:00"))
    unannounced = replace(change, declared_at=None, rollouts=(gone,))
    assert (
        words.rollout(unannounced, report)
        == "undeclared, seen 21:09:31 on 1 instance, gone at 21:20:00"
    )


def test_changes_are_told_by_verdict() -> None:
    report = samples.cause_found()
    told = [change.verdict for change in words.by_verdict(report.changes)]
    assert told == list(get_args(ChangeVerdict))
    assert words.tried(report) == "3 changes tried: 1 implicated, 1 cleared, 1 not assessable"
    looked = {"E1": replace(next(iter(report.evidence.values())), tool="changes")}
    none = replace(report, changes=(), evidence=looked)
    assert words.tried(none) == "no change found near it"
    assert words.tried(replace(report, changes=(), evidence={})) == "no change was looked at"


def test_what_is_asked_and_not_cited_is_told_from_what_a_report_rests_on() -> None:
    report = replace(samples.no_incident(), summary=(), timeline=())
    assert set(words.cited(report)) == {"E1"} < set(report.evidence)
    assert set(words.cited(samples.cause_found())) == set(samples.cause_found().evidence)


def test_a_commit_is_told_by_its_first_digits_and_other_revisions_whole() -> None:
    change = samples.cause_found().changes[0]
    commit = "242ea22989fa262853cb038916983b5ff3ebe39d"
    assert "242ea22989fa ·" in words.provenance(replace(change, revision=commit)) + " ·"
    assert "release-2026.03.09" in words.provenance(replace(change, revision="release-2026.03.09"))


def test_the_cost_of_an_unknown_price_is_not_called_nothing() -> None:
    assert "price unknown" in words.cost(samples.inconclusive())
    assert "$0.00" in words.cost(samples.cause_found())


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]8;;http://x\x07link\x1b]8;;\x1b\\", "link"),
        ("\x1b]0;unended title", "0;unended title"),
        ("\x9b2Jcleared", "cleared"),
        ("a\x00b\x08c\u202ed\u2066e\ufefff", "abcdef"),
        ("two\r\nlines\tand\n\n tabs", "two lines and tabs"),
        ("\ud800lone", "lone"),
    ],
)
def test_a_line_holds_nothing_that_a_terminal_obeys(raw: str, shown: str) -> None:
    assert words.line(raw) == shown


def test_a_models_hypothesis_says_what_came_of_it_and_what_the_engine_gives_it() -> None:
    new = Proposal("cart", "contention", "held", "A row has it.", "a row of edges")
    known = replace(new, outcome="refuted", change="C1", known=True, probability=0.94)
    told = "cart: contention. Expected was a row of edges. A row has it."
    assert (words.outcome(new), words.proposed(new)) == ("held", told)
    assert words.outcome(replace(new, outcome="not_assessable")) == "not testable"
    assert words.proposed(known).startswith("cart: contention, by C1.")
    unknown = words.proposed(replace(new, resource="", expected=""))
    assert unknown == "a resource that is not there: contention. A row has it."
    assert words.proposed(known).endswith("the engine had it, at 0.94.")
    assert words.proposed(replace(new, probability=0.2)).endswith("weighed at 0.20.")


def test_the_cost_tells_calls_tokens_and_what_came_from_a_cache() -> None:
    report = samples.cause_found()
    paid = Cost("small", 3, 7000, 2000, 500, 0.0123, 80, 12.0)
    said = words.cost(replace(report, cost=paid))
    assert "3 calls, 7,500 tokens, 2,000 of them cached · $0.0123" in said
    assert "price unknown" in words.cost(replace(report, cost=replace(paid, usd=None)))
