"""Why a row would be no valid OCSF, as SQL made from the schema: the check on the hot path.

It looks at what a SELECT gives, before that is cast and stored, so it sees too what would be lost
because it does not fit its type. What cannot be wrong is not asked: an attribute that is not given
costs nothing, nor does one of a type that every value fits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from duckdb.sqltypes import DuckDBPyType

from lake import ocsf, schema
from lake.ask import literal, quoted
from lake.ocsf import Definition

Given: TypeAlias = Mapping[str, DuckDBPyType]

_FILLED = frozenset({
    "time", "category_uid", "class_uid", "type_uid", "metadata", "metadata.version",
    "metadata.product",
})  # fmt: skip
"""What is required and comes from elsewhere: a check of its own, the export, a source's header."""

_WHOLE = ("TINYINT", "UTINYINT", "SMALLINT", "USMALLINT", "INTEGER", "UINTEGER", "BIGINT")
_FITTING = {
    "BOOLEAN": ("BOOLEAN",),
    "DOUBLE": ("DOUBLE", "FLOAT", *_WHOLE),
    "INTEGER": _WHOLE[:5],
    "BIGINT": _WHOLE,
}
"""What every value of fits into a type, by the type."""

_CASTS = {
    "boolean_t": ("BOOLEAN", "true or false"),
    "float_t": ("DOUBLE", "a number"),
    "integer_t": ("BIGINT", "a whole number"),
    "long_t": ("BIGINT", "a whole number"),
}
_IPV4 = r"(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_NESTED = ("struct", "list", "map")


class Clause(NamedTuple):
    """A condition in SQL under which a row cannot be stored, and the reason in words."""

    condition: str
    reason: str


@dataclass(frozen=True)
class _Spot:
    """Where something is: its OCSF path, and how SQL reads it."""

    path: str
    sql: str

    def member(self, name: str) -> _Spot:
        """Where a member of it is."""
        if not self.path:
            return _Spot(name, quoted(name))
        return _Spot(f"{self.path}.{name}", f"{self.sql}.{quoted(name)}")

    def element(self) -> _Spot:
        """Where each element of it is, within a lambda over it."""
        return _Spot(self.path, "each_" + re.sub(r"\W", "_", self.path))


def faults(table: str, given: Given) -> list[str]:
    """Give `WHEN condition THEN reason` for each way in which rows of a SELECT may be invalid.

    The conditions read the SELECT's own columns, whose types `given` has by name.
    """
    columns = frozenset(schema.paths(table))
    clauses = _of_object(ocsf.classes()[table], given, _Spot("", ""), columns)
    return [f"WHEN {condition} THEN {literal(reason)}" for condition, reason in clauses]


def _of_object(
    of: Definition, given: Given, spot: _Spot, columns: frozenset[str]
) -> Iterator[Clause]:
    """What may be wrong with a class, or with an object where there is one."""
    there = "" if not spot.path else f"NOT {_absent(given, spot)} AND "
    for condition, reason in _lacking(of, given, spot):
        yield Clause(f"{there}{condition}", reason)
    for name, kind in given.items():
        if attribute := of["attributes"].get(name):
            yield from _of_attribute(attribute, kind, spot.member(name), columns)


def _lacking(of: Definition, given: Given, spot: _Spot) -> Iterator[Clause]:
    """What is required of a class or an object and may not be there."""
    for name, attribute in of["attributes"].items():
        if _is_required(attribute) and (path := spot.member(name).path) not in _FILLED:
            yield Clause(_absent_at(given, spot, name), f"{path} is required")
    constraints = of.get("constraints") or {}
    names = constraints.get("at_least_one", ())
    is_decided = spot.path in _FILLED or (spot.path and given.keys() <= set(names))
    if names and not is_decided:
        lacking = " AND ".join(_absent_at(given, spot, name) for name in names)
        yield Clause(f"({lacking})", f"{_of(spot)}one of {', '.join(names)} is required")
    if names := constraints.get("just_one"):
        number = " + ".join(f"(NOT {_absent_at(given, spot, name)})::INT" for name in names)
        yield Clause(f"{number} <> 1", f"{_of(spot)}exactly one of {', '.join(names)} is required")


def _absent_at(given: Given, spot: _Spot, path: str) -> str:
    """Whether nothing is given at a dotted path from a class or an object."""
    name, _, rest = path.partition(".")
    if name not in given:
        return "true"
    if rest:
        return _absent_at(_fields(given[name]), spot.member(name), rest)
    return _is_absent(given[name], spot.member(name))


def _is_required(attribute: Definition) -> bool:
    return (
        attribute["requirement"] == "required"
        and not attribute.get("profiles")
        and not ocsf.has_unknown(attribute)
    )


def _of(spot: _Spot) -> str:
    return f"of {spot.path} " if spot.path else ""


def _absent(given: Given, spot: _Spot) -> str:
    """Whether an object has nothing in it."""
    members = [_is_absent(kind, spot.member(name)) for name, kind in given.items()]
    return f"({' AND '.join(members)})" if members else "true"


def _is_absent(kind: DuckDBPyType, spot: _Spot) -> str:
    if kind.id == "struct":
        return _absent(_fields(kind), spot)
    return f"coalesce(len({spot.sql}), 0) = 0" if kind.id == "list" else f"{spot.sql} IS NULL"


def _of_attribute(
    attribute: Definition, kind: DuckDBPyType, spot: _Spot, columns: frozenset[str]
) -> Iterator[Clause]:
    """What may be wrong with what is given for an attribute, one or each of a list."""
    if kind.id == "list":
        each = spot.element()
        for condition, reason in _of_attribute(attribute, _child(kind), each, columns):
            any_is = f"len(list_filter({spot.sql}, lambda {each.sql}: {condition})) > 0"
            yield Clause(any_is, reason)
    elif kind.id == "struct" and (name := attribute.get("object_type")):
        yield from _of_object(ocsf.objects()[name], _fields(kind), spot, columns)
    elif kind.id not in _NESTED:
        yield from _of_scalar(attribute, kind, spot, is_column=spot.path in columns)


def _of_scalar(
    attribute: Definition, kind: DuckDBPyType, spot: _Spot, *, is_column: bool
) -> Iterator[Clause]:
    base, given = ocsf.base_type(attribute["type"]), str(kind)
    if attribute["type"] == "timestamp_t":
        yield from _of_time(given, spot, is_column=is_column)
        return
    sql = spot.sql
    if base in _CASTS:
        wanted, words = _CASTS[base]
        if base == "integer_t" and is_column:
            wanted, words = "INTEGER", "a whole number of 32 bits"
        if given not in _FITTING[wanted]:
            sql = f"TRY_CAST({spot.sql} AS {wanted})"
            yield Clause(f"{_told(given, spot)} AND {sql} IS NULL", f"{spot.path} is not {words}")
    if "enum" in attribute and base == "integer_t":  # a text that is none goes out as unmapped
        known = ", ".join(map(str, sorted(map(int, attribute["enum"]))))
        yield Clause(f"{sql} NOT IN ({known})", f"{spot.path} is none of {known}")
    yield from _of_type(attribute["type"], sql, spot.path)


def _of_time(given: str, spot: _Spot, *, is_column: bool) -> Iterator[Clause]:
    """A time is a timestamp, its text or epoch milliseconds; in text only where it is no column."""
    if spot.path == "time" or given.startswith("TIMESTAMP"):
        return
    number = spot.sql
    if given not in _WHOLE:
        number = f"TRY_CAST({spot.sql} AS BIGINT)"
        unread = f"TRY_CAST({spot.sql} AS TIMESTAMPTZ) IS NULL"
        unread += "" if is_column else f" AND {number} IS NULL"
        yield Clause(f"{_told(given, spot)} AND {unread}", f"{spot.path} is no time")
    is_seconds = f"{number} BETWEEN 1000000000 AND 9999999999"
    yield Clause(is_seconds, f"{spot.path} is in seconds, not milliseconds")


def _of_type(name: str, sql: str, path: str) -> Iterator[Clause]:
    """The limits that a type of OCSF sets."""
    kind = ocsf.types().get(name, {})
    if limits := kind.get("range"):
        low, high = limits
        yield Clause(f"{sql} NOT BETWEEN {low} AND {high}", f"{path} is not {low} to {high}")
    if longest := kind.get("max_len"):
        yield Clause(f"length({sql}) > {longest}", f"{path} is longer than {longest} characters")
    if pattern := kind.get("regex"):
        fits = f"regexp_matches({sql}, {literal(pattern)})"
        if name == "ip_t":  # by far the most are of version 4, which costs less to see
            fits = f"CASE WHEN regexp_full_match({sql}, {literal(_IPV4)}) THEN true ELSE {fits} END"
        yield Clause(f"NOT {fits}", f"{path} is no valid {kind['caption']}")


def _told(given: str, spot: _Spot) -> str:
    """Whether there is a value; an empty text is none."""
    return f"{spot.sql} <> ''" if given in ("VARCHAR", "JSON") else f"{spot.sql} IS NOT NULL"


def _fields(kind: DuckDBPyType) -> Given:
    if kind.id != "struct":
        return {}
    return {name: child for name, child in kind.children if isinstance(child, DuckDBPyType)}


def _child(kind: DuckDBPyType) -> DuckDBPyType:
    ((_, child),) = kind.children
    assert isinstance(child, DuckDBPyType)  # noqa: S101  # a list's child is a type
    return child
