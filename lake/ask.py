"""Read-only SQL through DuckDB on pinned snapshots: what may be asked, its caps, and the answer.

DuckDB's own parser says what a query is made of, so nothing can hide between two readings of it.
A query is one SELECT over the lake's tables and its own common table expressions, calling functions
of `functions.txt`; it runs in a database that can open the pinned data files and nothing else.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache, cached_property, lru_cache
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
from tenacity import (
    retry,
    retry_if_exception_type,
    stop_after_attempt,
    stop_after_delay,
    wait_exponential,
)

from lake import schema
from lake.errors import DUCKDB_INTERRUPTED, QueryError, UnreadError

if TYPE_CHECKING:
    import pandas as pd

_BATCH = 8192
_MEMORY = "2GB"
_FAILURES = (duckdb.Error, pa.ArrowException, OSError)  # the last two while rows are fetched
_PASSING = (duckdb.IOException, OSError)
_TIDIER: dict[pa.DataType, pa.DataType] = {
    pa.decimal128(38, 0): pa.int64(),
    pa.timestamp("us", "Etc/UTC"): pa.timestamp("us", "UTC"),
}
_SHAPES = frozenset({
    "SELECT_NODE", "SET_OPERATION_NODE", "CTE_NODE", "RECURSIVE_CTE_NODE",
    "BASE_TABLE", "SUBQUERY", "JOIN", "TABLE_FUNCTION", "EMPTY", "EXPRESSION_LIST",
    "ORDER_MODIFIER", "LIMIT_MODIFIER", "DISTINCT_MODIFIER",
    "ASCENDING", "DESCENDING", "ORDER_DEFAULT",
})  # fmt: skip
# The clock and the session, which SQL lets stand like a column.
_SESSION = frozenset({
    "current_catalog", "current_database", "current_date", "current_query", "current_role",
    "current_schema", "current_time", "current_timestamp", "current_user", "localtime",
    "localtimestamp", "session_user", "user",
})  # fmt: skip
_LEXEME = re.compile(
    r"""[eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]* | /\*.*?\*/
      | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$ | \$(?P<name>\w+)""",
    re.VERBOSE | re.DOTALL,
)


_once_more = retry(
    retry=retry_if_exception_type(UnreadError),
    stop=stop_after_attempt(3) | stop_after_delay(1.0),
    wait=wait_exponential(0.1),
    reraise=True,
)
"""Asks again where a file could not be read, as on a disk across a network, if it fails at once."""


@dataclass(frozen=True)
class Limits:
    """What an answer may take: rows and bytes past the cap are cut off, time is an error."""

    rows: int = 100_000
    bytes: int = 256_000_000
    seconds: float = 30.0


_LIMITS = Limits()


@dataclass(frozen=True)
class Relation:
    """A table at a snapshot: its Parquet files and the Iceberg field ids of its columns."""

    files: tuple[str, ...]
    field_ids: Mapping[str, int]


@dataclass(frozen=True)
class Rows:
    """The answer: rows in Arrow, and the snapshots of the tables that the query read."""

    arrow: pa.Table
    snapshots: dict[str, int] = field(default_factory=dict)
    truncated: bool = False

    def __len__(self) -> int:
        return int(self.arrow.num_rows)

    @property
    def columns(self) -> tuple[str, ...]:
        """Column names in SELECT order."""
        return tuple(self.arrow.column_names)

    def dicts(self) -> list[dict[str, Any]]:
        """Give each row as a dict in SELECT order."""
        return self.arrow.to_pylist()

    def df(self) -> pd.DataFrame:
        """Give the rows to pandas."""
        return self.arrow.to_pandas()

    @cached_property
    def digest(self) -> str:
        """Hash the rows: sha256 over one JSON object a row, each followed by a newline.

        UTF-8, no spaces, keys in SELECT order. Times are ISO 8601 in UTC to the microsecond
        (`2026-11-21T14:02:31.000000Z`), a time without a zone counts as UTC; NULL is null; a double
        is the shortest text that reads back as it (NaN, Infinity and -Infinity spelt so); an
        integer is its digits whatever its width, another decimal a string; bytes are hex.
        """
        encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_plain).encode
        lines = "".join(encode(row) + "\n" for row in self.dicts())
        return f"sha256:{hashlib.sha256(lines.encode()).hexdigest()}"


class View:
    """The lake at pinned snapshots: what is appended later does not show."""

    def __init__(
        self,
        snapshots: Mapping[str, int],
        relations: Mapping[str, Relation],
        threads: int | None = None,
    ) -> None:
        self.snapshots = dict(snapshots)
        self._relations = dict(relations)
        self._held: dict[str, tuple[str, ...]] = {}
        files = [file for relation in relations.values() for file in relation.files]
        self._database = _sandbox(files, threads)

    @_once_more
    def ask(self, sql: str, limits: Limits = _LIMITS) -> Rows:
        """Answer one SELECT; QueryError if it is refused, fails, or takes too long."""
        with self._asking(sql, limits) as (connection, tables):
            arrow, truncated = _fetch(connection.sql(sql), limits)
        read = {table: self.snapshots[table] for table in tables if table in self.snapshots}
        return Rows(arrow, read, truncated)

    def alone(self, threads: int = 1) -> View:
        """The same snapshots in a view of its own, in which nothing is held."""
        return View(self.snapshots, self._relations, threads)

    @_once_more
    def hold(self, name: str, sql: str, limits: Limits = _LIMITS) -> int:
        """Keep the answer of one SELECT as a table `name` for later questions to this view.

        Gives how many rows it has; QueryError as `ask`. What is read of it is read of its tables.
        """
        with self._asking(sql, limits) as (connection, tables):
            connection.execute(f"CREATE OR REPLACE TABLE {quoted(name)} AS {sql}")
            rows = connection.execute(f"SELECT count(*) FROM {quoted(name)}").fetchall()
        self._held[name.lower()] = tables
        return int(rows[0][0])

    @contextmanager
    def _asking(
        self, sql: str, limits: Limits
    ) -> Iterator[tuple[duckdb.DuckDBPyConnection, tuple[str, ...]]]:
        """A connection in which a SELECT, once it is allowed, can run; with the tables it reads."""
        tables: tuple[str, ...] = ()
        with self._database.cursor() as connection, _deadline(connection, limits) as is_past:
            try:
                named = tables_read(sql, frozenset(self._held))
                direct = [table for table in named if table not in self._held]
                for table in direct:
                    connection.execute(_view(table, self._relations.get(table)))
                behind = (table for name in named for table in self._held.get(name, ()))
                tables = tuple(sorted({*direct, *behind}))
                yield connection, tables
            except RuntimeError as error:
                if str(error) == DUCKDB_INTERRUPTED:
                    raise KeyboardInterrupt from error
                raise
            except _FAILURES as error:
                if is_past():
                    raise QueryError(f"The query took longer than {limits.seconds:g} s.") from error
                kind = UnreadError if isinstance(error, _PASSING) else QueryError
                raise kind(_explained(error, tables)) from error


def literal(value: object) -> str:
    """Write a value as SQL; a time must have a zone and comes out in UTC, a list is DuckDB's list.

    TypeError for a value that has no literal, as an integer past 64 bits.
    """
    match value:
        case None:
            return "NULL"
        case bool():
            return str(value).upper()
        case int() if -(2**63) <= value < 2**63:
            return f"({value})" if value < 0 else str(value)  # or x-$n becomes a comment: x--1
        case float():
            return f"CAST('{value!r}' AS DOUBLE)"  # a bare 0.1 is a DECIMAL
        case str():
            return "'" + value.replace("'", "''") + "'"
        case datetime() if value.tzinfo:
            return f"TIMESTAMPTZ '{value.astimezone(UTC).isoformat(' ', 'microseconds')}'"
        case date() if not isinstance(value, datetime):
            return f"DATE '{value.isoformat()}'"
        case list() | tuple():
            return f"[{', '.join(map(literal, value))}]"
    raise TypeError(f"No SQL literal for {value!r}.")


def quoted(name: str) -> str:
    """Write a name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def bind(sql: str, **params: object) -> str:
    """Put literals in the place of `$name`, outside strings and comments, so that SQL stands alone.

    QueryError for a placeholder without a value or a value without a placeholder.
    """
    named = placeholders(sql)
    for name in named - params.keys():
        raise QueryError(f"The query's parameter ${name} has no value.")
    for name in params.keys() - named:
        raise QueryError(f"The query has no parameter ${name}.")
    return _LEXEME.sub(lambda m: literal(params[m["name"]]) if m["name"] else m[0], sql)


def placeholders(sql: str) -> set[str]:
    """Name the `$name`s of a query that `bind` asks a value for."""
    return {match["name"] for match in _LEXEME.finditer(sql) if match["name"]}


def _sandbox(files: Sequence[str], threads: int | None) -> duckdb.DuckDBPyConnection:
    """Open a database in memory that can read these files, write none, and not be talked round."""
    database = duckdb.connect()
    if threads is not None:
        database.execute(f"SET threads = {threads}")
    database.execute(
        f"""
        SET TimeZone = 'UTC';
        SET memory_limit = '{_MEMORY}';
        SET temp_directory = '';
        SET python_enable_replacements = false;
        SET enable_external_file_cache = false;
        SET allowed_paths = {literal(files)};
        SET enable_external_access = false;
        SET lock_configuration = true;
        """
    )
    return database


@contextmanager
def _deadline(
    connection: duckdb.DuckDBPyConnection, limits: Limits
) -> Iterator[Callable[[], bool]]:
    """Interrupt a connection past the deadline, again and again until it is over.

    What it yields says whether the deadline is past.
    """
    past, over = Event(), Event()

    def watch() -> None:
        wait = limits.seconds
        while not over.wait(wait):
            past.set()
            connection.interrupt()
            wait = 0.05

    watcher = Thread(target=watch)
    watcher.start()
    try:
        yield past.is_set
    finally:
        over.set()
        watcher.join()


@lru_cache(maxsize=512)  # to parse a long query takes as long as to answer it
def tables_read(sql: str, held: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """Name the lake's and the held tables that a query reads; QueryError unless all is allowed."""
    serialize = "SELECT json_serialize_sql($sql::VARCHAR, skip_null := true, skip_empty := true)"
    with _parser().cursor() as connection:
        tree = connection.execute(serialize, {"sql": sql}).fetchall()[0][0]
    try:
        parsed = json.loads(tree)
        if parsed["error"]:
            raise QueryError(f"Only a SELECT may be asked: {parsed['error_message']}")
        if len(parsed["statements"]) != 1:
            raise QueryError("One SELECT at a time may be asked.")
        return tuple(sorted(set(_walk(parsed["statements"][0], frozenset(), held))))
    except RecursionError as error:
        raise QueryError("The query is nested too deeply.") from error


@cache
def _parser() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={"enable_external_access": False, "threads": 1})


def _walk(
    node: dict[str, Any] | list[Any], known: frozenset[str], held: frozenset[str]
) -> Iterator[str]:
    """Yield the tables under a node of DuckDB's parse tree; `known` are the CTEs in scope."""
    if isinstance(node, dict):
        if "cte_map" in node:
            known |= {cte["key"].lower() for cte in node["cte_map"].get("map", ())}
        if table := _checked(node, known, held):
            yield table
    for child in node.values() if isinstance(node, dict) else node:
        if isinstance(child, dict | list):
            yield from _walk(child, known, held)


def _checked(node: Mapping[str, Any], known: frozenset[str], held: frozenset[str]) -> str:
    """Refuse a node that is more than a question; the table that it reads, if there is such."""
    kind = node.get("type")
    if isinstance(kind, str) and "class" not in node and kind not in _SHAPES:
        raise QueryError(f"A query may not use {kind}.")
    if "sample" in node:
        raise QueryError("A query may not sample: it has to give the same answer again.")
    name = _function(node)
    if name is not None and name not in _functions():
        raise QueryError(f"A query may not call {name}.")
    if kind != "BASE_TABLE":
        return ""
    table = ".".join(node["qualified_name"]["path"]).lower()
    if table in schema.tables() or (table in held and table not in known):
        return table
    if table not in known:
        raise QueryError(schema.no_table(table))
    return ""


def _function(node: Mapping[str, Any]) -> str | None:
    """Name the function that a node calls, unless it is an operator."""
    columns = node.get("column_names", ())
    if len(columns) == 1 and columns[0].lower() in _SESSION:
        return str(columns[0])
    name = node.get("function_name")
    return name.lower() if name and re.search(r"\w", name) else None


@cache
def _functions() -> frozenset[str]:
    lines = Path(__file__).with_name("functions.txt").read_text("utf-8").splitlines()
    return frozenset(" ".join(line for line in lines if not line.startswith("#")).split())


def _view(table: str, relation: Relation | None) -> str:
    """Write the view that stands for a table; one without rows has its columns all the same."""
    columns = schema.duckdb_columns(table)
    if relation is None or not relation.files:
        nulls = (f"CAST(NULL AS {kind}) AS {quoted(name)}" for name, kind in columns.items())
        source = f"SELECT {', '.join(nulls)} WHERE false"
    else:
        fields = (
            f"{relation.field_ids.get(name, -at)}: "
            f"{{name: {literal(name)}, type: {literal(kind)}, default_value: NULL}}"
            for at, (name, kind) in enumerate(columns.items(), start=1)
        )
        source = (
            f"FROM read_parquet({literal(relation.files)}, hive_partitioning = false, "
            f"schema = MAP {{{', '.join(fields)}}})"
        )
    return f"CREATE TEMP VIEW {quoted(table)} AS {source}"


def _fetch(answer: duckdb.DuckDBPyRelation, limits: Limits) -> tuple[pa.Table, bool]:
    """Read batches up to the caps, and say whether there was more."""
    if len(set(answer.columns)) < len(answer.columns):
        raise QueryError("Two columns of the answer have one name: tell them apart with AS.")
    reader = answer.to_arrow_reader(_BATCH)
    batches: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in reader:
        rows, size = rows + batch.num_rows, size + batch.nbytes
        if size > limits.bytes:
            break
        batches.append(batch)
        if rows > limits.rows:
            break
    table = pa.Table.from_batches(batches, reader.schema).slice(0, limits.rows)
    return _tidy(table), table.num_rows < rows


def _tidy(table: pa.Table) -> pa.Table:
    """Name the zone UTC, and make a HUGEINT, as the sum of integers is, a BIGINT where it fits."""
    for at, column in enumerate(table.schema):
        to = _TIDIER.get(column.type)
        if to is not None:
            with suppress(pa.ArrowInvalid):
                table = table.set_column(at, column.name, table.column(at).cast(to))
    return table


def _plain(value: object) -> object:
    """Say what JSON has no word for, as `Rows.digest` promises."""
    match value:
        case datetime():
            utc = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
            return f"{utc.isoformat('T', 'microseconds')}Z"
        case Decimal() if value.as_tuple().exponent == 0:
            return int(value)
        case bytes():
            return value.hex()
    return str(value)


def _explained(error: Exception, tables: Sequence[str]) -> str:
    """Say in one sentence what DuckDB objects to, with the columns there are if it is a name."""
    said = str(error).splitlines()[0].rstrip(".!")
    if not isinstance(error, duckdb.BinderException) or not tables:
        return f"{said}."
    there = "; ".join(f"{table} has {', '.join(schema.duckdb_columns(table))}" for table in tables)
    return f"{said}: {there}."
