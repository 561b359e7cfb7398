"""SQL that fits the columns of a SELECT into a table, and that says which rows cannot go in.

What the SELECT lacks, or gives as something that does not fit its type, is NULL; what the table
lacks is kept as JSON in `ocsf_rest`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

import pyarrow as pa
from duckdb.sqltypes import DuckDBPyType

from lake import schema
from lake.ask import literal, quoted
from lake.faults import faults

Given: TypeAlias = Mapping[str, DuckDBPyType]

_NOT_STORED = ("position", "problem", "class_name", "ocsf_rest")
_WHOLE = frozenset({"integer", "uinteger", "bigint", "ubigint", "hugeint"})
_OF_FILES = {"log_record", "kubernetes_object", "kubernetes_event", "detection_finding"}
_TOLD = "told_of(position)"
_LINE_BY_LINE = ("lines", "records", "plain")
_HEX_DIGITS = {"trace_uid": 32, "span_uid": 16, "parent_span_uid": 16}


def projection(table: str, given: Given, defaults: Mapping[str, str], reads: str = "") -> str:
    """The select list of a table's columns, and of `position`, `problem` and `fault`.

    `fault` is why a row would be no valid OCSF.

    Who speaks (`workload`) is named as every other source names it. What `told_of` says of
    the file (told.py) stands in where a record does not: whose log it is, when it was taken.

    `defaults` has, by OCSF path, the SQL that stands in where the SELECT gives nothing.
    """
    wanted = {field.name: field.type for field in schema.arrow_schema(table)}
    columns = {
        name: _fitted(name, quoted(name), kind, given.get(name), defaults)
        for name, kind in wanted.items()
    }
    if rest := _rest({n: k for n, k in given.items() if n not in _NOT_STORED}, wanted):
        columns["ocsf_rest"] = rest
    if "workload" in given or table == "log_record":
        is_text = str(table == "log_record").lower()
        columns["workload"] = f"whose({columns['workload']}, {is_text}, {_TOLD})"
    if table in _OF_FILES or (table == "application_lifecycle" and reads == "text"):
        columns |= _of_file(table, columns, reads)
    columns["position"] = "position"
    columns["problem"] = "problem::VARCHAR" if "problem" in given else "NULL::VARCHAR"
    invalid = "\n".join(faults(table, {n: k for n, k in given.items() if n not in _NOT_STORED}))
    columns["fault"] = f"CASE {invalid} END" if invalid else "NULL::VARCHAR"
    return ",\n".join(f"{sql} AS {quoted(name)}" for name, sql in columns.items())


def _of_file(table: str, columns: Mapping[str, str], reads: str) -> dict[str, str]:
    """The columns that say where a row stands, and when and in which namespace if it does not."""
    time, unmapped, line = columns["time"], columns["unmapped"], "NULL"
    found = dict[str, str]()
    if table == "log_record":
        unmapped = f"undated({unmapped}, {time}, {_TOLD})"
        found["time"] = f"coalesce({time}, {_TOLD}.undated_at)"
    if reads in _LINE_BY_LINE:
        line = "place_of(position)"
    if table.startswith("kubernetes_"):
        kind = columns["object"]
        found["workload"] = f"in_namespace({columns['workload']}, ({kind}).kind, {_TOLD})"
        found["object"] = f"in_namespace({kind}, ({kind}).kind, {_TOLD})"
    if table == "application_lifecycle":
        return {"workload": f"in_namespace({columns['workload']}, '', {_TOLD})"}
    found["unmapped"] = f"beside({unmapped}, {line}, {_TOLD})"
    return found


def reason(table: str, given: Given) -> str:
    """Why a projected row cannot be stored; NULL for one that can."""
    ids = "\n".join(
        f"WHEN NOT regexp_full_match({name}, '[0-9a-f]{{{digits}}}') "
        f"THEN '{name} is not {digits} lower-case hex digits'"
        for name, digits in _HEX_DIGITS.items()
        if name in given and name in schema.duckdb_columns(table)
    )
    return f"""CASE
        WHEN problem IS NOT NULL THEN problem
        WHEN "time" IS NULL THEN 'it has no time that can be read'
        WHEN "time" < TIMESTAMPTZ '1990-01-01 00:00:00+00' THEN 'its time is before 1990'
        WHEN "time" > ingested_at + INTERVAL 1 DAY THEN 'its time is more than a day ahead'
        WHEN fault IS NOT NULL THEN fault
        {ids}
    END"""


def _fitted(
    path: str, at: str, wanted: pa.DataType, given: DuckDBPyType | None, defaults: Mapping[str, str]
) -> str:
    if isinstance(wanted, pa.StructType):
        fields = _fields(given)
        parts = (
            f"{literal(field.name)}: "
            + _fitted(
                f"{path}.{field.name}",
                f"{at}.{quoted(field.name)}",
                field.type,
                fields.get(field.name),
                defaults,
            )
            for field in wanted
        )
        return f"{{{', '.join(parts)}}}"
    kind = schema.duckdb_type(wanted)
    value = f"NULL::{kind}"
    if given is not None:
        value = at if str(given) == kind else _cast(at, given, kind)
    return f"coalesce({value}, {defaults[path]})" if path in defaults else value


def _cast(at: str, given: DuckDBPyType, kind: str) -> str:
    """A value as another type, NULL if it does not fit; a time's whole number is milliseconds."""
    if kind == "TIMESTAMP WITH TIME ZONE" and given.id in _WHOLE:
        return f"TRY(make_timestamptz({at}::BIGINT * 1000))"
    return f"TRY_CAST({at} AS {kind})"


def _rest(given: Given, wanted: Mapping[str, pa.DataType]) -> str:
    """A JSON object of what is given and not wanted, without NULLs; '' if all is wanted.

    It is written member by member: to take the NULLs out of many at once costs more.
    """
    members = ", ".join(
        f"{literal(f'{quoted(name)}:')} || "
        f"nullif(json_merge_patch('{{}}', to_json({sql}))::VARCHAR, 'null')"
        for name, sql in _extras(given, wanted)
    )
    return f"nullif('{{' || concat_ws(',', {members}) || '}}', '{{}}')" if members else ""


def _extras(
    given: Given, wanted: Mapping[str, pa.DataType], at: str = ""
) -> Iterator[tuple[str, str]]:
    """The name and the SQL of each member that holds something that is given and not wanted."""
    for name, kind in given.items():
        here = at + quoted(name)
        if name not in wanted:
            yield name, here
        elif isinstance(fields := wanted[name], pa.StructType):
            inner = {field.name: field.type for field in fields}
            if extras := [*_extras(_fields(kind), inner, f"{here}.")]:
                yield name, f"{{{', '.join(f'{literal(one)}: {sql}' for one, sql in extras)}}}"


def _fields(kind: DuckDBPyType | None) -> Given:
    if kind is None or kind.id != "struct":
        return {}
    return {name: child for name, child in kind.children if isinstance(child, DuckDBPyType)}
