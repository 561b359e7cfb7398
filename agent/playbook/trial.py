"""A playbook tried: its SQL on empty tables, and its own tests; DuckDB in memory, no lake."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from agent.errors import PlaybookError
from agent.playbook.compile import (
    COLUMNS,
    checking,
    finding,
    in_order,
    named,
    reads,
    relations,
    whole,
)
from agent.playbook.form import Check, Playbook, Trial
from agent.playbook.load import Fault, read_all
from agent.playbook.words import filled, in_quotes, names, place
from lake import schema
from lake.ask import View, bind, placeholders, quoted, tables_read
from lake.errors import QueryError

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
"""What a row of a test is of that says no time."""
_WORD = re.compile(r"[a-z_]+")
_ALWAYS = {"object", "workload", "said"}  # of a template, beside the columns
_SPAN: dict[str, Any] = {
    "start": datetime(2025, 12, 31, tzinfo=UTC),
    "since": datetime(2026, 1, 1, 11, 45, tzinfo=UTC),
    "end": datetime(2026, 1, 2, tzinfo=UTC),
}


def sound(folder: Path) -> None:
    """Check a user's own playbooks; PlaybookError with every fault, each with its line."""
    known, faults = read_all(folder)
    own = [one for one in known if Path(one.file).is_relative_to(folder)]
    if found := [*faults, *(fault for one in own for fault in lint(one))]:
        raise PlaybookError("\n".join(map(str, found)))


def lint(playbook: Playbook) -> Iterator[Fault]:
    """What of a playbook cannot run, each fault with its line: on tables without rows."""
    try:
        columns = _on_nothing(_bound(finding(playbook)))
    except QueryError as error:
        yield Fault(playbook.file, playbook.lines["finds.sql"], f"finds: {error}")
        return
    if not reads(playbook.finds.sql):
        text = "finds reads no relation and no table that is known"
        yield Fault(playbook.file, playbook.lines["finds.sql"], text)
    if missing := [name for name in COLUMNS if name not in columns]:
        text = f"finds gives no column {' and none '.join(missing)}"
        yield Fault(playbook.file, playbook.lines["finds.sql"], text)
    for path, template in _templates(playbook):
        for name in sorted(names(template) - {*columns} - _ALWAYS):
            text = f"{{{name}}} is no column of finds; those are {', '.join(columns)}"
            yield Fault(playbook.file, playbook.lines[path], text)
    for at, remedy in enumerate(playbook.remedies):
        if inside := sorted(in_quotes(remedy.command)):
            text = f"{{{inside[0]}}} stands within quotes of a command; it is a word of its own"
            yield Fault(playbook.file, playbook.lines[f"remedies.{at}"], text)
    for at, check in enumerate(playbook.checks):
        path = f"checks.{at}.sql"
        if (check.confirms is None) == (check.refutes is None):
            yield Fault(playbook.file, playbook.lines[f"checks.{at}"], "says confirms or refutes")
        try:
            _on_nothing(_bound(checking(check), "", dict.fromkeys(columns)))
        except QueryError as error:
            yield Fault(playbook.file, playbook.lines[path], f"{check.query.question} {error}")


def _on_nothing(sql: str) -> tuple[str, ...]:
    """Ask a SELECT of tables without rows, and of the relations that it names; its columns."""
    needed = in_order(named(sql))
    tables_read(sql, frozenset(needed))
    for name in needed:
        _hold(name)
    return _nothing().ask(sql).columns


@cache
def _nothing() -> View:
    return View({}, {}, threads=1)


@cache
def _hold(relation: str) -> None:
    _nothing().hold(relation, _bound(relations()[relation]))


def tried(playbook: Playbook) -> Iterator[Fault]:
    """The tests of a playbook that fail, with what was found in place of what was expected."""
    with _database().cursor() as connection:
        bench = _Bench(connection, playbook)
        for at, trial in enumerate(playbook.tests):
            where = playbook.lines[f"tests.{at}"]
            try:
                found = bench.found(trial)
            except (ValueError, duckdb.Error, pa.ArrowException) as error:
                yield Fault(playbook.file, where, f"test {trial.name!r}: {error}")
                continue
            if wrong := _wrong(playbook, trial, found):
                yield Fault(playbook.file, where, f"test {trial.name!r}: {wrong}")


def _wrong(playbook: Playbook, trial: Trial, found: list[dict[str, Any]]) -> str:
    objects = sorted({row["object"] for row in found})
    if objects != sorted(trial.finds):
        return f"found {_listed(objects)}, expected {_listed(trial.finds)}"
    said = [filled(playbook.cause, row) for row in found]
    if trial.says and not any(trial.says in one for one in said):
        return f"it says {(said or ['nothing'])[0]!r}"
    return ""


@cache
def _database() -> duckdb.DuckDBPyConnection:
    """Open the DuckDB whose cursors each have tables of their own: to open one takes longer."""
    database = duckdb.connect()
    database.execute("SET GLOBAL TimeZone = 'UTC'; SET threads = 1")
    return database


@dataclass
class _Bench:
    """The tables that a playbook reads, filled anew for each test; its queries are parsed once."""

    connection: duckdb.DuckDBPyConnection
    playbook: Playbook
    parsed: dict[str, duckdb.Statement] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for table in self.tables:
            columns = schema.duckdb_columns(table).items()
            listed = ", ".join(f"{quoted(name)} {kind}" for name, kind in columns)
            self.connection.execute(f"CREATE TEMP TABLE {quoted(table)} ({listed})")

    @cached_property
    def tables(self) -> list[str]:
        """The tables that the playbook's SQL, relations and checks name."""
        asked = [whole(finding(self.playbook)), *(whole(checking(c)) for c in self.playbook.checks)]
        words = set(_WORD.findall("\n".join(asked)))
        return [table for table in schema.tables() if table in words]

    def found(self, trial: Trial) -> list[dict[str, Any]]:
        """What the playbook finds in the rows of a test, less what its checks refute."""
        self._fill(trial)
        rows = self._run(_bound(whole(finding(self.playbook)), trial.question))
        for row in rows:
            row["object"] = place(row["kind"] or "", row["namespace"] or "", row["name"] or "")
        return [row for row in rows if not any(self._refutes(c, row) for c in self.playbook.checks)]

    def _fill(self, trial: Trial) -> None:
        for table in trial.given.keys() - set(schema.tables()):
            raise ValueError(schema.no_table(table))
        for table in self.tables:
            self.connection.execute(f"DELETE FROM {quoted(table)}")
        for table, given in trial.given.items():
            rows = [_row(table, one) for one in given]
            if table in self.tables and rows:
                held = pa.Table.from_pylist(rows, schema.arrow_schema(table))
                self.connection.register("given", held)
                self.connection.execute(f"INSERT INTO {quoted(table)} BY NAME FROM given")

    def _run(self, sql: str) -> list[dict[str, Any]]:
        if sql not in self.parsed:
            (self.parsed[sql],) = self.connection.extract_statements(sql)
        answer = self.connection.sql(self.parsed[sql])  # fetched as Python's, times want pytz
        rows: list[dict[str, Any]] = answer.to_arrow_table().to_pylist()
        return rows

    def _refutes(self, check: Check, row: dict[str, Any]) -> bool:
        if not check.refutes:
            return False
        return bool(self._run(_checked(check, row))) == (check.refutes == "rows")


def _checked(check: Check, row: Mapping[str, Any]) -> str:
    return _bound(whole(checking(check)), "", row)


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
    if pa.types.is_struct(kind) and not isinstance(value, Mapping):
        raise ValueError(f"{path} is {value!r}, expected a mapping")
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


def _listed(finds: Sequence[str]) -> str:
    return ", ".join(sorted(finds)) or "nothing"
