"""Events made from the schema alone: the same ones each time, and at random."""

from __future__ import annotations

from typing import Any, TypeAlias

from lake import ocsf
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
