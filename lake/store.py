"""The lake on disk: open, append, snapshot. The only file that knows pyiceberg.

A lake is a folder with an SQLite catalog and below it one Iceberg table a class, made by its first
append. Rows are seen once the commit of their snapshot is through and not before: a Parquet file
that a killed writer left behind belongs to no snapshot, so no query ever reads it.
"""

from __future__ import annotations

import sqlite3
import time
import uuid
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import (
    CommitFailedException,
    NoSuchTableError,
    TableAlreadyExistsError,
)
from pyiceberg.expressions import BooleanExpression, EqualTo, Not
from pyiceberg.io.pyarrow import (
    DataFileStatistics,
    _pyarrow_to_schema_without_ids,
    compute_statistics_plan,
    data_file_statistics_from_parquet_metadata,
    parquet_path_to_id_mapping,
)
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema, assign_fresh_schema_ids
from pyiceberg.table import Table, Transaction
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.sorting import SortField, SortOrder
from pyiceberg.transforms import DayTransform, IdentityTransform
from sqlalchemy import URL
from sqlalchemy.exc import SQLAlchemyError

from lake import schema
from lake.ask import Relation, View, literal, quoted
from lake.errors import LakeError

BATCH_ID = "inquest.batch-id"  # several are one a line

_CATALOG = "catalog.sqlite"
_NAMESPACE = "inquest"
_ATTEMPTS = 50
_PROPERTIES = {
    "commit.retry.num-retries": "0",  # we retry ourselves, to look for the batch id in between
    "write.metadata.delete-after-commit.enabled": "true",  # each is as long as the history
    "write.metadata.previous-versions-max": "10",
    "write.metadata.metrics.default": "counts",
    "write.metadata.metrics.column.time": "full",
    "write.metadata.metrics.column.ingested_at": "full",
}


class Lake:
    """An open lake: append rows, take snapshots, look at them. Close it, or use `with`."""

    def __init__(self, path: Path, catalog: SqlCatalog) -> None:
        self.path = path
        self._catalog = catalog
        self._relations: dict[tuple[str, int], Relation] = {}
        self._targets: dict[str, Table] = {}

    @classmethod
    def open(cls, uri: str | Path) -> Self:
        """Open the lake in a folder; LakeError if there is none, or if the folder was moved."""
        path = _folder(uri)
        if not path.exists():
            raise LakeError(f"There is no lake at {path}: `inquest ingest` makes one.")
        if not (path / _CATALOG).is_file():
            raise LakeError(f"{path} is no lake: it has no {_CATALOG}.")
        born_at = _birthplace(path)
        if born_at != path:
            raise LakeError(
                f"The lake at {path} was made at {born_at}, and Iceberg holds absolute paths: move "
                f"it back to {born_at}, or ingest again into a new folder."
            )
        return cls(path, _catalog(path))

    @classmethod
    def create(cls, uri: str | Path) -> Self:
        """Make a lake in a new or empty folder, or open the one that is there."""
        path = _folder(uri)
        if (path / _CATALOG).is_file():
            _await_birth(path)
            return cls.open(path)
        if path.exists() and not path.is_dir():
            raise LakeError(f"{path} is a file, and a lake is a folder.")
        if path.exists() and any(path.iterdir()):
            raise LakeError(f"{path} is not empty and no lake: name a new or an empty folder.")
        try:
            path.mkdir(parents=True, exist_ok=True)
            catalog = _catalog(path)
            catalog.create_namespace(_NAMESPACE, {"location": str(path)})
        except (OSError, SQLAlchemyError) as error:
            raise LakeError(f"No lake can be made at {path}: {_reason(error)}.") from error
        return cls(path, catalog)

    def close(self) -> None:
        """Let go of the catalog."""
        self._catalog.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def append(self, table: str, rows: pa.Table, batch_id: str) -> int | None:
        """Add rows as one snapshot and return its id; None if there were no rows to add.

        Columns are matched by name at every depth and cast to the table's types; those not given
        are NULL, unknown ones a LakeError. Rows are sorted and split by UTC day. A batch id that
        is there already adds nothing.
        """
        try:
            iceberg = self._made(table)
            if batch_id not in _batches(iceberg):
                with _database().cursor() as connection:
                    connection.register("rows", rows)
                    files = _write_by_day(connection, table, iceberg, _shaped(table, rows.schema))
                _commit(table, iceberg, {batch_id: files})
        except (OSError, SQLAlchemyError) as error:
            raise LakeError(
                f"The lake {self.path} takes no rows of {table}: {_reason(error)}."
            ) from error
        return _batches(iceberg).get(batch_id)

    def add_files(self, table: str, batches: Mapping[str, Sequence[Path]]) -> None:
        """Commit Parquet files in `staging`, by batch id, as one snapshot; none without rows.

        They are written with `copy_options`. A file that holds more than one UTC day is replaced by
        one for each. A batch id that is there already adds nothing; files that several batches
        share have their ids, one a line, and a LakeError says if only some of these are there.
        """
        _commit(table, self._made(table), batches)

    def rows(self, table: str, column: str, value: str) -> pa.Table:
        """Read the rows of a table that have a value in a column; as many as there are."""
        if self._load(table) is None:
            return schema.arrow_schema(table).empty_table()
        iceberg = self._made(table)
        return iceberg.scan(row_filter=_equal(column, value)).to_arrow()

    def replace(self, table: str, column: str, value: str, rows: pa.Table) -> None:
        """Let `rows` stand for those that have a value in a column, as one snapshot.

        The snapshots before keep theirs. Raises LakeError if another writer was first.
        """
        iceberg = self._made(table)
        replaced = [task.file for task in iceberg.scan().plan_files()]
        others = iceberg.scan(row_filter=Not(_equal(column, value))).to_arrow()
        with _database().cursor() as connection:
            connection.register("rows", pa.concat_tables([others, rows.cast(others.schema)]))
            files = _write_by_day(connection, table, iceberg, _shaped(table, others.schema))
        try:
            with (
                _Transaction(iceberg) as transaction,
                transaction.update_snapshot().overwrite() as overwrite,
            ):
                for old in replaced:
                    overwrite.delete_data_file(old)
                for new in files:
                    for made in _data_files(table, iceberg, new):
                        overwrite.append_data_file(made)
        except CommitFailedException as error:
            for new in files:
                new.unlink(missing_ok=True)
            raise LakeError(f"Another writer of {table} was first: try again.") from error

    def batches(self, table: str) -> frozenset[str]:
        """Name the batches that are in a table."""
        iceberg = self._load(table)
        return frozenset(_batches(iceberg) if iceberg else ())

    def staging(self, table: str) -> Path:
        """Give the folder where a writer puts Parquet files for `add_files`."""
        return _data_folder(self._target(table))

    def copy_options(self, table: str) -> str:
        """Spell what DuckDB's `COPY ... TO ... (...)` needs to write a file for `add_files`."""
        return _copy_options(table, self._target(table).schema())

    def snapshots(self) -> dict[str, int]:
        """Name the current snapshot of every table that has rows."""
        return _ids(self._current())

    def at(self, snapshots: Mapping[str, int] | None = None, threads: int | None = None) -> View:
        """Look at the lake as it was at these snapshots, by default as it is now.

        A table that is not among them has no rows in the view. `threads` is how many DuckDB uses.
        """
        loaded = self._current() if snapshots is None else {}
        pinned = _ids(loaded) if snapshots is None else snapshots
        relations = {
            name: self._relation(name, at, loaded.get(name)) for name, at in pinned.items()
        }
        return View(pinned, relations, threads)

    def _current(self) -> dict[str, Table]:
        """Load every table that there is, as it is now."""
        there = [name for _, name in self._catalog.list_tables(_NAMESPACE)]
        loaded = {name: self._load(name) for name in schema.tables() if name in there}
        return {name: table for name, table in loaded.items() if table}

    def _relation(self, name: str, snapshot: int, loaded: Table | None = None) -> Relation:
        """Resolve a table at a snapshot to data files, once: a snapshot never changes."""
        if (name, snapshot) not in self._relations:
            table = loaded or self._load(name)
            if table is None or table.metadata.snapshot_by_id(snapshot) is None:
                raise LakeError(f"The lake {self.path} has no snapshot {snapshot} of {name}.")
            tasks = table.scan(snapshot_id=snapshot).plan_files()
            files = tuple(sorted(task.file.file_path for task in tasks))
            gone = [file for file in files if not Path(file.removeprefix("file://")).exists()]
            if gone:
                raise LakeError(f"A data file of {name} is gone from the lake: {gone[0]}.")
            self._relations[name, snapshot] = Relation(
                files=files,
                field_ids={field.name: field.field_id for field in table.schema().fields},
            )
        return self._relations[name, snapshot]

    def _target(self, name: str) -> Table:
        """Look up once where a table lies and what shape it has; its snapshots may be outdated."""
        if name not in self._targets:
            self._targets[name] = self._made(name)
        return self._targets[name]

    def _made(self, name: str) -> Table:
        """Load a table, making it first or giving it the columns that it lacks."""
        table = self._load(name) or self._make(name)
        if not set(schema.paths(name)) <= set(table.schema().column_names):
            with table.update_schema() as update:
                update.union_by_name(schema.arrow_schema(name))
        return table

    def _make(self, name: str) -> Table:
        shape = assign_fresh_schema_ids(_pyarrow_to_schema_without_ids(schema.arrow_schema(name)))
        day, *by = (
            shape.find_field(column).field_id
            for column in (schema.partition_column(name), *schema.sort_order(name))
        )
        day_of = f"{schema.partition_column(name)}_day"
        with suppress(TableAlreadyExistsError):  # another writer was first
            self._catalog.create_table(
                (_NAMESPACE, name),
                shape,
                partition_spec=PartitionSpec(PartitionField(day, 1000, DayTransform(), day_of)),
                sort_order=SortOrder(*(SortField(one, IdentityTransform()) for one in by)),
                properties=_PROPERTIES,
            )
        return self._catalog.load_table((_NAMESPACE, name))

    def _load(self, name: str) -> Table | None:
        if name not in schema.tables():
            raise LakeError(schema.no_table(name))
        try:
            return self._catalog.load_table((_NAMESPACE, name))
        except NoSuchTableError:
            return None
        except (OSError, ValueError, SQLAlchemyError) as error:
            raise LakeError(
                f"The table {name} of the lake {self.path} cannot be read: {_reason(error)}."
            ) from error


def _ids(tables: Mapping[str, Table]) -> dict[str, int]:
    """The current snapshot of each table that has rows."""
    ids = {name: table.metadata.current_snapshot_id for name, table in tables.items()}
    return {name: snapshot for name, snapshot in ids.items() if snapshot is not None}


def _equal(column: str, value: str) -> BooleanExpression:
    return EqualTo(column, value)  # type: ignore[call-arg, arg-type]  # its types are its fields'


def _folder(uri: str | Path) -> Path:
    if "://" in str(uri):
        raise LakeError(f"{uri} is no folder of this machine, and a lake is one.")
    return Path(uri).expanduser().resolve()


def _await_birth(path: Path) -> None:
    """Wait while another process makes the lake, at most some seconds."""
    for _ in range(_ATTEMPTS):
        with suppress(LakeError):
            _birthplace(path)
            return
        time.sleep(0.1)


def _birthplace(path: Path) -> Path:
    """Read where the lake was made, before pyiceberg trusts the paths in its catalog."""
    try:
        with closing(sqlite3.connect(path / _CATALOG)) as database:
            rows = database.execute(
                "SELECT property_value FROM iceberg_namespace_properties "
                "WHERE namespace = ? AND property_key = 'location'",
                (_NAMESPACE,),
            ).fetchall()
        if not rows:
            raise sqlite3.DatabaseError("it names no lake")
    except sqlite3.Error as error:
        raise LakeError(
            f"{path / _CATALOG} is no readable catalog ({_reason(error)}): restore it, or ingest "
            "again into a new folder."
        ) from error
    return Path(rows[0][0])


def _catalog(path: Path) -> SqlCatalog:
    uri = URL.create("sqlite", database=str(path / _CATALOG)).render_as_string()
    return SqlCatalog(_NAMESPACE, uri=uri)


def _reason(error: BaseException) -> str:
    """Take the first line of what an error says."""
    return (str(error) or type(error).__name__).splitlines()[0].rstrip(".")


class _Transaction(Transaction):
    """Looks at the metadata without copying them all each time, which is half of a commit."""

    @property
    def table_metadata(self) -> TableMetadata:
        return super().table_metadata if self._updates else self._table.metadata


@cache
def _database() -> duckdb.DuckDBPyConnection:
    """Open the DuckDB that writes files; to open one for each would cost as much as a commit."""
    database = duckdb.connect()
    database.execute("SET GLOBAL TimeZone = 'UTC'")
    return database


def _batches(table: Table) -> dict[str, int]:
    """Give the snapshot that each batch was committed in."""
    return {
        batch_id: snapshot.snapshot_id
        for snapshot in table.metadata.snapshots
        if snapshot.summary
        for batch_id in (snapshot.summary[BATCH_ID] or "").splitlines()
    }


def _commit(name: str, table: Table, batches: Mapping[str, Sequence[Path]]) -> None:
    """Add files as one snapshot, looking again for the batches if another writer was first."""
    described = {
        batch_id: [made for file in files for made in _data_files(name, table, file)]
        for batch_id, files in batches.items()
    }
    for attempt in range(_ATTEMPTS):
        there = _batches(table)
        new = {
            ids: files for ids, files in described.items() if files and _is_new(name, ids, there)
        }
        if not new:
            return
        with suppress(CommitFailedException):
            _commit_once(table, new)
            kept = {one.file_path for files in new.values() for one in files}
            for replaced in {str(file) for batch_id in new for file in batches[batch_id]} - kept:
                Path(replaced).unlink()
            return
        time.sleep(0.01 * attempt)
        table.refresh()
    raise LakeError(f"Other writers of {name} were first {_ATTEMPTS} times: try again.")


def _is_new(name: str, ids: str, there: Container[str]) -> bool:
    found = {one in there for one in ids.splitlines()}
    if len(found) > 1:
        raise LakeError(f"Another writer of {name} was first with some of the files: try again.")
    return found == {False}


def _commit_once(table: Table, batches: Mapping[str, Iterable[DataFile]]) -> None:
    with (
        _Transaction(table) as transaction,
        transaction.update_snapshot({BATCH_ID: "\n".join(batches)}).fast_append() as append,
    ):
        for files in batches.values():
            for data_file in files:
                append.append_data_file(data_file)


def _data_files(name: str, table: Table, path: Path) -> Iterator[DataFile]:
    """Describe a Parquet file to Iceberg, as several if it has to be split by day."""
    if not path.is_relative_to(_data_folder(table)):
        raise LakeError(f"{path} is not in {_data_folder(table)}, where {name} keeps its files.")
    footer = pq.read_metadata(path)
    if not footer.num_rows:
        return
    _check_shape(name, table, path, footer)
    statistics = data_file_statistics_from_parquet_metadata(
        footer,
        compute_statistics_plan(table.schema(), table.properties),
        parquet_path_to_id_mapping(table.schema()),
    )
    if _is_one_day(name, table, path, statistics):
        yield _data_file(table, path, statistics)
        return
    with _database().cursor() as connection:
        source = f"read_parquet({literal(str(path))})"
        for part in _write_by_day(connection, name, table, source):
            yield from _data_files(name, table, part)


def _data_file(table: Table, path: Path, statistics: DataFileStatistics) -> DataFile:
    return DataFile.from_args(
        content=DataFileContent.DATA,
        file_path=str(path),
        file_format=FileFormat.PARQUET,
        partition=statistics.partition(table.spec(), table.schema()),
        file_size_in_bytes=path.stat().st_size,
        sort_order_id=None,
        spec_id=table.spec().spec_id,
        equality_ids=None,
        key_metadata=None,
        **statistics.to_serialized_dict(),
    )


def _check_shape(name: str, table: Table, path: Path, footer: pq.FileMetaData) -> None:
    """Refuse a file that is not in the table's shape; without field ids it would read as NULL."""
    fields = list(footer.schema.to_arrow_schema())
    ids = {field.name: int((field.metadata or {}).get(b"PARQUET:field_id", -1)) for field in fields}
    if ids != {field.name: field.field_id for field in table.schema().fields}:
        raise LakeError(f"{path} lacks the columns or field ids of {name}: use its copy_options.")
    types = {field.name: schema.duckdb_type(field.type) for field in fields}
    for column, kind in schema.duckdb_columns(name).items():
        if types[column] != kind:
            raise LakeError(f"{path} has {column} as {types[column]}, and {name} as {kind}.")


def _is_one_day(name: str, table: Table, path: Path, statistics: DataFileStatistics) -> bool:
    for column in schema.REQUIRED & set(schema.paths(name)):
        if statistics.null_value_counts[table.schema().find_field(column).field_id]:
            raise LakeError(f"{path} has rows without {column}, which {name} requires.")
    day = table.schema().find_field(schema.partition_column(name)).field_id
    extent = statistics.column_aggregates[day]
    return bool(extent.current_min.date() == extent.current_max.date())


def _shaped(name: str, given: pa.Schema) -> str:
    """Project the relation `rows` into the table's shape."""
    unknown = schema.leaves(given) - set(schema.paths(name))
    if unknown:
        raise LakeError(f"The table {name} has no column {', '.join(sorted(unknown))}.")
    columns = (
        f"CAST({quoted(column) if column in given.names else 'NULL'} AS {kind}) AS {quoted(column)}"
        for column, kind in schema.duckdb_columns(name).items()
    )
    return f"(SELECT {', '.join(columns)} FROM rows)"


def _write_by_day(
    connection: duckdb.DuckDBPyConnection, name: str, table: Table, source: str
) -> list[Path]:
    """Write a relation as sorted Parquet files in the table's data folder, one for each UTC day."""
    column = schema.partition_column(name)
    day_of = f"make_timestamp(epoch_us({column}))::DATE"  # a cast of TIMESTAMPTZ asks a calendar
    order = ", ".join(map(quoted, schema.sort_order(name)))
    options = _copy_options(name, table.schema())
    files = []
    try:
        days = connection.execute(f"SELECT DISTINCT {day_of} FROM {source}").fetchall()
        if (None,) in days:
            raise LakeError(f"There are rows without {column}, which {name} requires.")
        for (day,) in sorted(days):
            files.append(_data_folder(table) / f"{uuid.uuid4()}.parquet")
            connection.execute(
                f"COPY (SELECT * FROM {source} WHERE {day_of} = {literal(day)} "
                f"ORDER BY {order}) TO {literal(str(files[-1]))} ({options})"
            )
    except duckdb.Error as error:
        raise LakeError(f"The rows cannot be written to {name}: {_reason(error)}.") from error
    return files


def _data_folder(table: Table) -> Path:
    folder = Path(table.location()) / "data"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _copy_options(name: str, iceberg: Schema) -> str:
    ids = _field_ids(schema.arrow_schema(name), iceberg)
    return f"FORMAT parquet, COMPRESSION zstd, FIELD_IDS {{{ids}}}"


def _field_ids(fields: Iterable[pa.Field[pa.DataType]], iceberg: Schema, prefix: str = "") -> str:
    """Spell field ids as DuckDB does: `"a": 1, "b": {__duckdb_field_id: 2, "c": 3}`."""
    spelt = []
    for field in fields:
        path = prefix + field.name
        own = iceberg.find_field(path).field_id
        nested = ""
        if isinstance(field.type, pa.StructType):
            nested = _field_ids(field.type, iceberg, f"{path}.")
        elif isinstance(field.type, pa.ListType):
            nested = f"element: {iceberg.find_field(f'{path}.element').field_id}"
        ids = f"{{__duckdb_field_id: {own}, {nested}}}" if nested else str(own)
        spelt.append(f"{quoted(field.name)}: {ids}")
    return ", ".join(spelt)
