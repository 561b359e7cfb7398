"""What each table looks like: OCSF paths and types made into Arrow, DuckDB and partition terms.

`ocsf/tables.toml` lists the paths that a table keeps. The type of a path is read from OCSF; only
columns that are the lake's own and not OCSF's are typed here.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache
from typing import Any, TypeAlias

import pyarrow as pa

from lake import ocsf
from lake.ocsf import Definition

OCSF_VERSION = ocsf.VERSION
REQUIRED = frozenset({"time", "ingested_at"})

_PARTS = frozenset({"common", "tail", "default"})
_OURS = {
    "ingested_at": "timestamp_t",
    "ocsf_rest": "json_t",
    "source": "string_t",
    "path": "string_t",
    "position": "long_t",
    "reason": "string_t",
    "is_part": "boolean_t",
    "batch": "string_t",
    "replay": "string_t",
    "raw": "string_t",
}
_ARROW: dict[str, pa.DataType] = {
    "boolean_t": pa.bool_(),
    "float_t": pa.float64(),
    "integer_t": pa.int32(),
    "json_t": pa.string(),
    "long_t": pa.int64(),
    "object_t": pa.string(),
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

Field: TypeAlias = "pa.Field[pa.DataType]"
Tree: TypeAlias = dict[str, "Tree | pa.DataType"]


@cache
def tables() -> tuple[str, ...]:
    """Name every table that a lake can have, those listed first: the quarantine, one a class."""
    listed = [name for name in _listed() if name not in _PARTS]
    return tuple(dict.fromkeys([*listed, *sorted(ocsf.classes())]))


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
    if path in _OURS or _walk(table, path):
        return True
    above = _walk(table, path.rpartition(".")[0])
    return above is not None and _is_of_any_shape(above)


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
    """The type of the column at a path; an object, or a list of them, is JSON in text."""
    if path in _OURS:
        return _ARROW[_OURS[path]]
    found = _walk(table, path)
    if found is None:
        raise KeyError(f"{table}: OCSF {ocsf.VERSION} and our extension have no {path}")
    kind = found["type"]
    base = kind if kind in _ARROW else ocsf.base_type(kind)
    is_list = found.get("is_array") and base not in ("json_t", "object_t")
    return pa.list_(_ARROW[base]) if is_list else _ARROW[base]


def _walk(table: str, path: str) -> Definition | None:
    return ocsf.attribute(table, path.split("."))


def _is_of_any_shape(attribute: Definition) -> bool:
    return attribute["type"] == "json_t" or attribute.get("object_type") in ("object", "unmapped")


@cache
def _listed() -> dict[str, dict[str, Any]]:
    return tomllib.loads((ocsf.FOLDER / "tables.toml").read_text("utf-8"))
