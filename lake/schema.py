"""What each table looks like: OCSF paths and types made into Arrow, DuckDB and partition terms.

`ocsf/tables.toml` lists the paths that a table keeps. The type of a path is read from OCSF
(compiled, in the package `ocsf-json-schema`) and from our extension (source form, in
`ocsf/extension`); only columns that are the lake's own and not OCSF's are typed here.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
from ocsf_json_schema import get_ocsf_schema  # type: ignore[import-untyped]  # has no types

OCSF_VERSION = "1.8.0"
REQUIRED = frozenset({"time", "ingested_at"})

_PARTS = frozenset({"common", "tail", "default"})
_HERE = Path(__file__).parent / "ocsf"
_OURS = {
    "ingested_at": "timestamp_t",
    "ocsf_rest": "json_t",
    "source": "string_t",
    "path": "string_t",
    "position": "long_t",
    "reason": "string_t",
    "raw": "string_t",
}
_ARROW: dict[str, pa.DataType] = {
    "boolean_t": pa.bool_(),
    "float_t": pa.float64(),
    "integer_t": pa.int32(),
    "json_t": pa.string(),
    "long_t": pa.int64(),
    "object": pa.string(),
    "string_t": pa.string(),
    "timestamp_t": pa.timestamp("us", tz="UTC"),
}
_DUCKDB: dict[pa.DataType, str] = {
    pa.bool_(): "BOOLEAN",
    pa.float64(): "DOUBLE",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.string(): "VARCHAR",
    pa.timestamp("us", tz="UTC"): "TIMESTAMP WITH TIME ZONE",
}

Definition = Mapping[str, Any]
Field: TypeAlias = "pa.Field[pa.DataType]"
Tree: TypeAlias = dict[str, "Tree | pa.DataType"]


@cache
def tables() -> tuple[str, ...]:
    """Name every table that a lake can have, those listed first: the quarantine, one a class."""
    listed = [name for name in _listed() if name not in _PARTS]
    return tuple(dict.fromkeys([*listed, *sorted(_core_classes())]))


def no_table(name: str) -> str:
    """Say that there is no such table, and which are near it."""
    near = get_close_matches(name, tables(), n=3) or ["log_record", "metric_point", "trace_span"]
    return f"There is no table {name}: a lake has one for each class of OCSF, as {', '.join(near)}."


@cache
def arrow_schema(table: str) -> pa.Schema:
    """Shape a table in Arrow: nested structs, times in UTC microseconds, REQUIRED not null."""
    tree: Tree = {}
    for path in paths(table):
        *parents, leaf = path.split(".")
        at = tree
        for parent in parents:
            at = at.setdefault(parent, {})  # type: ignore[assignment]  # a parent is never a leaf
        at[leaf] = _leaf_type(table, path)
    return pa.schema(_field(name, node) for name, node in tree.items())


def paths(table: str) -> tuple[str, ...]:
    """List the dotted paths of a table's leaves, in order."""
    listed = _listed()
    if table not in listed:
        own = [path for path in listed["default"]["columns"] if _walk(table, path)]
    elif "class_uid" in listed[table]:
        own = listed[table]["columns"]
    else:
        return tuple(listed[table]["columns"])
    return (*listed["common"]["columns"], *own, *listed["tail"]["columns"])


def knows(table: str, path: str) -> bool:
    """Whether a class has an attribute at a dotted path; in an object of any shape, any."""
    if path in _OURS:
        return True
    above = path.rpartition(".")[0]
    return _walk(table, path) is not None or (
        "." in path and (_walk(table, above) or ("", False))[0] in ("object", "json_t", "unmapped")
    )


def sort_order(table: str) -> tuple[str, ...]:
    """Name the columns by which rows are sorted within a file."""
    return tuple(_listed().get(table, _listed()["default"])["sort"])


def partition_column(table: str) -> str:
    """Name the time column whose UTC day partitions a table."""
    return "time" if "time" in paths(table) else "ingested_at"


def duckdb_columns(table: str) -> dict[str, str]:
    """Give the DuckDB type of each top-level column of a table, in order."""
    return {field.name: duckdb_type(field.type) for field in arrow_schema(table)}


def duckdb_type(arrow: pa.DataType) -> str:
    """Spell an Arrow type as DuckDB does."""
    if isinstance(arrow, pa.StructType):
        fields = ", ".join(f'"{field.name}" {duckdb_type(field.type)}' for field in arrow)
        return f"STRUCT({fields})"
    if isinstance(arrow, pa.ListType):
        return f"{duckdb_type(arrow.value_type)}[]"
    return _DUCKDB.get(arrow, str(arrow))


def leaves(fields: Iterable[Field], prefix: str = "") -> set[str]:
    """Collect the dotted paths of all leaves under Arrow fields that hold more than NULL."""
    found = set()
    for field in fields:
        path = prefix + field.name
        if isinstance(field.type, pa.StructType):
            found |= leaves(field.type, f"{path}.")
        elif not pa.types.is_null(field.type):
            found.add(path)
    return found


def _field(name: str, node: Tree | pa.DataType) -> Field:
    if isinstance(node, dict):
        node = pa.struct([_field(child, of) for child, of in node.items()])
    return pa.field(name, node, nullable=name not in REQUIRED)


def _leaf_type(table: str, path: str) -> pa.DataType:
    """Walk a path from its class through OCSF's objects to the type of its leaf."""
    if path in _OURS:
        return _ARROW[_OURS[path]]
    found = _walk(table, path)
    if found is None:
        raise KeyError(f"{table}: OCSF {OCSF_VERSION} and our extension have no {path}")
    kind, is_array = found
    scalar = _ARROW[_base_type(kind)]
    return pa.list_(scalar) if is_array else scalar


def _walk(table: str, path: str) -> tuple[str, bool] | None:
    """The type at the end of a path and whether it is a list; None if there is no such path."""
    attributes, found = _class_attributes(table), None
    for name in path.split("."):
        if name not in attributes:
            return None
        found = _type(name, attributes[name])
        attributes = _object_attributes(found[0])
    return found


def _type(name: str, attribute: Definition) -> tuple[str, bool]:
    """Take an attribute's type from where it is used, else from its dictionary; say if a list."""
    core = _core()["dictionary"]["attributes"]
    definition = attribute if "type" in attribute else _dictionary().get(name) or core[name]
    return definition.get("object_type") or definition["type"], definition.get("is_array", False)


def _base_type(kind: str) -> str:
    types = _core()["dictionary"]["types"]["attributes"]
    return kind if kind in _ARROW else types[kind]["type"]


@cache
def _class_attributes(name: str) -> Definition:
    """A class's attributes: OCSF's, those of our profile, which every class has, and our own."""
    ours, core = _extension("events").get(name, {}), _core_classes()
    base = core.get(name) or core[ours["extends"]]
    telemetry = _read(_HERE / "extension" / "profiles" / "telemetry.json")["attributes"]
    own = dict(_included(ours.get("attributes", {})))
    return {**base["attributes"], **telemetry, **own}


@cache
def _core_classes() -> dict[str, Definition]:
    """OCSF's classes by the names that their tables have, which say nothing of an extension."""
    return {key.rpartition("/")[2]: one for key, one in _core()["classes"].items()}


def _object_attributes(name: str) -> Definition:
    found = _extension("objects").get(name) or _core()["objects"].get(name, {})
    attributes: Definition = found.get("attributes", {})
    return attributes


def _included(attributes: Definition) -> Iterator[tuple[str, Definition]]:
    for include in attributes.get("$include", ()):
        yield from _read(_HERE / "extension" / include)["attributes"].items()
    yield from ((name, attribute) for name, attribute in attributes.items() if name != "$include")


@cache
def _extension(kind: str) -> dict[str, dict[str, Any]]:
    """Our classes or objects by name; a file without a name patches the core one it extends."""
    found = map(_read, sorted((_HERE / "extension" / kind).rglob("*.json")))
    return {one.get("name", one["extends"]): one for one in found}


@cache
def _dictionary() -> dict[str, dict[str, Any]]:
    attributes: dict[str, dict[str, Any]] = _read(_HERE / "extension" / "dictionary.json")[
        "attributes"
    ]
    return attributes


@cache
def _core() -> dict[str, Any]:
    schema: dict[str, Any] = get_ocsf_schema(OCSF_VERSION)
    return schema


@cache
def _listed() -> dict[str, dict[str, Any]]:
    return tomllib.loads((_HERE / "tables.toml").read_text("utf-8"))


def _read(path: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return read
