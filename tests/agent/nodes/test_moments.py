"""A moment is taken from a question's own words: no other clock, zone or day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from agent.nodes.moments import said

FIRST = datetime(2026, 3, 1, 0, 0, 30, tzinfo=UTC)
A_DAY, TEN_DAYS = timedelta(hours=23.9), timedelta(days=10)


def meant(question: str, at: str, lasting: timedelta = A_DAY) -> str:
    found = said(datetime.fromisoformat(at), question, FIRST, FIRST + lasting)
    return f"{found:%d %H:%M:%S}" if found else ""


@pytest.mark.parametrize(
    ("question", "at", "found"),
    [
        ("what broke at 14:05?", "2026-03-01T14:05Z", "01 14:05:00"),
        ("what broke at 14:05?", "2026-03-01T16:05+02:00", "01 14:05:00"),
        ("what broke at 14:05?", "2026-03-01T14:05:59Z", "01 14:05:00"),
        ("14:05:31 UTC, checkout", "2026-03-01T14:05Z", "01 14:05:31"),
        ("slow since 4:05, why", "2026-03-01T04:05Z", "01 04:05:00"),
        ("slow since 4:05pm.", "2026-03-01T16:05Z", "01 16:05:00"),
        ("slow since 12:05 a.m.", "2026-03-01T00:05Z", "01 00:05:00"),
        ("since 14h05", "2026-03-01T14:05Z", "01 14:05:00"),
        ("between 14:05-14:20", "2026-03-01T14:05Z", "01 14:05:00"),
        ("from 14:05+02:00 on", "2026-03-01T12:05Z", "01 12:05:00"),
        ("from 14:05 UTC-5 on", "2026-03-01T14:05-05:00", "01 19:05:00"),
        ("2026-03-01T14:05:07-05:00", "2026-03-01T19:05Z", "01 19:05:07"),
    ],
)
def test_a_moment_of_the_question_is_taken_to_its_second(
    question: str, at: str, found: str
) -> None:
    assert meant(question, at) == found


@pytest.mark.parametrize(
    ("question", "at"),
    [
        ("what broke at 14:05?", "2026-03-01T04:05Z"),
        ("what broke at 14:05?", "2026-03-01T00:05Z"),
        ("what broke at 14:05?", "2026-03-01T14:05+12:00"),
        ("what broke at 14:05?", "2026-03-01T14:05-11:00"),
        ("what broke at 14:05?", "2026-03-01T14:05+00:04"),
        ("what broke at 14:05?", "2026-03-01T14:05-00:06"),
        ("what broke at 14:05?", "0001-01-01T14:05+14:00"),
        ("what broke with release 1.9.30?", "2026-03-01T09:30Z"),
        ("image 09:30:4a", "2026-03-01T09:30Z"),
        ("slow since 4:05 pm", "2026-03-01T04:05Z"),
        ("from 14:05+02:00 on", "2026-03-01T02:00Z"),
        ("from 14:05+02:00 on", "2026-03-01T14:05Z"),
        ("from 14:05 CET on", "2026-03-01T14:05Z"),
        ("from 14:05 local time on", "2026-03-01T14:05Z"),
        ("at 2026-02-28T14:05Z", "2026-03-01T14:05Z"),
    ],
)
def test_another_moment_is_not_taken(question: str, at: str) -> None:
    assert meant(question, at) == ""


@pytest.mark.parametrize(
    "question",
    [
        "at 14:05 on 2026-03-04",
        "on 4 March at 14:05",
        "on the 4th of March at 14:05",
        "Mar 4, 14:05",
        "2026-03-04 14:05",
    ],
)
def test_of_many_days_the_question_says_which(question: str) -> None:
    assert meant(question, "2026-03-04T14:05Z", TEN_DAYS) == "04 14:05:00"
    assert meant(question, "2026-03-05T14:05Z", TEN_DAYS) == ""
    assert meant("at 14:05, on the 14 March", "2026-03-04T14:05Z", TEN_DAYS) == ""
    assert meant("at 14:05", "2026-03-04T14:05Z", TEN_DAYS) == ""


def test_about_midnight_a_moment_has_one_day_all_the_same() -> None:
    night = timedelta(hours=26)
    assert meant("at 14:05", "2026-03-01T14:05Z", night) == "01 14:05:00"
    assert meant("at 1:05", "2026-03-01T01:05Z", night) == ""
