"""A row of a table as the whole OCSF event that it holds.

Columns and `ocsf_rest` become one tree, times epoch milliseconds, JSON columns what they hold.
What the schema knows by itself is added: the uids and names of class, category and type, the
caption of every enum's value beside it, 0 (Unknown) for an enum that is required and was not given,
the profiles and extensions in use. What is absent has no member; what has no place in OCSF after
all, as a method that HTTP does not list or a value that is no number, goes to `unmapped`.

`ingested_at` and `source` stay behind: they tell of this lake and not of the event, and what is
ingested twice is to be the same events twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import isfinite
from typing import Any, TypeAlias

import orjson

from lake import ocsf
from lake.ask import Limits, View, bind
from lake.errors import LakeError
from lake.ocsf import Definition

Event: TypeAlias = dict[str, Any]

PAGE_ROWS = 20_000

_LIMITS = Limits(rows=10_000_000, bytes=2_000_000_000, seconds=600)
_FIRST = datetime(1, 1, 1, tzinfo=UTC)
_LAST = datetime(9999, 12, 31, tzinfo=UTC)
_OURS = ("ingested_at", "source", "ocsf_rest")
_NOTHING: tuple[Any, ...] = (None, {}, [])
_INTEGER = re.compile(r"-?\d{1,18}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def stored(
    view: View,
    table: str,
    since: datetime | None = None,
    until: datetime | None = None,
    *,
    core: bool = False,
) -> Iterator[Event]:
    """Restore the events of a class in the order of their times, from `since` to before `until`.

    With `core` they are what OCSF itself defines, and what our extension adds is in `unmapped`.
    """
    for rows in _pages(view, table, since or _FIRST, until or _LAST):
        for event in events(table, rows):
            yield _core(event, ocsf.classes()[table]) if core else event


def events(table: str, rows: Iterable[Mapping[str, Any]]) -> Iterator[Event]:
    """Restore the events that rows of a class's table hold; a time without a zone is in UTC."""
    of = ocsf.classes()[table]
    return (_event(of, row) for row in rows)


def _core(event: Event, of: Definition) -> Event:
    """An event of a core class without our extension."""
    added = ocsf.added(of["name"])
    plain = {name: value for name, value in event.items() if name not in added}
    ours = {name: value for name, value in event.items() if name in added}
    if ours:
        plain["unmapped"] = {**_object(event.get("unmapped", {})), **ours}
    metadata = dict(event["metadata"])
    profiles = [one for one in metadata.pop("profiles", []) if not _is_ours(one)]
    extensions = [one for one in metadata.pop("extensions", []) if not _is_ours(one["name"])]
    parts = {"profiles": profiles, "extensions": extensions}
    plain["metadata"] = metadata | {name: part for name, part in parts.items() if part}
    return plain


def _object(unmapped: Any) -> Event:
    """What is unmapped as an object, whatever a source gave."""
    return unmapped if isinstance(unmapped, dict) else {"unmapped": unmapped}


def _is_ours(name: str) -> bool:
    ours: str = ocsf.extension()["extension"]["name"]
    return name.partition("/")[0] == ours


def _pages(
    view: View, table: str, since: datetime, until: datetime
) -> Iterator[list[dict[str, Any]]]:
    """Ask for rows by times that part them into pages of about PAGE_ROWS."""
    within = bind("FROM {table} WHERE time >= $since AND time < $until", since=since, until=until)
    within = within.format(table=table)
    numbered = f"SELECT time, row_number() OVER (ORDER BY time) AS nth {within}"
    starts = f"SELECT DISTINCT time FROM ({numbered}) WHERE nth % {PAGE_ROWS} = 1 ORDER BY time"
    times = [row["time"] for row in view.ask(starts, _LIMITS).dicts()]
    for begin, end in pairwise([*times, until]):
        page = bind(f"{within} AND time >= $begin AND time < $end", begin=begin, end=end)
        found = view.ask(f"SELECT * {page} ORDER BY time", _LIMITS)
        if found.truncated:
            raise LakeError(f"The rows of {table} at {begin} do not fit into memory.")
        yield found.dicts()


def _event(of: Definition, row: Mapping[str, Any]) -> Event:
    columns = {name: value for name, value in row.items() if name not in _OURS}
    merged = _merged(columns, orjson.loads(row.get("ocsf_rest") or "{}"))
    activity_id = merged.get("activity_id") or 0
    uids = {
        "class_uid": of["uid"],
        "category_uid": of["category_uid"],
        "type_uid": of["uid"] * 100 + activity_id,
    }
    unfit: Event = {}
    event = _shaped_object(of["attributes"], {**merged, **uids}, "", unfit)
    event["metadata"] = _described(of, event)
    if unfit:
        event["unmapped"] = {**_object(event.get("unmapped", {})), **unfit}
    return event


def _merged(columns: Mapping[str, Any], rest: Mapping[str, Any]) -> dict[str, Any]:
    """Both as one tree; of a leaf that both have, the column's is taken unless it is NULL."""
    merged = dict(rest)
    for name, value in columns.items():
        other = merged.get(name)
        if isinstance(value, Mapping) and isinstance(other, Mapping):
            merged[name] = _merged(value, other)
        elif value is not None:
            merged[name] = value
    return merged


def _shaped_object(
    attributes: Definition, given: Mapping[str, Any], at: str, unfit: Event
) -> Event:
    """An object as the schema has it, without what is absent, with what it knows by itself.

    What OCSF or JSON has no word for goes to `unfit`, by its path.
    """
    present: Event = {}
    for name, one in given.items():
        attribute, path = attributes.get(name, {}), f"{at}{name}"
        value = _shaped(attribute, one, path, unfit)
        if _is_unfit(attribute, value):
            unfit[path] = _spelt(value)
        elif value not in _NOTHING:
            present[name] = value
    return _completed(attributes, present) if present else {}


def _is_unfit(attribute: Definition, value: Any) -> bool:
    """Whether a value is no number of JSON, or no word of a closed list."""
    if isinstance(value, list):
        return any(_is_unfit(attribute, one) for one in value)
    if isinstance(value, float):
        return not isfinite(value)
    return isinstance(value, str) and "enum" in attribute and value not in attribute["enum"]


def _spelt(value: Any) -> Any:
    """NaN and the infinities as JavaScript spells them."""
    if isinstance(value, list):
        return [_spelt(one) for one in value]
    is_number = isinstance(value, float) and not isfinite(value)
    return str(value).replace("nan", "NaN").replace("inf", "Infinity") if is_number else value


def _completed(attributes: Definition, present: Event) -> Event:
    """An object with its required enums, and a caption beside each that has none."""
    for name, attribute in attributes.items():
        if "enum" not in attribute:
            continue
        if name not in present and _is_unknown(attribute):
            present[name] = 0
        sibling = attribute.get("sibling")
        if name in present and sibling and sibling not in present:
            captions = _captions(attribute["enum"], present[name])
            if captions not in _NOTHING:
                present[sibling] = captions
    return present


def _is_unknown(attribute: Definition) -> bool:
    is_required = attribute["requirement"] == "required" and not attribute.get("profiles")
    return is_required and ocsf.has_unknown(attribute)


def _captions(enum: Definition, value: Any) -> Any:
    if isinstance(value, list):
        return [caption for one in value if (caption := _captions(enum, one))]
    return enum.get(str(value), {}).get("caption")


def _shaped(attribute: Definition, value: Any, at: str, unfit: Event) -> Any:
    """A value as its attribute's type has it; as it is where that cannot be."""
    kind = attribute.get("type", "")
    if isinstance(value, str) and kind in ("json_t", "object_t"):
        value = _parsed(value)
    if isinstance(value, list) and attribute.get("is_array"):
        shaped = [_shaped(attribute, one, at, unfit) for one in value]
        return [one for one in shaped if one not in _NOTHING]
    if isinstance(value, Mapping) and (members := ocsf.members(attribute)):
        return _shaped_object(members, value, f"{at}.", unfit)
    if kind == "timestamp_t":
        return _milliseconds(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return _scalar(ocsf.base_type(kind), value) if kind else value


def _parsed(text: str) -> Any:
    """What a text holds that is a JSON object or list; any other text as it is."""
    if text[:1] in ("{", "["):
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            return text
    return text


def _milliseconds(value: Any) -> Any:
    """Epoch milliseconds, rounded down, of a time or its text; what is no time stays as it is."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return value
    if not isinstance(value, datetime):
        return value
    at = value if value.tzinfo else value.replace(tzinfo=UTC)
    return (at - _EPOCH) // timedelta(milliseconds=1)


def _scalar(base: str, value: Any) -> Any:
    """A text where a number stands for one, a whole number where a text stands for it."""
    if base == "string_t" and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if base in ("integer_t", "long_t") and isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    return value


def _described(of: Definition, event: Event) -> Event:
    """The event's metadata with the schema's version, and the profiles and extensions in use."""
    metadata: Event = {"version": ocsf.VERSION, **event.get("metadata", {})}
    if "product" not in metadata:  # of a lake from before products were kept
        metadata["product"] = {"name": metadata.get("log_name", "unknown")}
    profiles = _profiles(of, event)
    if profiles and "profiles" not in metadata:
        metadata["profiles"] = profiles
    given = metadata.get("extensions", [])
    if ocsf.is_extended(of["name"], event) and not any(_is_ours(one["name"]) for one in given):
        ours = ocsf.extension()["extension"]
        named = {"name": ours["name"], "uid": str(ours["uid"]), "version": ours["version"]}
        metadata["extensions"] = [*given, named]
    return metadata


def _profiles(of: Definition, event: Event) -> list[str]:
    """The fewest profiles of a class that have the event's attributes."""
    used: set[str] = set()
    for choice in sorted(_choices(of["attributes"], event), key=len):
        allowed = [profile for profile in choice if profile in of["profiles"]]
        if allowed and not used & set(allowed):
            used.add(allowed[0])
    return sorted(used)


def _choices(attributes: Definition, value: Event) -> Iterator[list[str]]:
    """For each attribute of a profile that is there, the profiles that have it."""
    for name, one in value.items():
        attribute = attributes.get(name, {})
        if profiles := attribute.get("profiles"):
            yield profiles
        if members := ocsf.members(attribute):
            for each in one if isinstance(one, list) else [one]:
                if isinstance(each, dict):
                    yield from _choices(members, each)
