"""The moment that a question says: its clock, zone and day, whatever was read into it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo

_DAY = timedelta(days=1)
_CLOCK = re.compile(
    r"""
    (?<![\w.:+-]) (?:(?P<date>\d{4}-\d\d-\d\d)[T ])?
    (?P<hour>[01]?\d|2[0-3]) [:h] (?P<minute>[0-5]\d) (?: :(?P<second>[0-5]\d) (?:\.\d+)? )?
    (?:\ ?(?P<half>[ap])\.?m\b\.?)? (?P<utc>\ ?(?:Z|UTC|GMT)\b)?
    (?:\ ?(?P<sign>[+-])(?P<hours>0?\d|1[0-4])(?: :?(?P<minutes>[0-5]\d))?)?
    (?![\w:]|\.\d)
    # a zone that is told by its name may be one of several, or that of summer
    (?!\ (?-i:[ACEMP][DS]T|[CEMW]ES?T|[BIJKNS]ST|MSK|SGT|HKT|AE[DS]T|NZ[DS]T|local\ time)\b)
    """,
    re.VERBOSE | re.IGNORECASE,
)


def said(at: datetime, question: str, first: datetime, last: datetime) -> datetime | None:
    """The moment `at` in UTC as a question says it; None if it says none such.

    Without a zone it is in UTC; without its day it must lie on one only, from `first` to `last`.
    """
    if not first <= at <= last:
        return None
    for clock in _CLOCK.finditer(question):
        local = at.astimezone(_zone(clock))
        is_alone = not clock["date"] and last - _DAY < at < first + _DAY
        is_its_day = is_alone or _is_said(local, clock["date"] or question)
        if (local.hour, local.minute) == (_hour(clock), int(clock["minute"])) and is_its_day:
            return at.astimezone(UTC).replace(second=int(clock["second"] or 0), microsecond=0)
    return None


def _hour(clock: re.Match[str]) -> int:
    hour, half = int(clock["hour"]), clock["half"]
    return hour % 12 + 12 * (half in "pP") if half else hour


def _zone(clock: re.Match[str]) -> tzinfo:
    """The zone of a clock; what a minus joins is two clocks, unless it is said to be a zone."""
    if not clock["sign"] or (clock["sign"] == "-" and not (clock["utc"] or clock["date"])):
        return UTC
    offset = timedelta(hours=int(clock["hours"]), minutes=int(clock["minutes"] or 0))
    return timezone(-offset if clock["sign"] == "-" else offset)


def _is_said(at: datetime, text: str) -> bool:
    """Whether a text says the day of a moment."""
    day, month = rf"{at.day}(?:st|nd|rd|th)?", rf"(?:{at:%b}|{at:%B})"
    ways = (f"{at:%Y-%m-%d}", rf"{day}\.? (?:of )?{month}", f"{month} {day}")
    return any(re.search(rf"(?<![\w.-]){way}(?![\w-])", text) for way in ways)
