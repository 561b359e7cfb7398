"""The values a door hands in: settings of the machine, and the request to investigate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from agent.errors import RequestError, SettingError

DEFAULT_LAKE = Path("inquest-lake")
LONGEST_LOOKBACK_S = 31 * 86400.0
_FIRST_YEAR, _LAST_YEAR = 1990, 2200
_SETTINGS = ("INQUEST_DEBUG", "INQUEST_LAKE")


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says; `debug` asks for tracebacks where there would be one sentence."""

    lake: Path = DEFAULT_LAKE
    debug: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """What to investigate; what is left out, the data decide.

    `at` is a moment in the incident, UTC-aware. `alert` is an alert's name or fingerprint.
    `lookback_s` is how far before the incident is read, in seconds.
    """

    at: datetime | None = None
    service: str | None = None
    alert: str | None = None
    lookback_s: float = 3600.0

    def __post_init__(self) -> None:
        if self.at is not None and self.at.tzinfo is None:
            raise RequestError(f"{self.at} says no time zone; a time ends in Z or +02:00.")
        if self.at is not None and not _FIRST_YEAR <= self.at.year <= _LAST_YEAR:
            raise RequestError(
                f"{self.at} is no time of an incident; years are {_FIRST_YEAR} to {_LAST_YEAR}."
            )
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
    debug = ours.get("INQUEST_DEBUG", "0")
    if debug not in {"", "0", "1"}:
        raise SettingError(f"INQUEST_DEBUG is {debug!r}; it is 1 for tracebacks, else 0.")
    return Settings(lake=Path(ours.get("INQUEST_LAKE") or DEFAULT_LAKE), debug=debug == "1")
