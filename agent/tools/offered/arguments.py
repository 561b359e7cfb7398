"""What a model asks with: checked, and made the values that a tool's SQL takes."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from pydantic import ValidationError

from agent.state import Window
from agent.tools.offered.offers import OFFERED, Offer, Parameter, choices

LONGEST = timedelta(days=100)
"""The longest stretch of time that a question may be about."""

_MOST_NAMES = 8
_MOMENT = re.compile(r"(start|onset|end)?\s*(?:([+-])\s*(\d{1,6})\s*(s|m|h|d))?")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_ORDER = ("start", "onset", "end")


class RefusedError(ValueError):
    """Arguments that cannot be asked with; its words are for the model."""


@dataclass(frozen=True, slots=True)
class Frame:
    """When the incident was, as tools take it: calm from `start` to `calm_until`, then trouble.

    Calm time may lie elsewhere, before the trouble; `onset` is when that begins.
    """

    start: datetime
    calm_until: datetime
    onset: datetime
    end: datetime
    bucket_s: int

    @classmethod
    def of(cls, window: Window) -> Frame:
        """The frame of an investigation's window."""
        onset, end = window.trouble or (window.start, window.end)
        start, calm_until = window.calm or (window.start, onset)
        if calm_until > onset or start >= calm_until:
            start, calm_until = window.start, onset
        return cls(start, calm_until, onset, end, window.bucket_s)

    def at(self, text: str) -> datetime:
        """A time that was written as ISO 8601, or from the onset or another moment of the frame."""
        match = _MOMENT.fullmatch(text.strip().lower())
        if not match or not match[0]:
            return _iso(text)
        base: datetime = getattr(self, match[1] or "onset")
        if not match[2]:
            return base
        distance = timedelta(**{_UNITS[match[4]]: int(match[3])})
        return base - distance if match[2] == "-" else base + distance


def values(
    one: Offer, arguments: object, frame: Frame, services: Callable[[], Iterable[str]]
) -> dict[str, Any]:
    """The values that a tool's SQL may take; RefusedError says in a sentence what is wrong.

    `services` are the names that the lake has; they are asked for only if one is to be checked.
    """
    given = _formed(one, arguments)
    made: dict[str, Any] = {
        "start": frame.start,
        "calm_until": frame.calm_until,
        "onset": frame.onset,
        "end": frame.end,
        "since": frame.onset,
        "bucket_s": frame.bucket_s,
        "question": "",
    }
    for parameter in one.takes:
        made[parameter.name] = _value(one, parameter, given.get(parameter.name), frame, services)
    _ordered(one, made)
    if "start" in given or made["calm_until"] > made["onset"]:
        made["calm_until"] = made["onset"]
    return made


def unknown(name: object) -> RefusedError:
    """That there is no tool of this name."""
    return RefusedError(f"There is no tool {_echo(name)}; there are {', '.join(OFFERED)}.")


def _formed(one: Offer, arguments: object) -> dict[str, Any]:
    """The arguments that were given, in the form asked for; what is null or empty was not given."""
    if arguments is None:
        arguments = {}
    if not isinstance(arguments, Mapping):
        raise RefusedError(f"{one.name} takes an object of arguments, as {_example(one)}.")
    given = {str(key): value for key, value in arguments.items() if value not in (None, "")}
    try:
        return one.form.model_validate(given).model_dump(exclude_unset=True)
    except ValidationError as error:
        raise RefusedError(_wrong(one, error)) from error


def _wrong(one: Offer, error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False)[0]
    name = str(first["loc"][0]) if first["loc"] else ""
    takes = ", ".join(p.name for p in one.takes)
    if first["type"] == "extra_forbidden":
        return f"{one.name} has no argument {_echo(name)}; it takes {takes}, as {_example(one)}."
    if first["type"] == "missing":
        return f"{one.name} needs {name}, as {_example(one)}."
    return f"{one.name}: {name} is {_echo(first['input'])}: {first['msg']}, as {_example(one)}."


def _value(
    one: Offer,
    parameter: Parameter,
    given: Any,
    frame: Frame,
    services: Callable[[], Iterable[str]],
) -> Any:
    value = parameter.default if given is None else given
    if given is None and value == "all":
        return None
    if parameter.kind == "time":
        return _time(one, parameter, str(value), frame)
    if parameter.kind == "service":
        return _known(one, str(value), services)
    if isinstance(value, str) and "\0" in value:
        raise RefusedError(f"{one.name}: {parameter.name} holds a NUL, which no text here has.")
    return int(str(value)) if ".." in parameter.kind else value


def _time(one: Offer, parameter: Parameter, text: str, frame: Frame) -> datetime:
    try:
        return frame.at(text)
    except (ValueError, OverflowError) as error:
        raise RefusedError(
            f"{one.name}: {parameter.name} is {_echo(text)}; expected a time with a zone, as "
            f"{frame.onset:%Y-%m-%dT%H:%M:%SZ}, or one from the onset, as -30m."
        ) from error


def _iso(text: str) -> datetime:
    moment = datetime.fromisoformat(text.strip())
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return moment.astimezone(UTC)


def _known(one: Offer, name: str, services: Callable[[], Iterable[str]]) -> str:
    """A service that the lake has, whatever the case of its letters."""
    names = list(services())
    alike = [known for known in names if known.lower() == name.lower()]
    if name in names or len(alike) == 1:
        return name if name in names else alike[0]
    raise RefusedError(
        f"{one.name}: the lake knows no service {_echo(name)}; {_nearest(name, names)}."
    )


def _nearest(name: str, names: list[str]) -> str:
    low = name.lower()
    within = [n for n in names if low in n.lower() or n.lower() in low]
    close = difflib.get_close_matches(name, names, _MOST_NAMES, 0.6)
    if near := list(dict.fromkeys((*within, *close)))[:_MOST_NAMES]:
        return f"nearest are {', '.join(near)}"
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return f"it knows {', '.join(names[:_MOST_NAMES]) or 'none'}{more}"


def _ordered(one: Offer, made: Mapping[str, Any]) -> None:
    """RefusedError unless the times of a tool follow each other and are not too far apart."""
    taken = {parameter.name for parameter in one.takes}
    places = [name for name in _ORDER if name in taken]
    for first, then in pairwise(places):
        if made[first] > made[then] or (then == "end" and made[first] == made[then]):
            raise RefusedError(
                f"{one.name}: {first} {made[first]:%Y-%m-%dT%H:%M:%SZ} is not before {then} "
                f"{made[then]:%Y-%m-%dT%H:%M:%SZ}; give both, as {_example(one)}."
            )
    if len(places) > 1 and made[places[-1]] - made[places[0]] > LONGEST:
        raise RefusedError(
            f"{one.name}: {places[0]} to {places[-1]} is longer than {LONGEST.days} days."
        )


def _example(one: Offer) -> str:
    """Arguments as they may be given: what is needed, else the first that may be."""
    shown = [p for p in one.takes if p.default is None] or [*one.takes[:1]]
    shown += [p for p in one.takes if p.kind == "time" and p.default is not None]
    return "{" + ", ".join(f'"{p.name}": {_shown(p)}' for p in shown) + "}"


def _shown(parameter: Parameter) -> str:
    if parameter.kind == "time":
        return {"start": '"-30m"', "onset": '"+0m"'}.get(parameter.name, '"+10m"')
    if ".." in parameter.kind:
        return parameter.kind.partition(".")[0]
    told = {"sql": "SELECT count(*) AS n FROM log_record", "service": "NAME"}
    return f'"{next(iter(choices(parameter)), told.get(parameter.kind, "..."))}"'


def _echo(value: object) -> str:
    """What was given, short, for a sentence about it."""
    text = value if isinstance(value, str) else repr(value)
    return repr(text if len(text) <= 60 else f"{text[:60]}…")
