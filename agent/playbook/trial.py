"""A playbook tried: its SQL on empty tables, and its own tests; DuckDB in memory, no lake."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import duckdb
import pyarrow as pa

from agent.playbook.compile import COLUMNS, checking, finding
from agent.playbook.form import Check, Playbook, Trial
from agent.playbook.load import Fault
from agent.playbook.words import filled, names, place
from lake import schema
from lake.ask import View, bind, placeholders, quoted
from lake.errors import QueryError

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
"""What a row of a test is of that says no time."""
_ALWAYS = {"object", "workload", "said"}  # of a template, beside the columns
_SPAN: dict[str, Any] = {
    "start": datetime(2025, 12, 31, tzinfo=UTC),
    "since": datetime(2026, 1, 1, 11, 45, tzinfo=UTC),
    "end": datetime(2026, 1, 2, tzinfo=UTC),
}


def lint(playbook: Playbook) -> Iterator[Fault]:
    """What of a playbook cannot run, each fault with its line: on tables without rows."""
    view = View({}, {})
    try:
        columns = view.ask(_bound(finding(playbook))).columns
    except QueryError as error:
        yield Fault(playbook.file, playbook.lines["finds.sql"], f"finds: {error}")
        return
    if missing := [name for name in COLUMNS if name not in columns]:
        text = f"finds gives no column {' and none '.join(missing)}"
        yield Fault(playbook.file, playbook.lines["finds.sql"], text)
    for path, template in _templates(playbook):
        for name in sorted(names(template) - {*columns} - _ALWAYS):
            text = f"{{{name}}} is no column of finds; those are {', '.join(columns)}"
            yield Fault(playbook.file, playbook.lines[path], text)
    for at, check in enumerate(playbook.checks):
        path = f"checks.{at}.sql"
        if (check.confirms is None) == (check.refutes is None):
            yield Fault(playbook.file, playbook.lines[f"checks.{at}"], "says confirms or refutes")
        try:
            view.ask(_checked(check, dict.fromkeys(columns)))
        except QueryError as error:
            yield Fault(playbook.file, playbook.lines[path], f"{check.query.question} {error}")


def tried(playbook: Playbook) -> Iterator[Fault]:
    """The tests of a playbook that fail, with what was found in place of what was expected."""
    for at, trial in enumerate(playbook.tests):
        where = playbook.lines[f"tests.{at}"]
        try:
            found = run(playbook, trial)
        except (ValueError, duckdb.Error, pa.ArrowException) as error:
            yield Fault(playbook.file, where, f"test {trial.name!r}: {error}")
            continue
        objects = sorted({place(row["kind"], row["namespace"], row["name"]) for row in found})
        if objects != sorted(trial.finds):
            text = f"found {', '.join(objects) or 'nothing'}, expected {_listed(trial.finds)}"
            yield Fault(playbook.file, where, f"test {trial.name!r}: {text}")
        elif trial.says and not any(trial.says in filled(playbook.cause, r) for r in found):
            said = filled(playbook.cause, found[0]) if found else "nothing"
            yield Fault(playbook.file, where, f"test {trial.name!r}: it says {said!r}")


def run(playbook: Playbook, trial: Trial) -> list[dict[str, Any]]:
    """What a playbook finds in the rows of one of its tests, less what its checks refute."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'; SET threads = 1")
        for table in schema.tables():
            rows = [_row(table, one) for one in trial.given.get(table, ())]
            held = pa.Table.from_pylist(rows, schema.arrow_schema(table))
            connection.register(f"given_{table}", held)
            listed = ", ".join(
                f"{quoted(name)}::{kind} AS {quoted(name)}"
                for name, kind in schema.duckdb_columns(table).items()
            )
            connection.execute(
                f"CREATE TEMP VIEW {quoted(table)} AS SELECT {listed} FROM given_{table}"
            )
        for table in trial.given.keys() - set(schema.tables()):
            raise ValueError(schema.no_table(table))
        sql = _bound(finding(playbook), trial.question)
        found: list[dict[str, Any]] = connection.sql(sql).to_arrow_table().to_pylist()
        for row in found:
            row["object"] = place(row["kind"] or "", row["namespace"] or "", row["name"] or "")
        return [row for row in found if not _refuted(connection, playbook, row)]


def _refuted(
    connection: duckdb.DuckDBPyConnection, playbook: Playbook, row: dict[str, Any]
) -> bool:
    for check in playbook.checks:
        if check.refutes:
            has_rows = bool(connection.execute(_checked(check, row)).fetchone())
            if has_rows == (check.refutes == "rows"):
                return True
    return False


def _checked(check: Check, row: Mapping[str, Any]) -> str:
    return _bound(checking(check), "", row)


def _bound(sql: str, question: str = "", row: Mapping[str, Any] | None = None) -> str:
    values = {"question": question, **(row or {}), **_SPAN}
    return bind(sql, **{name: values.get(name) for name in placeholders(sql) if name in values})


def _row(table: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """One row as the table holds it: a mapping in a column of text is JSON, a text a time."""
    row = {"time": NOW, "ingested_at": NOW, **given}
    arrow = schema.arrow_schema(table)
    for name in row.keys() - {*arrow.names}:
        raise ValueError(f"{table} has no column {name!r}; it has {', '.join(arrow.names)}")
    return {name: _value(value, arrow.field(name).type, name) for name, value in row.items()}


def _value(value: Any, kind: pa.DataType, path: str) -> Any:
    if value is None:
        return None
    if pa.types.is_struct(kind):
        fields = {field.name: field.type for field in kind}
        for name in value.keys() - fields.keys():
            raise ValueError(f"{path} has no {name!r}; it has {', '.join(fields)}")
        return {name: _value(one, fields[name], f"{path}.{name}") for name, one in value.items()}
    if pa.types.is_timestamp(kind) and isinstance(value, str):
        at = datetime.fromisoformat(value)
        return at if at.tzinfo else at.replace(tzinfo=UTC)
    if pa.types.is_string(kind) and not isinstance(value, str):
        return json.dumps(value, default=str) if isinstance(value, dict | list) else str(value)
    return value


def _templates(playbook: Playbook) -> Iterator[tuple[str, str]]:
    yield "cause", playbook.cause
    for at, remedy in enumerate(playbook.remedies):
        yield f"remedies.{at}", f"{remedy.text} {remedy.command}"


def _listed(finds: tuple[str, ...]) -> str:
    return ", ".join(sorted(finds)) or "nothing"
