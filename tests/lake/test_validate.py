"""Valid events pass, those of our sources too; every deliberate damage to one is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from lake import ocsf
from lake.event import events
from lake.ocsf import Definition
from lake.validate import Fault, class_of, faults
from tests.lake.examples import NOON, Json, example

CLASSES = sorted(ocsf.classes().keys() - {"patch_state"})  # it needs one of three leaves below it
SAMPLES = sorted(Path(__file__).parents[1].joinpath("data").glob("*/expected*.json"))
BAD = {
    "ip_t": "999.1.1.1",
    "mac_t": "00:00:5e:00:53",
    "uuid_t": "123e4567",
    "email_t": "mira at example.com",
    "datetime_t": "yesterday",
    "bytestring_t": "no base 64!",
    "port_t": 70_000,
    "subnet_t": "192.0.2.0/24" * 4,
    "timestamp_t": NOON // 1000,
}


class Damage(NamedTuple):
    """One way to spoil an event: `what` was done to a class or an object of that `name`."""

    what: str
    name: str
    event: Json


def errors(event: Any) -> list[Fault]:
    return [fault for fault in faults(event) if not fault.is_warning]


def sampled() -> Iterator[Json]:
    """The first event of each class in each sample of a source."""
    for sample in SAMPLES:
        for table, rows in json.loads(sample.read_text("utf-8")).items():
            if table in ocsf.classes():
                yield from events(table, rows[:1])


def damaged(event: Json) -> Iterator[Damage]:
    """Spoil a valid event in every way that this test knows."""
    name = class_of(event)
    assert name is not None
    for what, change in (
        ("an unknown class", {"class_uid": 4242}),
        ("another category", {"category_uid": event["category_uid"] + 1}),
        ("another type", {"type_uid": event["type_uid"] + 100_000}),
        ("the type of another activity", {"type_uid": event["class_uid"] * 100 + 77}),
        ("a profile that the class lacks", {"metadata": _with_profile(event, "load_balancers")}),
    ):
        yield Damage(what, name, event | change)
    for path, of in _objects(ocsf.classes()[name], event, ()):
        for what, spoilt in _spoilt(of, _at(event, path)):
            yield Damage(what, of["name"], _replaced(event, path, spoilt))


def _spoilt(of: Definition, value: Json) -> Iterator[tuple[str, Json]]:
    """An object in all its spoilt forms."""
    if not of["attributes"]:
        return
    yield "an unknown attribute", value | {"no_such_attribute": 1}
    constraints = of.get("constraints") or {}
    some = [*constraints.get("at_least_one", ()), *constraints.get("just_one", ())]
    if some:
        yield "none of what some of is needed", {k: v for k, v in value.items() if k not in some}
    for name, one in value.items():
        attribute = of["attributes"][name]
        if attribute["requirement"] == "required":
            yield f"no {name}", {key: kept for key, kept in value.items() if key != name}
            yield f"null as {name}", value | {name: None}
        if attribute["type"] != "json_t":
            for what, wrong in _wrong(attribute, one):
                yield f"{what} as {name}", value | {name: wrong}
        caption = attribute.get("sibling")
        if caption in value and one not in (99, [99]) and (of["name"], caption) not in FREE:
            yield f"another caption of {name}", value | {caption: "nonsense"}


FREE = {("log_record", "severity")}


def _wrong(attribute: Definition, value: Any) -> Iterator[tuple[str, Any]]:
    if attribute.get("is_array"):
        yield "no list", value[0]
        yield from ((f"a list with {what}", [wrong]) for what, wrong in _wrong_one(attribute))
    else:
        yield "a list", [value]
        yield from _wrong_one(attribute)


def _wrong_one(attribute: Definition) -> Iterator[tuple[str, Any]]:
    kind = attribute["type"]
    if kind == "object_t":
        yield "a text", "nonsense"
        yield "a number", 1
        return
    yield "an object", {"nonsense": 1}
    yield "a wrong primitive", 1 if ocsf.base_type(kind) == "string_t" else "nonsense"
    if enum := attribute.get("enum"):
        assert "12345" not in enum
        yield "a value not listed", 12345 if ocsf.base_type(kind) == "integer_t" else "nonsense"
    if kind in BAD:
        yield f"a bad {kind}", BAD[kind]


def _objects(
    of: Definition, value: Json, path: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], Definition]]:
    """Every object in an event whose shape OCSF knows, and where it is."""
    yield path, of
    for name, one in value.items():
        attribute = of["attributes"].get(name, {})
        if kind := attribute.get("object_type"):
            inner = ocsf.objects()[kind]
            if isinstance(one, list):
                yield from _objects(inner, one[0], (*path, name, 0))
            elif inner["attributes"]:
                yield from _objects(inner, one, (*path, name))


def _at(event: Any, path: tuple[str | int, ...]) -> Json:
    for step in path:
        event = event[step]
    found: Json = event
    return found


def _replaced(event: Json, path: tuple[str | int, ...], value: Json) -> Json:
    if not path:
        return value
    copy = deepcopy(event)
    at: Any = copy
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    return copy


def _with_profile(event: Json, profile: str) -> Json:
    metadata: Json = event["metadata"]
    return metadata | {"profiles": [*metadata.get("profiles", ()), profile]}


@pytest.mark.parametrize("name", CLASSES)
def test_an_event_made_from_the_schema_is_valid(name: str) -> None:
    assert errors(example(name)) == []


def test_what_sources_make_of_their_samples_is_valid() -> None:
    assert [(class_of(event), fault) for event in sampled() for fault in errors(event)] == []


def test_every_damage_is_told() -> None:
    originals = [*map(example, CLASSES), *sampled()]
    every = (damage for event in originals for damage in damaged(event))
    each = {(damage.what, damage.name): damage for damage in every}
    assert len(each) >= 200
    assert [key for key, damage in each.items() if not errors(damage.event)] == []
