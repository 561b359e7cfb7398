"""Whether an event is valid OCSF: what JSON Schema says of it, and what it cannot say.

The JSON Schema of a class under the event's profiles comes from `ocsf-json-schema`, which knows
nothing of how we map. Beyond it: `type_uid` is made of class and activity, captions say what their
ids say, times are in milliseconds, profiles are the class's own, and what is deprecated is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

import jsonschema_rs
from ocsf_json_schema import OcsfJsonSchemaEmbedded  # type: ignore[import-untyped]  # has no types

from lake import ocsf
from lake.ocsf import Definition

Path: TypeAlias = tuple[str | int, ...]

SHOWN = 60
"""How many characters of a wrong value are shown."""

_AS_WRITTEN = frozenset({("log_record", "severity")})
"""Captions that our extension defines to be the source's own word."""

_OTHER = 99
_SECONDS = range(10**9, 10**10)
_BEYOND_MILLISECONDS = 10**14


@dataclass(frozen=True)
class Fault:
    """What is wrong at a dotted path of an event; a warning leaves the event valid."""

    path: str
    problem: str
    is_warning: bool = False


def class_of(event: Any) -> str | None:
    """Name the class that an event says it is of; None if there is no such class."""
    uid = event.get("class_uid") if isinstance(event, Mapping) else None
    return ocsf.class_names().get(uid) if isinstance(uid, int) else None


def faults(event: Any) -> list[Fault]:
    """List what is wrong with an event, in no order that matters; nothing if it is valid OCSF."""
    if not isinstance(event, Mapping):
        return [Fault("", f"an event is an object, not {_shown(event)}")]
    name = class_of(event)
    if name is None:
        told = event.get("class_uid")
        return [Fault("class_uid", f"OCSF {ocsf.VERSION} has no class {_shown(told)}")]
    of = ocsf.classes()[name]
    return [
        *_schema_faults(name, event),
        *_type_uid_faults(event),
        *_profile_faults(of, event),
        *_walked(name, of["attributes"], event, ()),
    ]


def _schema_faults(name: str, event: Mapping[str, Any]) -> Iterator[Fault]:
    schema, validator = _validator(name, tuple(sorted(_profiles(event))))
    for error in validator.iter_errors(event):
        yield from _told(name, schema, error)


@cache
def _validator(name: str, profiles: tuple[str, ...]) -> tuple[Any, Any]:
    """The JSON Schema of a class under profiles, and what checks it."""
    schema = OcsfJsonSchemaEmbedded(ocsf.schema()).get_class_schema(name, list(profiles))
    return schema, jsonschema_rs.validator_for(schema)


def _told(name: str, schema: Any, error: jsonschema_rs.ValidationError) -> Iterator[Fault]:
    """A schema's error in words."""
    at, details = tuple(error.instance_path), error.kind.as_dict()
    match error.kind.name:
        case "required":
            yield Fault(_dotted((*at, details["property"])), "is required")
        case "additionalProperties":
            for unknown in details["unexpected"]:
                here = (*at, unknown)
                yield Fault(_dotted(here), _unexpected(name, here))
        case "anyOf" | "oneOf" as kind:
            names = [one["required"][0] for one in _keyword(schema, error)]
            number = "at least" if kind == "anyOf" else "exactly"
            if not any(_reaches(error.instance, name) for name in names if "." in name):
                yield Fault(_dotted(at), f"{number} one of {', '.join(names)} is required")
        case _:
            yield Fault(_dotted(at), f"{_shown(error.instance)} is not {_wanted(schema, error)}")


def _reaches(value: Any, dotted: str) -> bool:
    """Whether an object has a leaf of objects in it, which JSON Schema takes for a plain name."""
    for name in dotted.split("."):
        if not isinstance(value, Mapping) or name not in value:
            return False
        value = value[name]
    return True


def _unexpected(name: str, at: Path) -> str:
    """Why an attribute may not be there: it is unknown, or of a profile that is not declared."""
    found = ocsf.attribute(name, [step for step in at if isinstance(step, str)])
    if found is None:
        return f"OCSF {ocsf.VERSION} has no such attribute here"
    return f"is of the profile {' or '.join(found['profiles'])}, which metadata.profiles lacks"


def _wanted(schema: Any, error: jsonschema_rs.ValidationError) -> str:
    """What a keyword of a schema asks of a value."""
    keyword, wanted = error.schema_path[-1], _keyword(schema, error)
    match keyword:
        case "type":
            return f"of type {' or '.join(wanted) if isinstance(wanted, list) else wanted}"
        case "enum":
            return f"one of {', '.join(map(str, sorted(wanted)))}"
        case "const":
            return str(wanted)
        case "minimum":
            return f"{wanted} or more"
        case "maximum":
            return f"{wanted} or less"
        case "maxLength":
            return f"of {wanted} characters or less"
        case "pattern":
            return f"a valid {_type_by_pattern()[wanted]}"
    return f"what {keyword} asks"


def _keyword(schema: Any, error: jsonschema_rs.ValidationError) -> Any:
    for step in error.schema_path:
        schema = schema[step]
    return schema


@cache
def _type_by_pattern() -> dict[str, str]:
    types = ocsf.types()
    return {one["regex"]: one["caption"] for one in types.values() if "regex" in one}


def _type_uid_faults(event: Mapping[str, Any]) -> Iterator[Fault]:
    told, activity_id = event.get("type_uid"), event.get("activity_id")
    if isinstance(told, int) and isinstance(activity_id, int):
        made = event["class_uid"] * 100 + activity_id
        if told != made:
            yield Fault("type_uid", f"{told} is not class_uid * 100 + activity_id, {made}")


def _profile_faults(of: Definition, event: Mapping[str, Any]) -> Iterator[Fault]:
    for profile in _profiles(event):
        if profile not in of["profiles"]:
            yield Fault("metadata.profiles", f"the class {of['name']} has no profile {profile}")
    metadata = event.get("metadata")
    version = metadata.get("version") if isinstance(metadata, Mapping) else None
    if isinstance(version, str) and version != ocsf.VERSION:
        yield Fault("metadata.version", f"{version} is checked as {ocsf.VERSION}", is_warning=True)


def _profiles(event: Mapping[str, Any]) -> list[str]:
    metadata = event.get("metadata")
    profiles = metadata.get("profiles") if isinstance(metadata, Mapping) else None
    return [one for one in profiles if isinstance(one, str)] if isinstance(profiles, list) else []


def _walked(name: str, attributes: Definition, value: Any, at: Path) -> Iterator[Fault]:
    """What is to be said of each attribute of an object, and of those of the objects in it."""
    if not isinstance(value, Mapping):
        return
    for key, one in value.items():
        if attribute := attributes.get(key):
            here = (*at, key)
            yield from _attribute_faults(attribute, one, here)
            if (name, attribute.get("sibling")) not in _AS_WRITTEN:
                yield from _caption_faults(attribute, one, value, at)
            yield from _inner(name, attribute, one, here)


def _inner(name: str, attribute: Definition, value: Any, at: Path) -> Iterator[Fault]:
    if members := ocsf.members(attribute):
        if isinstance(value, list):
            for position, one in enumerate(value):
                yield from _walked(name, members, one, (*at, position))
        else:
            yield from _walked(name, members, value, at)


def _attribute_faults(attribute: Definition, value: Any, at: Path) -> Iterator[Fault]:
    if deprecated := attribute.get("@deprecated"):
        since = deprecated["since"]
        yield Fault(_dotted(at), f"is deprecated since OCSF {since}", is_warning=True)
    if attribute["type"] == "timestamp_t" and isinstance(value, int):
        if value in _SECONDS:
            yield Fault(_dotted(at), f"{value} is in seconds, and OCSF wants milliseconds")
        elif value >= _BEYOND_MILLISECONDS:
            yield Fault(_dotted(at), f"{value} is finer than the milliseconds that OCSF wants")


def _caption_faults(
    attribute: Definition, value: Any, beside: Mapping[str, Any], at: Path
) -> Iterator[Fault]:
    """Whether the caption beside an id is that of the id; 99, Other, leaves it to the source."""
    sibling = attribute.get("sibling")
    if "enum" not in attribute or sibling is None or sibling not in beside:
        return
    ids, captions = _listed(value), _listed(beside[sibling])
    wanted = [attribute["enum"].get(str(one), {}).get("caption") for one in ids]
    if _OTHER not in ids and None not in wanted and wanted != captions:
        told = f"{_shown(beside[sibling])} is not the caption of {_shown(value)}"
        yield Fault(_dotted((*at, sibling)), f"{told}, {', '.join(wanted)}")


def _listed(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else [value]


def _dotted(path: Path) -> str:
    """`observables[2].name`."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return "".join(steps).removeprefix(".")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
