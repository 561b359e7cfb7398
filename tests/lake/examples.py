"""Events made from the schema alone: the same ones each time, and at random."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from hypothesis import strategies as st

from lake import ocsf, schema
from lake.ocsf import Definition

Json: TypeAlias = dict[str, Any]

DEPTH = 3
NOON = 1_763_726_400_000
_NAMED = {
    "bytestring_t": "aW5xdWVzdA==",
    "datetime_t": "2025-11-21T12:00:00.123456Z",
    "email_t": "mira@example.com",
    "ip_t": "192.0.2.7",
    "mac_t": "00:00:5e:00:53:af",
    "subnet_t": "192.0.2.0/24",
    "uuid_t": "123e4567-e89b-42d3-a456-426614174000",
}
_PRIMITIVE: Json = {
    "boolean_t": True,
    "float_t": 0.5,
    "integer_t": 7,
    "long_t": 7_000_000_000,
    "string_t": "shop",
}
_GIVEN_ELSEWHERE = {"category_uid", "class_uid", "type_uid", "workload"}
_TEXTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8
)
_MOMENTS = st.integers(631_152_000_000, NOON).map(
    lambda ms: datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=ms)
)
_JSON = st.dictionaries(_TEXTS, _TEXTS, min_size=1, max_size=2).map(json.dumps)
_STRATEGIES: dict[str, st.SearchStrategy[Any]] = {
    "boolean_t": st.booleans(),
    "float_t": st.floats(allow_nan=False, allow_infinity=False),
    "integer_t": st.integers(-(2**31), 2**31 - 1),
    "json_t": _JSON,
    "long_t": st.integers(-(2**53), 2**53),
    "object_t": _JSON,
    "string_t": _TEXTS,
}


def example(name: str) -> Json:
    """A valid event of a class, with all that is required or recommended without a profile."""
    of = ocsf.classes()[name]
    event = _object(of, DEPTH)
    activity_id = event["activity_id"]
    event["metadata"] |= {"version": ocsf.VERSION}
    return event | {
        "category_uid": of["category_uid"],
        "class_uid": of["uid"],
        "type_uid": of["uid"] * 100 + activity_id,
    }


def _object(of: Definition, depth: int) -> Json:
    attributes = of["attributes"]
    found = {
        name: _value(attributes[name], depth - 1)
        for name in attributes
        if _is_needed(of, name) or (depth > 1 and _is_recommended(of, name))
    }
    return {name: value for name, value in found.items() if value not in ({}, [{}])}


def _is_recommended(of: Definition, name: str) -> bool:
    attribute, constraints = of["attributes"][name], of.get("constraints") or {}
    captions = {one.get("sibling") for one in of["attributes"].values()}
    return (
        attribute["requirement"] == "recommended"
        and name not in captions
        and name not in constraints.get("just_one", ())
        and not attribute.get("profiles")
        and "@deprecated" not in attribute
    )


def _is_needed(of: Definition, name: str) -> bool:
    """Whether an object needs an attribute; of those of which it needs one, the first scalar."""
    attributes, constraints = of["attributes"], of.get("constraints") or {}
    if attributes[name].get("profiles"):
        return False
    some = [one for key in ("at_least_one", "just_one") for one in constraints.get(key, ())]
    mine = [one for one in some if one in attributes and not attributes[one].get("profiles")]
    scalars = [one for one in mine if attributes[one]["type"] != "object_t"]
    return attributes[name]["requirement"] == "required" or name in [*scalars, *mine][:1]


def _value(attribute: Definition, depth: int) -> Any:
    one = _one(attribute, depth)
    return [one] if attribute.get("is_array") else one


def _one(attribute: Definition, depth: int) -> Any:
    kind = attribute["type"]
    if members := attribute.get("object_type"):
        of = ocsf.objects()[members]
        return _object(of, depth) if of["attributes"] else {"anything": 1}
    if enum := attribute.get("enum"):
        first = next((key for key in sorted(enum) if key not in ("0", "99")), "0")
        return int(first) if ocsf.base_type(kind) == "integer_t" else first
    if kind == "timestamp_t":
        return NOON
    if kind == "json_t":
        return {"anything": [1]}
    return _NAMED.get(kind, _PRIMITIVE[ocsf.base_type(kind)])


@st.composite
def random_rows(draw: st.DrawFn, name: str) -> Json:
    """What a SELECT may give for an event of a class: any attributes, in any shape that is allowed.

    Times of columns are moments, those of deeper objects milliseconds, JSON is text.
    """
    columns = frozenset(schema.paths(name))
    row = _drawn_object(draw, ocsf.classes()[name], "", columns)
    return row | {"time": draw(_MOMENTS), "activity_id": 1}


def _drawn_object(draw: st.DrawFn, of: Definition, at: str, columns: frozenset[str]) -> Json:
    attributes, depth = of["attributes"], at.count(".")
    captions = {one.get("sibling") for one in attributes.values()}
    known = [
        name
        for name, attribute in attributes.items()
        if name not in captions | _GIVEN_ELSEWHERE
        and (depth < DEPTH or attribute["type"] != "object_t")
    ]
    names = draw(st.lists(st.sampled_from(known), max_size=4, unique=True)) if known else []
    drawn = {name: _drawn(draw, attributes[name], f"{at}{name}", columns) for name in names}
    return {name: value for name, value in drawn.items() if value not in ({}, [], [{}])}


def _drawn(draw: st.DrawFn, attribute: Definition, path: str, columns: frozenset[str]) -> Any:
    kind = attribute.get("object_type")
    if kind and ocsf.objects()[kind]["attributes"]:
        value = _drawn_object(draw, ocsf.objects()[kind], f"{path}.", columns)
        return [value] if attribute.get("is_array") else value
    strategy = _scalars(attribute, is_moment="." not in path or path in columns)
    return draw(
        st.lists(strategy, min_size=1, max_size=3) if attribute.get("is_array") else strategy
    )


def _scalars(attribute: Definition, *, is_moment: bool) -> st.SearchStrategy[Any]:
    kind, base = attribute["type"], ocsf.base_type(attribute["type"])
    if enum := attribute.get("enum"):
        return st.sampled_from([int(key) if base == "integer_t" else key for key in sorted(enum)])
    if kind == "timestamp_t":
        return _MOMENTS if is_moment else st.integers(0, 10**13)
    if kind in _NAMED:
        return st.just(_NAMED[kind])
    return st.integers(0, 65_535) if kind == "port_t" else _STRATEGIES[base]
