"""Files into the lake: read, map in DuckDB, set aside what cannot be stored, write Parquet, commit.

A file is one batch, named by its source and its content: it goes in whole, and once. Small files
are committed together.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

import duckdb
import pyarrow as pa

from ingest.project import projection, reason
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
_BROKEN: dict[str, pa.DataType] = {
    "position": pa.int64(),
    "reason": pa.string(),
    "raw": pa.string(),
}


@dataclass(frozen=True)
class Summary:
    """What came of some files of one source: every record found was mapped or quarantined.

    `quarantined` counts by reason, `classes` by table; `notes` are sentences about files that gave
    nothing.
    """

    source: str
    files: tuple[Path, ...]
    mapped: int
    quarantined: Mapping[str, int]
    classes: Mapping[str, int]
    notes: tuple[str, ...]
    seconds: float

    @property
    def read(self) -> int:
        """How many records were found."""
        return self.mapped + sum(self.quarantined.values())


@dataclass(frozen=True)
class _Plan:
    """A source made ready to run: its tables are in the connection, `insert` maps `raw`."""

    connection: duckdb.DuckDBPyConnection
    source: Source
    now: datetime
    insert: str


@dataclass
class _File:
    """A file, its batch, and what it gave: Parquet files that wait for their commit, and counts."""

    path: Path
    batch_id: str
    size: int
    mapped: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    staged: list[Path] = field(default_factory=list)
    aside: list[Path] = field(default_factory=list)
    note: str = ""

    def skip(self) -> None:
        """Say that the file is in the lake already."""
        self.reasons.clear()
        self.note = f"{self.path} holds what was ingested before: nothing changed."


def ingest(
    lake: Lake,
    source: str,
    paths: Sequence[Path],
    sources_dir: Path | None = None,
    progress: Progress | None = None,
) -> Summary:
    """Read files of a source into the lake; a file that is in it already changes nothing.

    `progress` is called with the file, the bytes read of it and its size. Raises InquestError for
    an unknown source, a faulty source file, and a file that is not there or cannot be read.
    """
    sources = load(sources_dir)
    if source not in sources:
        raise InquestError(f"There is no source {source}: the sources are {', '.join(sources)}.")
    started, found = time.monotonic(), sources[source]
    files = [_file(source, path) for path in paths]
    with connect(sources_dir) as connection:
        plan = _plan(connection, found)
        for group in _grouped(files):
            _take(lake, plan, group, progress)
    mapped = sum(file.mapped for file in files)
    return Summary(
        source=source,
        files=tuple(paths),
        mapped=mapped,
        quarantined=dict(sum((file.reasons for file in files), Counter[str]()).most_common()),
        classes={found.table: mapped} if mapped else {},
        notes=tuple(file.note for file in files if file.note),
        seconds=time.monotonic() - started,
    )


def _file(source: str, path: Path) -> _File:
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            return _File(path, f"{source}:{digest}", file.tell())
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


def _plan(connection: duckdb.DuckDBPyConnection, source: Source) -> _Plan:
    """Make the tables that a chunk passes through, and the INSERT that maps it."""
    now = datetime.now(UTC)
    connection.register("raw", source.reader.empty())
    relation = connection.sql(source.sql)
    given = dict(zip(relation.columns, relation.types, strict=True))
    defaults = {"ingested_at": literal(now), "metadata.log_name": literal(source.name)}
    select = f"""
        SELECT *, {reason(source.table, given)} AS reason
        FROM (SELECT {projection(source.table, given, defaults)} FROM (\n{source.sql}\n))"""
    aside = ", ".join(f"{name} {kind}" for name, kind in schema.duckdb_columns(_QUARANTINE).items())
    connection.execute(f"CREATE TEMP TABLE mapped AS {select}")
    connection.execute(f"CREATE TEMP TABLE aside ({aside})")
    connection.execute("CREATE TEMP TABLE failed (position BIGINT, reason VARCHAR)")
    return _Plan(connection, source, now, f"INSERT INTO mapped {select}")


def _take(lake: Lake, plan: _Plan, group: Sequence[_File], progress: Progress | None) -> None:
    """Stage files and commit them; the quarantine first, so that a killed run can be repeated."""
    there, aside = set(lake.batches(plan.source.table)), lake.batches(_QUARANTINE)
    try:
        for file in group:
            if file.batch_id in there:
                file.skip()
                continue
            there.add(file.batch_id)
            _stage(lake, plan, file, progress)
            if file.batch_id in aside:
                _discard(file.aside)
                file.aside.clear()
            if file.batch_id in aside and not file.mapped:
                file.skip()
            elif not file.mapped and not file.reasons:
                file.note = f"{file.path} holds no records."
    except BaseException:
        for file in group:
            _discard(file.staged + file.aside)
        raise
    lake.add_files(_QUARANTINE, {file.batch_id: file.aside for file in group if file.aside})
    lake.add_files(plan.source.table, {file.batch_id: file.staged for file in group if file.staged})


def _discard(files: Iterable[Path]) -> None:
    for file in files:
        file.unlink(missing_ok=True)


def _stage(lake: Lake, plan: _Plan, file: _File, progress: Progress | None) -> None:
    """Write a file's records as Parquet, chunk by chunk, so that memory stays bounded."""
    connection = plan.connection
    for chunk in plan.source.reader.read(file.path, plan.now):
        for table in ("mapped", "failed", "aside"):
            connection.execute(f"TRUNCATE {table}")
        _map(plan, chunk.raw)
        _set_aside(plan, file.path, chunk)
        counts = "SELECT reason, count(*) FROM aside GROUP BY ALL"
        file.reasons.update(dict(connection.sql(counts).fetchall()))
        file.mapped += _count(connection, "mapped WHERE reason IS NULL")
        file.staged += _write(connection, lake, plan.source.table, "mapped WHERE reason IS NULL")
        file.aside += _write(connection, lake, _QUARANTINE, "aside")
        if progress:
            progress(file.path, chunk.consumed, file.size)


def _map(plan: _Plan, raw: pa.Table) -> None:
    """Run the SELECT over rows; one that it fails on is found by halving."""
    plan.connection.register("raw", raw)
    try:
        plan.connection.execute(plan.insert)
    except _BAD_DATA as error:
        if len(raw) > 1:
            half = len(raw) // 2
            _map(plan, raw[:half])
            _map(plan, raw[half:])
            return
        failed = [raw["position"][0].as_py(), f"the mapping fails: {str(error).partition(':')[0]}"]
        plan.connection.execute("INSERT INTO failed VALUES (?, ?)", failed)


def _set_aside(plan: _Plan, path: Path, chunk: Chunk) -> None:
    """Fill `aside` with what cannot be stored, with its reason, and with what the SELECT lost."""
    broken = [one._asdict() for one in chunk.broken]
    plan.connection.register("raw", chunk.raw)
    plan.connection.register("broken", pa.Table.from_pylist(broken, pa.schema(_BROKEN)))
    plan.connection.execute(f"""
        INSERT INTO aside BY NAME
        WITH lost AS (
          SELECT position, coalesce(failed.reason, 'the SELECT gives no row for it') AS reason
          FROM raw ANTI JOIN mapped USING (position) LEFT JOIN failed USING (position)
        ),
        refused AS (
          SELECT position, reason FROM mapped WHERE reason <> '' UNION ALL FROM lost
        )
        SELECT
          {literal(plan.now)} AS ingested_at, {literal(plan.source.name)} AS source,
          {literal(str(path))} AS path, position, reason, left(raw, {RAW_CHARACTERS}) AS raw
        FROM (
          SELECT position, reason, {plan.source.reader.text} AS raw
          FROM raw JOIN refused USING (position)
          UNION ALL BY NAME FROM broken
        )""")


def _count(connection: duckdb.DuckDBPyConnection, rows: str) -> int:
    ((count,),) = connection.sql(f"SELECT count(*) FROM {rows}").fetchall()
    return int(count)


def _write(connection: duckdb.DuckDBPyConnection, lake: Lake, table: str, rows: str) -> list[Path]:
    """Write `rows`, if there are any, to the table's staging folder as one sorted Parquet file."""
    if not _count(connection, rows):
        return []
    columns = ", ".join(map(quoted, schema.duckdb_columns(table)))
    order = ", ".join(map(quoted, schema.sort_order(table)))
    file = lake.staging(table) / f"{uuid.uuid4()}.parquet"
    connection.execute(
        f"COPY (SELECT {columns} FROM {rows} ORDER BY {order}) "
        f"TO {literal(str(file))} ({lake.copy_options(table)})"
    )
    return [file]
