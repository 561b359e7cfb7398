"""Settings are read once, at the door, and what they do not know is an error."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.config import Request, Settings, SlackSettings, read_settings, read_slack
from agent.errors import RequestError, SettingError

TOKENS = {"SLACK_BOT_TOKEN": "xoxb-of-the-bot", "SLACK_APP_TOKEN": "xapp-of-the-app"}


def test_without_settings_there_are_defaults() -> None:
    assert read_settings({"PATH": "/bin"}) == Settings(lake=Path("inquest-lake"), debug=False)


def test_the_environment_names_the_lake_and_asks_for_tracebacks() -> None:
    read = read_settings({"INQUEST_LAKE": "elsewhere", "INQUEST_DEBUG": "1"})
    assert read == Settings(lake=Path("elsewhere"), debug=True)


@pytest.mark.parametrize(
    "environ",
    [{"INQUEST_LAKES": "x"}, {"INQUEST_DEBUG": "yes"}, {"INQUEST_CHECKPOINTS": "postgresql://db"}],
)
def test_a_setting_that_means_nothing_is_an_error_that_names_it(environ: dict[str, str]) -> None:
    (name,) = environ
    with pytest.raises(SettingError, match=name):
        read_settings(environ)


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(RequestError, match="no time zone"):
        Request(at=datetime(2026, 11, 21, 14, 5))  # noqa: DTZ001 - the fault under test
    assert Request(at=datetime(2026, 11, 21, 14, 5, tzinfo=UTC)).at is not None


@pytest.mark.parametrize("lookback", [0.0, -60.0, float("nan"), float("inf")])
def test_a_lookback_that_is_no_window_is_refused(lookback: float) -> None:
    with pytest.raises(RequestError, match="is no window"):
        Request(lookback_s=lookback)


def test_slack_needs_two_tokens_and_shows_neither() -> None:
    read = read_slack(TOKENS)
    assert read == SlackSettings("xoxb-of-the-bot", "xapp-of-the-app")
    assert "of-the" not in repr(read)


def test_who_may_ask_in_slack_and_how_often_is_set_by_lists_and_numbers() -> None:
    given = {
        "INQUEST_SLACK_CHANNELS": "C01, G02",
        "INQUEST_SLACK_USERS": "U01",
        "INQUEST_SLACK_AT_ONCE": "4",
        "INQUEST_SLACK_COOLDOWN_S": "0",
        "INQUEST_SLACK_API_URL": "http://127.0.0.1:8080/api/",
    }
    assert read_settings(given) == Settings()
    assert read_slack(TOKENS | given) == SlackSettings(
        "xoxb-of-the-bot",
        "xapp-of-the-app",
        "http://127.0.0.1:8080/api/",
        frozenset({"C01", "G02"}),
        frozenset({"U01"}),
        at_once=4,
        cooldown_s=0,
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SLACK_BOT_TOKEN", ""),
        ("SLACK_BOT_TOKEN", "xapp-of-the-app"),
        ("SLACK_APP_TOKEN", "hunter2"),
        ("SLACK_CLIENT_SECRET", "hunter2"),
        ("INQUEST_SLACK_API_URL", "http://slack.example/api/"),
        ("INQUEST_SLACK_API_URL", "http://localhost@slack.example/"),
        ("INQUEST_SLACK_API_URL", "file:///etc/passwd"),
        ("INQUEST_SLACK_CHANNELS", "#alerts"),
        ("INQUEST_SLACK_USERS", "C01"),
        ("INQUEST_SLACK_AT_ONCE", "0"),
        ("INQUEST_SLACK_AT_ONCE", "many"),
        ("INQUEST_SLACK_COOLDOWN_S", "-1"),
    ],
)
def test_a_slack_setting_without_meaning_is_an_error_that_names_it(name: str, value: str) -> None:
    with pytest.raises(SettingError, match=name) as said:
        read_slack(TOKENS | {name: value})
    assert "hunter2" not in str(said.value)
