"""A source made ready to run: rows of `raw` become the rows of tables, or say why they cannot.

Mapping, checking, sorting and writing Parquet are DuckDB's; what a row was refused for is kept on
the way.
"""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from duckdb.func import FunctionNullHandling, PythonUDFType
from duckdb.sqltypes import BIGINT, BOOLEAN, VARCHAR

from ingest.chunks import NUMBER_BIT
from ingest.project import Given, projection, reason
from ingest.source import Source
from ingest.told import Told
from lake import schema
from lake.ask import literal, quoted
from lake.errors import LakeError
from lake.store import Lake

QUARANTINE = "quarantine"
MAPPING_FAILS = "the mapping fails: "

Staged: TypeAlias = dict[str, list[Path]]

_BAD_DATA = (duckdb.DataError, duckdb.InvalidInputException)
_FIELDS: dict[str, pa.DataType] = {"position": pa.int64(), "reason": pa.string()}
_GIVEN = pa.schema(_FIELDS)


class Refused(NamedTuple):
    """A record that cannot be stored, and why; `is_part` if others of its document are stored."""

    position: int
    reason: str
    is_part: bool = False


@dataclass(frozen=True)
class Plan:
    """A source made ready to run: `selects` map `raw` and give what each table can store.

    They read `mapped`, which is run once before them, where there are several tables.
    `given` is filled on the way, by table, with (position, reason) of every row, a reason being why
    it cannot.
    """

    lake: Lake
    connection: duckdb.DuckDBPyConnection
    source: Source
    now: datetime
    mapped: str
    selects: Mapping[str, str]
    given: dict[str, list[pa.Table]]


def prepare(lake: Lake, connection: duckdb.DuckDBPyConnection, source: Source) -> Plan:
    """Bind the SELECT, with a filter on top that remembers what it lets through and what not.

    So a chunk of a source of one class is mapped, checked, sorted and written by one query, and
    nothing is held in between; one of several is mapped once, then written table by table.
    """
    now, told = datetime.now(UTC), dict[str, list[pa.Table]]()

    def stored(position: Any, reason: Any) -> Any:  # Arrow arrays
        told[next(reversed(told))].append(pa.table([position, reason], schema=_GIVEN))
        return pc.is_null(reason)

    connection.create_function(
        "stored",
        stored,
        [BIGINT, VARCHAR],
        BOOLEAN,
        type=PythonUDFType.ARROW,
        null_handling=FunctionNullHandling.SPECIAL,
        side_effects=True,
    )
    connection.register("raw", source.reader.empty())
    mapped, relation = "", connection.sql(source.sql)
    given = dict(zip(relation.columns, relation.types, strict=True))
    rows = dict.fromkeys(source.tables, f"(\n{source.sql}\n)")
    if len(source.tables) > 1:
        mapped = _classed(source, given)
        given["problem"] = VARCHAR
        rows = {table: f"(FROM mapped WHERE goes_to = {literal(table)})" for table in source.tables}
    vendor, product = source.product
    defaults = {
        "ingested_at": literal(now),
        "source": literal(source.name),
        "metadata.product.vendor_name": literal(vendor) if vendor else "NULL",
        "metadata.product.name": literal(product),
    }
    selects = {
        table: f"FROM (SELECT {projection(table, given, defaults, source.reads)} "
        f"FROM {rows[table]}) "
        f"WHERE stored(position, {reason(table, given)})"
        for table in source.tables
    }
    return Plan(lake, connection, source, now, mapped, selects, told)


def tell(connection: duckdb.DuckDBPyConnection, told: Sequence[Told]) -> None:
    """Let a SELECT know what is said of each file that is mapped next, by the file's number."""
    connection.execute(f"SET VARIABLE told = [{', '.join(one.sql for one in told)}]")


def stored(plan: Plan) -> dict[str, Counter[int]]:
    """How many of the rows just mapped were stored, by table and by the number of their file."""
    return {table: sum(map(_numbers, given), Counter[int]()) for table, given in plan.given.items()}


def _numbers(given: pa.Table) -> Counter[int]:
    positions = given.filter(pc.field("reason").is_null())["position"]
    numbers: list[Any] = pc.shift_right(positions, NUMBER_BIT).to_pylist()
    return Counter(numbers)


def _classed(source: Source, given: Given) -> str:
    """What a SELECT of several classes gives, and which table a row goes to."""
    names = ", ".join(map(literal, source.tables))
    problem, kept = (
        ("problem::VARCHAR, ", "* EXCLUDE (problem)") if "problem" in given else ("", "*")
    )
    return f"""
        SELECT {kept},
          CASE WHEN class_name IN ({names}) THEN class_name ELSE {literal(source.tables[0])} END
            AS goes_to,
          coalesce({problem}CASE WHEN class_name IS NULL OR class_name NOT IN ({names})
            THEN concat('its class is ', coalesce(class_name, 'not said'), ', which the header of '
              'its source does not name') END) AS problem
        FROM (\n{source.sql}\n)"""


def take(plan: Plan, raw: pa.Table, staged: Staged) -> tuple[Counter[str], list[Refused]]:
    """Write the rows of `raw` as files of their tables; count them, and say which were refused."""
    failed: dict[int, str] = {}
    try:
        counts = _map(plan, raw, staged)
    except _BAD_DATA:
        failed = _failing(plan, raw)
        is_failing = pc.is_in(raw["position"], pa.array(list(failed), pa.int64()))
        counts = _map(plan, raw.filter(pc.invert(is_failing)), staged)
    return counts, _refused(plan, raw, failed)


def _refused(plan: Plan, raw: pa.Table, failed: Mapping[int, str]) -> list[Refused]:
    """What could not be stored of the rows just mapped, and what the SELECT lost."""
    given = pa.concat_tables([_GIVEN.empty_table(), *chain.from_iterable(plan.given.values())])
    is_given = pc.is_in(raw["position"], given["position"])
    lost: list[Any] = raw["position"].filter(pc.invert(is_given)).to_pylist()
    refused: list[dict[str, Any]] = given.filter(pc.field("reason") != "").to_pylist()
    held = given["position"].filter(pc.is_null(given["reason"]))
    stored = set(held.to_pylist()) if refused else set()
    return [
        *(Refused(**one, is_part=one["position"] in stored) for one in refused),
        *(Refused(one, failed.get(one, "the SELECT gives no row for it")) for one in lost),
    ]


def _map(plan: Plan, raw: pa.Table, files: Staged) -> Counter[str]:
    """Write what the SELECT makes of rows, and count it by table."""
    plan.connection.register("raw", raw)
    plan.given.clear()
    tables, written = list(plan.selects), dict[str, list[Path]]()
    if plan.mapped:
        plan.connection.execute(f"CREATE OR REPLACE TEMP TABLE mapped AS {plan.mapped}")
        there = plan.connection.execute("SELECT DISTINCT goes_to FROM mapped").fetchall()
        tables = [table for table in tables if (table,) in there]
    counts = Counter[str]()
    try:
        for table in tables:
            plan.given[table] = []
            counts[table] = write(plan, table, plan.selects[table], written.setdefault(table, []))
    except BaseException:
        discard(chain.from_iterable(written.values()))
        raise
    for table in written:
        files[table] += written[table]
    return +counts


def _failing(plan: Plan, raw: pa.Table) -> dict[int, str]:
    """Find by halving the positions of the rows that the SELECT fails on, and why."""
    scratch = defaultdict[str, list[Path]](list)
    try:
        _map(plan, raw, scratch)
    except _BAD_DATA as error:
        if len(raw) == 1:
            reason = MAPPING_FAILS + str(error).partition(":")[0]
            return {raw["position"][0].as_py(): reason}
        half = len(raw) // 2
        return _failing(plan, raw[:half]) | _failing(plan, raw[half:])
    discard(chain.from_iterable(scratch.values()))
    return {}


def write(plan: Plan, table: str, rows: str, files: list[Path]) -> int:
    """Write rows, if there are any, as one sorted Parquet file for the table, and count them."""
    columns = ", ".join(map(quoted, schema.duckdb_columns(table)))
    order = ", ".join(map(quoted, schema.sort_order(table)))
    files.append(plan.lake.staging(table) / f"{uuid.uuid4()}.parquet")
    count = 0
    try:
        ((count,),) = plan.connection.execute(
            f"COPY (SELECT {columns} {rows} ORDER BY {order}) "
            f"TO {literal(str(files[-1]))} ({plan.lake.copy_options(table)})"
        ).fetchall()
    except duckdb.IOException as error:
        told = str(error).partition(":")[2].strip().splitlines()[0]
        raise LakeError(f"The lake {plan.lake.path} takes no rows of {table}: {told}.") from error
    finally:
        if not count:
            files.pop().unlink(missing_ok=True)
    return int(count)


def discard(files: Iterable[Path]) -> None:
    """Remove staged files that are not to be committed."""
    for file in files:
        file.unlink(missing_ok=True)
