"""Files into the lake: read, map in DuckDB, set aside what cannot be stored, write Parquet, commit.

A file is one batch, named by its source and its content: it goes in whole, and once. Small files
are committed together.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any, TypeAlias

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from duckdb.func import FunctionNullHandling, PythonUDFType
from duckdb.sqltypes import BIGINT, BOOLEAN, VARCHAR

from ingest.project import Given, projection, reason
from ingest.read.stream import RAW_CHARACTERS, Chunk
from ingest.source import Source, connect, load
from lake import schema
from lake.ask import literal, quoted
from lake.errors import InquestError
from lake.store import Lake

Progress: TypeAlias = Callable[[Path, int, int], None]

COMMIT_BYTES = 16 << 20

_QUARANTINE = "quarantine"
_BAD_DATA = (duckdb.DataError, duckdb.InvalidInputException)
_FIELDS: dict[str, pa.DataType] = {
    "position": pa.int64(),
    "reason": pa.string(),
    "raw": pa.string(),
}
_BROKEN = pa.schema(_FIELDS)
_REFUSED = _BROKEN.remove(2)


@dataclass(frozen=True)
class Summary:
    """What came of some files of one source: every record found was mapped or quarantined.

    `quarantined` counts by reason, `classes` by table; `notes` are sentences about files that gave
    nothing, and `guesses` say why a file whose source was not told is held to be of this one.
    """

    source: str
    files: tuple[Path, ...]
    mapped: int
    quarantined: Mapping[str, int]
    classes: Mapping[str, int]
    notes: tuple[str, ...]
    seconds: float
    guesses: Mapping[str, str] = field(default_factory=dict)

    @property
    def read(self) -> int:
        """How many records were found."""
        return self.mapped + sum(self.quarantined.values())


@dataclass(frozen=True)
class _Plan:
    """A source made ready to run: `selects` map `raw` and give what each table can store.

    They read `mapped`, which is run once before them, where there are several tables.
    `given` is filled on the way with (position, reason) of every row, a reason being why it cannot.
    """

    lake: Lake
    connection: duckdb.DuckDBPyConnection
    source: Source
    now: datetime
    mapped: str
    selects: Mapping[str, str]
    given: list[pa.Table]


@dataclass
class _File:
    """A file, its batch, and what it gave: Parquet files that wait for their commit, and counts."""

    path: Path
    shown: str
    batch_id: str
    size: int
    mapped: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    staged: dict[str, list[Path]] = field(default_factory=lambda: defaultdict(list))
    note: str = ""

    def skip(self) -> None:
        """Say that the file is in the lake already."""
        self.reasons.clear()
        self.note = f"{self.shown} holds what was ingested before: nothing changed."


def ingest(
    lake: Lake,
    source: str,
    paths: Sequence[Path],
    sources_dir: Path | None = None,
    progress: Progress | None = None,
    shown: Mapping[Path, str] | None = None,
    guesses: Mapping[Path, str] | None = None,
) -> Summary:
    """Read files of a source into the lake; a file that is in it already changes nothing.

    `progress` is called with the file, the bytes read of it and its size; `shown` is what a file is
    called that is not where a person put it, and `guesses` why it is held to be of this source.
    Raises InquestError for an unknown source, a faulty source file, and a file that is not there or
    cannot be read.
    """
    sources = load(sources_dir)
    if source not in sources:
        raise InquestError(f"There is no source {source}: `inquest sources list` names them.")
    started, found, names = time.monotonic(), sources[source], shown or {}
    files = [_file(source, path, names.get(path, str(path))) for path in paths]
    with connect(found.folder) as connection:
        plan = _plan(lake, connection, found)
        for group in _grouped(files):
            _take(plan, group, progress)
    classes = sum((file.mapped for file in files), Counter[str]())
    return Summary(
        source=source,
        files=tuple(paths),
        mapped=classes.total(),
        quarantined=dict(sum((file.reasons for file in files), Counter[str]()).most_common()),
        classes=dict(classes.most_common()),
        notes=tuple(file.note for file in files if file.note),
        seconds=time.monotonic() - started,
        guesses={names.get(path, str(path)): why for path, why in (guesses or {}).items()},
    )


def _file(source: str, path: Path, shown: str) -> _File:
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            return _File(path, shown, f"{source}:{digest}", file.tell())
    except OSError as error:
        raise InquestError(f"{path} cannot be read: {error.strerror}.") from error


def _grouped(files: Iterable[_File]) -> Iterator[list[_File]]:
    """Put small files together: a commit costs as much as mapping megabytes."""
    group: list[_File] = []
    for file in files:
        group.append(file)
        if sum(one.size for one in group) >= COMMIT_BYTES:
            yield group
            group = []
    if group:
        yield group


def _plan(lake: Lake, connection: duckdb.DuckDBPyConnection, source: Source) -> _Plan:
    """Bind the SELECT, with a filter on top that remembers what it lets through and what not.

    So a chunk of a source of one class is mapped, checked, sorted and written by one query, and
    nothing is held in between; one of several is mapped once, then written table by table.
    """
    now, refused = datetime.now(UTC), list[pa.Table]()

    def stored(position: Any, reason: Any) -> Any:  # Arrow arrays
        refused.append(pa.table([position, reason], schema=_REFUSED))
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
        table: f"FROM (SELECT {projection(table, given, defaults)} FROM {rows[table]}) "
        f"WHERE stored(position, {reason(table, given)})"
        for table in source.tables
    }
    return _Plan(lake, connection, source, now, mapped, selects, refused)


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


def _take(plan: _Plan, group: Sequence[_File], progress: Progress | None) -> None:
    """Stage files and commit them; the quarantine first, so that a killed run can be repeated."""
    there, aside = _there(plan), plan.lake.batches(_QUARANTINE)
    try:
        for file in group:
            if file.batch_id in there and not there[file.batch_id].lacking:
                file.skip()
                continue
            _stage(plan, file, progress)
            for table in there.pop(file.batch_id, _NOWHERE).tables:
                _discard(file.staged.pop(table, []))
            there[file.batch_id] = _Landed(frozenset(file.mapped), frozenset())
            if file.batch_id in aside:
                _discard(file.staged.pop(_QUARANTINE, []))
            if file.batch_id in aside and not file.mapped:
                file.skip()
            elif not file.mapped and not file.reasons:
                file.note = f"{file.shown} holds no records."
    except BaseException:
        for file in group:
            _discard(chain.from_iterable(file.staged.values()))
        raise
    for table in (_QUARANTINE, *plan.source.tables):
        staged = {_batch(file, table): file.staged.get(table, []) for file in group}
        if batches := {batch_id: files for batch_id, files in staged.items() if files}:
            plan.lake.add_files(table, batches)


@dataclass(frozen=True)
class _Landed:
    """Where a batch is, and where it still lacks because its run was killed between two commits."""

    tables: frozenset[str]
    lacking: frozenset[str]


_NOWHERE = _Landed(frozenset(), frozenset())


def _batch(file: _File, table: str) -> str:
    """The batch id of a file in a table; of several tables, it names them all."""
    if table == _QUARANTINE or len(file.mapped) == 1:
        return file.batch_id
    return f"{file.batch_id}:{'+'.join(sorted(file.mapped))}"


def _there(plan: _Plan) -> dict[str, _Landed]:
    """What is in the lake of a source's batches, by the id of their file."""
    tables, named = defaultdict[str, set[str]](set), defaultdict[str, set[str]](set)
    for table in plan.source.tables:
        for batch_id in plan.lake.batches(table):
            *file, others = batch_id.split(":") if batch_id.count(":") > 1 else (batch_id, "")
            tables[":".join(file)].add(table)
            named[":".join(file)] |= set(filter(None, others.split("+")))
    return {
        file: _Landed(frozenset(tables[file]), frozenset(named[file] - tables[file]))
        for file in tables
    }


def _discard(files: Iterable[Path]) -> None:
    for file in files:
        file.unlink(missing_ok=True)


def _stage(plan: _Plan, file: _File, progress: Progress | None) -> None:
    """Write a file's records as Parquet, chunk by chunk, so that memory stays bounded."""
    for chunk in plan.source.reader.read(file.path, plan.now):
        if file.shown != str(file.path):
            chunk = replace(chunk, raw=_renamed(chunk.raw, file.shown))
        try:
            failed: dict[int, str] = {}
            count = _map(plan, chunk.raw, file.staged)
        except _BAD_DATA:
            failed = _failing(plan, chunk.raw)
            is_failing = pc.is_in(chunk.raw["position"], pa.array(list(failed), pa.int64()))
            count = _map(plan, chunk.raw.filter(pc.invert(is_failing)), file.staged)
        file.mapped += count
        _set_aside(plan, file, chunk, failed)
        if progress:
            progress(file.path, chunk.consumed, file.size)


def _renamed(raw: pa.Table, shown: str) -> pa.Table:
    at = raw.schema.get_field_index("path")
    return raw.set_column(at, "path", pa.repeat(shown, len(raw))) if at >= 0 else raw


def _map(plan: _Plan, raw: pa.Table, files: dict[str, list[Path]]) -> Counter[str]:
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
            counts[table] = _write(plan, table, plan.selects[table], written.setdefault(table, []))
    except BaseException:
        _discard(chain.from_iterable(written.values()))
        raise
    for table in written:
        files[table] += written[table]
    return +counts


def _failing(plan: _Plan, raw: pa.Table) -> dict[int, str]:
    """Find by halving the positions of the rows that the SELECT fails on, and why."""
    scratch = defaultdict[str, list[Path]](list)
    try:
        _map(plan, raw, scratch)
    except _BAD_DATA as error:
        if len(raw) == 1:
            reason = f"the mapping fails: {str(error).partition(':')[0]}"
            return {raw["position"][0].as_py(): reason}
        half = len(raw) // 2
        return _failing(plan, raw[:half]) | _failing(plan, raw[half:])
    _discard(chain.from_iterable(scratch.values()))
    return {}


def _set_aside(plan: _Plan, file: _File, chunk: Chunk, failed: Mapping[int, str]) -> None:
    """Write what cannot be stored, with its reason, and what the SELECT lost."""
    given = pa.concat_tables([_REFUSED.empty_table(), *plan.given])
    is_given = pc.is_in(chunk.raw["position"], given["position"])
    lost: list[Any] = chunk.raw["position"].filter(pc.invert(is_given)).to_pylist()
    refused: list[dict[str, Any]] = given.filter(pc.field("reason") != "").to_pylist()
    refused += [
        {"position": one, "reason": failed.get(one, "the SELECT gives no row for it")}
        for one in lost
    ]
    broken = [one._asdict() for one in chunk.broken]
    if not refused and not broken:
        return
    file.reasons.update(one["reason"] for one in refused + broken)
    plan.connection.register("raw", chunk.raw)
    plan.connection.register("refused", pa.Table.from_pylist(refused, _REFUSED))
    plan.connection.register("broken", pa.Table.from_pylist(broken, _BROKEN))
    rows = f"""
        FROM (
          SELECT
            {literal(plan.now)} AS ingested_at, {literal(plan.source.name)} AS source,
            {literal(file.shown)} AS path, position, reason, left(raw, {RAW_CHARACTERS}) AS raw
          FROM (
            SELECT position, reason, {plan.source.reader.text} AS raw
            FROM raw JOIN refused USING (position)
            UNION ALL BY NAME FROM broken
          )
        )"""
    _write(plan, _QUARANTINE, rows, file.staged[_QUARANTINE])


def _write(plan: _Plan, table: str, rows: str, files: list[Path]) -> int:
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
    finally:
        if not count:
            files.pop().unlink(missing_ok=True)
    return int(count)
