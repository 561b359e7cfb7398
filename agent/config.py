"""The values a door hands in: settings of the machine, and the request to investigate."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from agent.budget import NO_LIMIT, USUAL, Budget, read_budget
from agent.errors import RequestError, SettingError

DEFAULT_LAKE = Path("inquest-lake")
LONGEST_LOOKBACK_S = 31 * 86400.0

LOOKS = frozenset(
    {
        "requests", "calls", "traces", "metrics", "logs", "locks", "state", "alerts", "changes",
        "playbooks",
    }
)  # fmt: skip
PARTS = LOOKS | {"topology", "experiments"}
"""What an investigation can do without: a look, who calls whom, and the trial of changes."""

_FIRST_YEAR, _LAST_YEAR = 1990, 2200
_SLACK_API, _AT_ONCE, _COOLDOWN_S = "https://slack.com/api/", 2, 60
_SLACK = ("API_URL", "AT_ONCE", "CHANNELS", "COOLDOWN_S", "USERS")
_SETTINGS = (
    "INQUEST_BUDGET",
    "INQUEST_BUDGET_CHANNEL",
    "INQUEST_BUDGET_DAY",
    "INQUEST_CHECKPOINTS",
    "INQUEST_CHECKPOINT_KEY",
    "INQUEST_DEBUG",
    "INQUEST_LAKE",
    "INQUEST_MODEL",
    "INQUEST_PRICES",
    "INQUEST_SECRETS",
    *(f"INQUEST_SLACK_{name}" for name in _SLACK),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says; `debug` asks for tracebacks where there would be one sentence.

    `model` is the provider:name of the model that proposes and words; empty, none is ever called.
    `budget` is what one investigation may take, `per_day` and `per_channel` what all of a day may.
    `secrets` is a file of values, one a line, that nothing Inquest writes may hold.
    """

    lake: Path = DEFAULT_LAKE
    debug: bool = False
    model: str = ""
    budget: Budget = USUAL
    per_day: Budget = NO_LIMIT
    per_channel: Budget = NO_LIMIT
    secrets: Path | None = None


@dataclass(frozen=True, slots=True)
class SlackSettings:
    """How `inquest slack` reaches Slack, and who may ask it; an empty list is everyone.

    `at_once` investigations run side by side. For `cooldown_s` seconds the same question in the
    same thread is not answered again.
    """

    bot_token: str = field(repr=False)
    app_token: str = field(repr=False)
    api_url: str = _SLACK_API
    channels: frozenset[str] = frozenset()
    users: frozenset[str] = frozenset()
    at_once: int = _AT_ONCE
    cooldown_s: int = _COOLDOWN_S


@dataclass(frozen=True, slots=True)
class Request:
    """What to investigate; what is left out, the data decide.

    `at` is a moment in the incident, UTC-aware. `alert` is an alert's name or fingerprint.
    `lookback_s` is how far before the incident is read, in seconds. `calm` is a stretch of the lake
    (start, end) known to be well, to compare with where the time before the incident is too short.
    `until` is the end of a trouble that is known to have begun at `at`. `without` names what is not
    looked at, to show what it is worth: of `PARTS`. `question` is what a person asked, in words,
    `focus` what they looked at: both narrow what playbooks find. With `whole` all that the lake
    holds is about the incident, whatever its time: a bundle. `playbooks` is a folder of more.
    """

    at: datetime | None = None
    service: str | None = None
    alert: str | None = None
    lookback_s: float = 3600.0
    calm: tuple[datetime, datetime] | None = None
    until: datetime | None = None
    without: frozenset[str] = frozenset()
    question: str = ""
    focus: tuple[str, ...] = ()
    whole: bool = False
    playbooks: Path | None = None

    def __post_init__(self) -> None:
        if self.at is not None and self.at.tzinfo is None:
            raise RequestError(f"{self.at} says no time zone; a time ends in Z or +02:00.")
        if self.at is not None and not _FIRST_YEAR <= self.at.year <= _LAST_YEAR:
            raise RequestError(
                f"{self.at} is no time of an incident; years are {_FIRST_YEAR} to {_LAST_YEAR}."
            )
        if self.calm and (None in [at.tzinfo for at in self.calm] or self.calm[0] >= self.calm[1]):
            raise RequestError(
                f"A calm stretch of {self.calm[0]} to {self.calm[1]} is none; "
                "it is a time and a later one, both with their zone."
            )
        if self.until is not None and (
            self.until.tzinfo is None or self.at is None or self.until <= self.at
        ):
            raise RequestError(f"A trouble until {self.until} has a zone, and begins before that.")
        if unknown := sorted(self.without - PARTS):
            raise RequestError(f"There is no part {unknown[0]!r}: {', '.join(sorted(PARTS))}.")
        if not 0 < self.lookback_s <= LONGEST_LOOKBACK_S:
            raise RequestError(
                f"A lookback of {self.lookback_s:g} s is no window; "
                "it is more than 0 s and at most 31 days."
            )


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Read every INQUEST_ variable once; one that means nothing is an error, not a guess."""
    ours = {name: value for name, value in environ.items() if name.startswith("INQUEST_")}
    if unknown := sorted(ours.keys() - set(_SETTINGS)):
        raise SettingError(
            f"{unknown[0]} is not a setting of Inquest; known are {' and '.join(_SETTINGS)}."
        )
    if ours.get("INQUEST_CHECKPOINTS") and not ours.get("INQUEST_CHECKPOINT_KEY"):
        raise SettingError(
            "INQUEST_CHECKPOINTS is set without INQUEST_CHECKPOINT_KEY: all lakes that keep their "
            "runs in one database seal them with one key."
        )
    debug = ours.get("INQUEST_DEBUG", "0")
    if debug not in {"", "0", "1"}:
        raise SettingError(f"INQUEST_DEBUG is {debug!r}; it is 1 for tracebacks, else 0.")
    return Settings(
        lake=Path(ours.get("INQUEST_LAKE") or DEFAULT_LAKE),
        debug=debug == "1",
        model=ours.get("INQUEST_MODEL", ""),
        budget=read_budget(ours.get("INQUEST_BUDGET", ""), USUAL),
        per_day=read_budget(ours.get("INQUEST_BUDGET_DAY", "")),
        per_channel=read_budget(ours.get("INQUEST_BUDGET_CHANNEL", "")),
        secrets=Path(ours["INQUEST_SECRETS"]) if ours.get("INQUEST_SECRETS") else None,
    )


def read_slack(environ: Mapping[str, str]) -> SlackSettings:
    """Read what the Slack door needs; a token that is missing or of the wrong kind is not shown."""
    if "SLACK_CLIENT_SECRET" in environ:
        raise SettingError(
            "SLACK_CLIENT_SECRET is set, with which Bolt would serve many workspaces and ignore "
            "SLACK_BOT_TOKEN; unset it, Inquest serves one."
        )
    return SlackSettings(
        bot_token=_token(environ, "SLACK_BOT_TOKEN", "xoxb-"),
        app_token=_token(environ, "SLACK_APP_TOKEN", "xapp-"),
        api_url=_slack_url(environ.get("INQUEST_SLACK_API_URL") or _SLACK_API),
        channels=_ids(environ, "INQUEST_SLACK_CHANNELS", "[CDG]"),
        users=_ids(environ, "INQUEST_SLACK_USERS", "[UW]"),
        at_once=_whole(environ, "INQUEST_SLACK_AT_ONCE", _AT_ONCE, 1, 16),
        cooldown_s=_whole(environ, "INQUEST_SLACK_COOLDOWN_S", _COOLDOWN_S, 0, 86400),
    )


def _token(environ: Mapping[str, str], name: str, prefix: str) -> str:
    token = environ.get(name, "").strip()
    if not token.startswith(prefix):
        found = "of another kind" if token else "not set"
        raise SettingError(f"{name} is {found}; it is a token that begins with {prefix}.")
    return token


def _slack_url(given: str) -> str:
    """Slack's Web API or a stand-in for it; a token leaves this machine by TLS only."""
    here = r"http://(?:127\.0\.0\.1|\[::1\]|localhost)(?::\d+)?(?:/\S*)?"
    if not re.fullmatch(rf"https://[^/\s]\S*|{here}", given):
        raise SettingError(
            f"INQUEST_SLACK_API_URL is {given!r}; it is https://, or http:// on this machine."
        )
    return given


def _ids(environ: Mapping[str, str], name: str, kind: str) -> frozenset[str]:
    ids = frozenset(filter(None, re.split(r"[\s,]+", environ.get(name, ""))))
    if wrong := sorted(one for one in ids if not re.fullmatch(f"{kind}[A-Z0-9]+", one)):
        raise SettingError(f"{name} has {wrong[0]!r}; it lists Slack's ids, like {kind[1]}0123ABC.")
    return ids


def _whole(environ: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    given = environ.get(name) or str(default)
    if not re.fullmatch(r"[0-9]{1,9}", given) or not least <= int(given) <= most:
        raise SettingError(f"{name} is {given!r}; it is a whole number from {least} to {most}.")
    return int(given)
