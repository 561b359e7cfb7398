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
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any, TypeAlias

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from duckdb.func import FunctionNullHandling, PythonUDFType
from duckdb.sqltypes import BIGINT, BOOLEAN, VARCHAR

from ingest.project import projection, reason
from ingest.read.stream import RAW_CHARACTERS, Chunk
from ingest.source import Source, connect, family, load
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
    """A source made ready to run: `select` maps `raw` and gives what can be stored.

    `given` is filled on the way with (position, reason) of every row, a reason being why it cannot.
    """

    lake: Lake
    connection: duckdb.DuckDBPyConnection
    source: Source
    now: datetime
    select: str
    given: list[pa.Table]


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
        plan = _plan(lake, connection, found)
        for group in _grouped(files):
            _take(plan, group, progress)
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


def ingest_all(
    lake: Lake,
    name: str,
    paths: Sequence[Path],
    sources_dir: Path | None = None,
    progress: Progress | None = None,
) -> list[Summary]:
    """Read files of a source, or of a family of sources, into the lake: one summary a source.

    Each of a family's files, and of the files under its folders, is read by the source that takes
    its name; the last summary has a note on each that none takes. Raises InquestError as `ingest`
    does, where there is nothing to take, and for a file that two sources take.
    """
    sources = load(sources_dir)
    takers = family(name, sources)
    if name in sources or not takers:
        return [ingest(lake, name, paths, sources_dir, progress)]
    dealt, left_out = _dealt(takers, paths)
    if not dealt:
        patterns = ", ".join(pattern for one in takers for pattern in one.files)
        where = " or ".join(map(str, paths))
        raise InquestError(f"There is no file of {name} at {where}: its sources take {patterns}.")
    summaries = [ingest(lake, one, files, sources_dir, progress) for one, files in dealt.items()]
    notes = tuple(f"{path} was skipped: no source of {name} takes it." for path in left_out)
    return [*summaries, Summary("", (), 0, {}, {}, notes, 0.0)] if notes else summaries


def _dealt(
    takers: Iterable[Source], paths: Iterable[Path]
) -> tuple[dict[str, list[Path]], list[Path]]:
    """The files that each source takes, by its name, and those that none does."""
    dealt, left_out = defaultdict[str, list[Path]](list), list[Path]()
    for file in chain.from_iterable(map(_files, paths)):
        names = [one.name for one in takers if one.takes(file)]
        if len(names) > 1:
            raise InquestError(
                f"{file} is a file of {' and of '.join(names)}: let `-- files:` tell them apart."
            )
        (dealt[names[0]] if names else left_out).append(file)
    return dealt, left_out


def _files(path: Path) -> list[Path]:
    """The files under a folder; a file is itself."""
    return sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]


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


def _plan(lake: Lake, connection: duckdb.DuckDBPyConnection, source: Source) -> _Plan:
    """Bind the SELECT, with a filter on top that remembers what it lets through and what not.

    So a chunk is mapped, checked, sorted and written by one query, and nothing is held in between.
    """
    now, rows = datetime.now(UTC), list[pa.Table]()

    def stored(position: Any, reason: Any) -> Any:  # Arrow arrays
        rows.append(pa.table([position, reason], schema=_REFUSED))
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
    relation = connection.sql(source.sql)
    given = dict(zip(relation.columns, relation.types, strict=True))
    defaults = {"ingested_at": literal(now), "metadata.log_name": literal(source.name)}
    select = f"""
        FROM (SELECT {projection(source.table, given, defaults)} FROM (\n{source.sql}\n))
        WHERE stored(position, {reason(source.table, given)})"""
    return _Plan(lake, connection, source, now, select, rows)


def _take(plan: _Plan, group: Sequence[_File], progress: Progress | None) -> None:
    """Stage files and commit them; the quarantine first, so that a killed run can be repeated."""
    there, aside = set(plan.lake.batches(plan.source.table)), plan.lake.batches(_QUARANTINE)
    try:
        for file in group:
            if file.batch_id in there:
                file.skip()
                continue
            there.add(file.batch_id)
            _stage(plan, file, progress)
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
    plan.lake.add_files(_QUARANTINE, {file.batch_id: file.aside for file in group if file.aside})
    plan.lake.add_files(
        plan.source.table, {file.batch_id: file.staged for file in group if file.staged}
    )


def _discard(files: Iterable[Path]) -> None:
    for file in files:
        file.unlink(missing_ok=True)


def _stage(plan: _Plan, file: _File, progress: Progress | None) -> None:
    """Write a file's records as Parquet, chunk by chunk, so that memory stays bounded."""
    for chunk in plan.source.reader.read(file.path, plan.now):
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


def _map(plan: _Plan, raw: pa.Table, files: list[Path]) -> int:
    """Write what the SELECT makes of rows, and count it."""
    plan.connection.register("raw", raw)
    plan.given.clear()
    return _write(plan, plan.source.table, plan.select, files)


def _failing(plan: _Plan, raw: pa.Table) -> dict[int, str]:
    """Find by halving the positions of the rows that the SELECT fails on, and why."""
    scratch: list[Path] = []
    try:
        _map(plan, raw, scratch)
    except _BAD_DATA as error:
        if len(raw) == 1:
            reason = f"the mapping fails: {str(error).partition(':')[0]}"
            return {raw["position"][0].as_py(): reason}
        half = len(raw) // 2
        return _failing(plan, raw[:half]) | _failing(plan, raw[half:])
    _discard(scratch)
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
            {literal(str(file.path))} AS path, position, reason, left(raw, {RAW_CHARACTERS}) AS raw
          FROM (
            SELECT position, reason, {plan.source.reader.text} AS raw
            FROM raw JOIN refused USING (position)
            UNION ALL BY NAME FROM broken
          )
        )"""
    _write(plan, _QUARANTINE, rows, file.aside)


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
