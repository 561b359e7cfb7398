"""Settings are read once, at the door, and what they do not know is an error."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.config import Request, Settings, read_settings
from agent.errors import RequestError, SettingError


def test_without_settings_there_are_defaults() -> None:
    assert read_settings({"PATH": "/bin"}) == Settings(lake=Path("inquest-lake"), debug=False)


def test_the_environment_names_the_lake_and_asks_for_tracebacks() -> None:
    read = read_settings({"INQUEST_LAKE": "elsewhere", "INQUEST_DEBUG": "1"})
    assert read == Settings(lake=Path("elsewhere"), debug=True)


@pytest.mark.parametrize("environ", [{"INQUEST_LAKES": "x"}, {"INQUEST_DEBUG": "yes"}])
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
