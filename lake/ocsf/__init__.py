"""OCSF as we hold it: the core, compiled, and our extension as one schema.

The core comes in the package `ocsf-json-schema`. Our extension is written in `extension/`, as OCSF
wants it; `inquest.json` is what it adds once compiled (`make goldens` makes it anew). A class goes
by the name that its table has, which says nothing of an extension.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import orjson
from ocsf_json_schema import get_ocsf_schema  # type: ignore[import-untyped]  # has no types

VERSION = "1.8.0"
FOLDER = Path(__file__).parent

Definition: TypeAlias = Mapping[str, Any]


@cache
def core() -> dict[str, Any]:
    """The core schema as OCSF publishes it."""
    schema: dict[str, Any] = get_ocsf_schema(VERSION)
    return schema


@cache
def extension() -> dict[str, Any]:
    """What our extension adds: its own classes and objects, and patches of the core's classes."""
    added: dict[str, Any] = orjson.loads((FOLDER / "inquest.json").read_bytes())
    return added


@cache
def schema() -> dict[str, Any]:
    """Core and extension in the core's form."""
    return {**core(), "classes": classes(), "objects": objects()}


@cache
def classes() -> dict[str, Definition]:
    """Every class by its name, with all its attributes."""
    every, patches = extension()["patches"]["base_event"], extension()["patches"]
    found: dict[str, Definition] = {}
    for key, one in core()["classes"].items():
        patch = patches.get(one["name"], {})
        attributes = {**one["attributes"], **every["attributes"], **patch.get("attributes", {})}
        profiles = [*one.get("profiles", ()), *every["profiles"]]
        found[key.rpartition("/")[2]] = {**one, "attributes": attributes, "profiles": profiles}
    base = found["base_event"]
    for name, one in extension()["classes"].items():
        found[name] = {**base, **one, "attributes": {**base["attributes"], **one["attributes"]}}
    return found


@cache
def objects() -> dict[str, Definition]:
    """Every object by its name."""
    return {**core()["objects"], **extension()["objects"]}


@cache
def class_names() -> dict[int, str]:
    """The name of each class by its uid."""
    return {one["uid"]: name for name, one in classes().items()}


def attribute(name: str, path: Iterable[str]) -> Definition | None:
    """The attribute at the end of a path through a class's objects; None if there is none."""
    attributes, found = classes()[name]["attributes"], None
    for step in path:
        found = attributes.get(step)
        if found is None:
            return None
        attributes = members(found)
    return found


def members(attribute: Definition) -> Definition:
    """The attributes of the object that an attribute holds; none of a scalar or a free object."""
    kind = attribute.get("object_type")
    found: Definition = objects()[kind]["attributes"] if kind else {}
    return found


def base_type(kind: str) -> str:
    """The primitive that a type is made of; `object_t` of an object."""
    base: str = types().get(kind, {}).get("type", kind)
    return base


def has_unknown(attribute: Definition) -> bool:
    """Whether an enum is 0, Unknown, where it is required and not given."""
    return (
        attribute["type"] == "integer_t"
        and "0" in attribute.get("enum", ())
        and not attribute.get("is_array")
    )


def is_core(name: str) -> bool:
    """Whether a class is OCSF's own."""
    return name not in extension()["classes"]


def added(name: str) -> frozenset[str]:
    """The attributes that our extension adds to a class of the core."""
    patches = extension()["patches"]
    found = (patches.get(one, {"attributes": {}})["attributes"] for one in ("base_event", name))
    return frozenset().union(*found)


def is_extended(name: str, event: Mapping[str, Any]) -> bool:
    """Whether an event of a class has anything of our extension."""
    return not is_core(name) or not added(name).isdisjoint(event)


def types() -> Definition:
    """The types of OCSF by name."""
    found: Definition = core()["dictionary"]["types"]["attributes"]
    return found
