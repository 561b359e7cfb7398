"""Compiles our OCSF extension with `ocsf-lib` and tells what it adds to the core.

The compiler reads sources. The core comes to us compiled, so it is written out as a source tree in
which every class and object has all its attributes itself, and compiles to what it was.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

from ocsf.compile import Compilation, CompilationOptions
from ocsf.repository import add_extension, read_repo
from ocsf.schema import to_dict

from lake import ocsf

Json: TypeAlias = dict[str, Any]

EXTENSION = ocsf.FOLDER / "extension"

_ATTRIBUTE = ("caption", "description", "type", "requirement", "group", "is_array", "sibling")
_MEMBER = ("caption", "description")
_PROFILE = "inquest/telemetry"
_EVERY = "events/base_event.json"
_CATEGORIES = {"name": "category", "caption": "Categories", "description": "All categories."}
_RECORD = ("name", "caption", "description", "category", "constraints")


def added(folder: Path) -> Json:
    """Compile core and extension in a scratch folder and give what the extension adds.

    A class of ours has the attributes in which it differs from the base event; `patches` are what
    is added to the core's classes.
    """
    compiled = _compiled(folder)
    core, categories = ocsf.core(), _read(EXTENSION / "categories.json")["attributes"]
    base = core["classes"]["base_event"]["attributes"]
    every = _beyond(base, compiled["classes"]["base_event"])
    classes, patches = {}, {"base_event": {"profiles": [_PROFILE], "attributes": every}}
    for name, one in sorted(compiled["classes"].items()):
        if one["category"] in categories:
            classes[name] = _class(one, categories, {**base, **every})
        elif new := _beyond({**core["classes"][name]["attributes"], **every}, one):
            patches[name] = {"attributes": new}
    objects = {
        name: {**_kept(one, _RECORD), "attributes": _beyond({}, one)}
        for name, one in sorted(compiled["objects"].items())
        if name not in core["objects"]
    }
    extension = _read(EXTENSION / "extension.json")
    return {"extension": extension, "classes": classes, "objects": objects, "patches": patches}


def _compiled(folder: Path) -> Json:
    write_core(folder / "core")
    repository = read_repo(folder / "core")
    for extension in _extensions(folder):
        add_extension(extension, repository)
    compilation = Compilation(repository, CompilationOptions(prefix_extensions=False))
    compiled: Json = to_dict(compilation.build())
    return compiled


def _extensions(folder: Path) -> list[Path]:
    """Part the extension in two: the compiler would take its patch of the base event for the base.

    (It looks for what a class extends by name, and in the class's own extension first.)
    """
    ours, patch = folder / "inquest", folder / "patch"
    shutil.copytree(EXTENSION, ours)
    shutil.copytree(EXTENSION, patch)
    (ours / _EVERY).unlink()
    for event in (patch / "events").rglob("*.json"):
        if event != patch / _EVERY:
            event.unlink()
    return [ours, patch]


def write_core(folder: Path) -> None:
    """Write the core as a source tree; Linux and Windows extensions are left out."""
    core = ocsf.core()
    dictionary = core["dictionary"]
    _write(folder / "version.json", {"version": core["version"]})
    _write(
        folder / "dictionary.json",
        {**dictionary, "attributes": _sources(dictionary["attributes"])},
    )
    categories = {
        name: _kept(one, ("caption", "description", "uid"))
        for name, one in core["categories"]["attributes"].items()
    }
    _write(folder / "categories.json", {**_CATEGORIES, "attributes": categories})
    for name, one in _unprefixed(core["objects"]):
        source = {**_kept(one, _RECORD), "attributes": _sources(one["attributes"])}
        _write(folder / "objects" / f"{name}.json", source)
    for name, one in _unprefixed(core["classes"]):
        source = {**_kept(one, _RECORD), "attributes": _sources(one["attributes"])}
        for numbered in ("category_uid", "class_uid", "type_uid"):
            source["attributes"][numbered].pop("enum", None)
        where = ""
        if name != "base_event":
            where = one["category"]
            source |= {"uid": one["uid"] % 1000, "extends": "base_event"}
        _write(folder / "events" / where / f"{name}.json", source)


def _unprefixed(records: Json) -> list[tuple[str, Json]]:
    return [(name, one) for name, one in records.items() if "/" not in name]


def _sources(attributes: Json) -> Json:
    """Attributes as a source has them: an object's name is its type."""
    return {
        name: {**_told(one), "type": one.get("object_type") or one["type"]}
        for name, one in attributes.items()
    }


def _class(one: Json, categories: Json, known: Json) -> Json:
    """A class of ours, with the attributes that are not, or are otherwise, among those known."""
    category_uid = one["uid"] // 1000  # the compiler leaves the extension's number out
    attributes = {
        name: attribute
        for name, found in sorted(one["attributes"].items())
        if (attribute := _attribute(found)) != (name in known and _attribute(known[name]))
    }
    category = categories[one["category"]]
    attributes["category_uid"]["enum"] = {str(category_uid): _kept(category, _MEMBER)}
    return {
        **_kept(one, _RECORD),
        "uid": one["uid"],
        "category_uid": category_uid,
        "category_name": category["caption"],
        "attributes": attributes,
    }


def _beyond(known: Json, one: Json) -> Json:
    """The attributes of a record by names that are not known."""
    return {
        name: _attribute(found)
        for name, found in sorted(one["attributes"].items())
        if name not in known
    }


def _attribute(one: Mapping[str, Any]) -> Json:
    """An attribute in the form of the compiled core."""
    told = _told(one)
    kind = one.get("object_type") or one["type"]
    if not kind.endswith("_t"):
        told |= {"type": "object_t", "object_type": kind}
    if one.get("profile") == _PROFILE.partition("/")[2] or _PROFILE in (one.get("profiles") or ()):
        told["profiles"] = [_PROFILE]
    return told


def _told(one: Mapping[str, Any]) -> Json:
    """What both compilers know of an attribute."""
    told = _kept(one, _ATTRIBUTE)
    if enum := one.get("enum"):
        told["enum"] = {key: _kept(member, _MEMBER) for key, member in sorted(enum.items())}
    return told


def _kept(one: Mapping[str, Any], keys: tuple[str, ...]) -> Json:
    return {key: one[key] for key in keys if one.get(key)}


def _read(path: Path) -> Json:
    read: Json = json.loads(path.read_text("utf-8"))
    return read


def _write(path: Path, record: Json) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record), "utf-8")
