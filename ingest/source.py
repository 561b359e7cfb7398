"""A source: one SQL file that turns the relation `raw` of a decoder into the columns of a class.

A SELECT gives `position`, `"time"` and what else the class has, OCSF's paths as structs. It never
drops a row: one that cannot be mapped has no time, or says why in `problem`; an empty `problem`
says that there was nothing to map. A time without a zone is UTC. A column that the class's table
lacks is kept in `ocsf_rest`. Without `ingested_at` it is now, without `metadata.log_name` the
source's name.

A system that leaves several kinds of files is a family: sources whose names begin with its name and
`_`, each with `-- files:`, the patterns of the file names that it takes.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import duckdb

from ingest.read import READERS, Reader
from lake import schema
from lake.errors import InquestError

SOURCES = Path(__file__).parent / "sources"

_MACROS = "macros.sql"
_HEADER = re.compile(r"^-- (name|reads|class|files): *(.*?)\s*$", re.MULTILINE)
_LINE = re.compile(r"\s*LINE (\d+):.*", re.DOTALL)


@dataclass(frozen=True)
class Source:
    """A source file that has been checked; its rows go to `table`.

    `files` are patterns of the names of the files that it takes in its family.
    """

    name: str
    table: str
    reader: Reader
    sql: str
    files: tuple[str, ...] = ()

    def takes(self, path: Path) -> bool:
        """Whether a file's name is one of those that the source takes."""
        return any(fnmatch(path.name, pattern) for pattern in self.files)


def load(folder: Path | None = None) -> dict[str, Source]:
    """Load our sources and a user's folder of them, by name.

    Raises InquestError with every fault of every file, one a line, as `file:line: fault`.
    """
    return dict(_ours()) if folder is None else _ours() | _checked(folder, taken=_ours())


def family(name: str, sources: Mapping[str, Source]) -> list[Source]:
    """The sources of a family; none if it has none."""
    return [one for one in sources.values() if one.files and one.name.startswith(f"{name}_")]


@cache
def _ours() -> dict[str, Source]:
    return _checked(SOURCES)


def _checked(folder: Path, taken: Container[str] = ()) -> dict[str, Source]:
    sources, faults = {}, []
    with connect(folder) as connection:
        for path in _files(folder):
            if path.stem in taken:
                faults.append(f"{path}:1: there is a source {path.stem}: give it another name")
                continue
            checked = _check(path, connection)
            if isinstance(checked, Source):
                sources[path.stem] = checked
            else:
                faults += checked
    if faults:
        raise InquestError("\n".join(faults))
    return sources


def connect(folder: Path | None = None) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB of its own that knows the macros, a user's too."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    for path in {SOURCES / _MACROS: None, (folder or SOURCES) / _MACROS: None}:
        if path.is_file():
            try:
                connection.execute(path.read_text("utf-8"))
            except duckdb.Error as error:
                raise InquestError(_sql_fault(path, error)) from error
    return connection


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise InquestError(f"{folder} is no folder of sources.")
    return sorted(path for path in folder.glob("*.sql") if path.name != _MACROS)


def _check(path: Path, connection: duckdb.DuckDBPyConnection) -> Source | list[str]:
    """Give the source in a file, or its faults."""
    sql = path.read_text("utf-8")
    header = dict(_HEADER.findall(sql))
    faults = [f"{path}:{line}: {fault}" for line, fault in _header_faults(path.stem, sql, header)]
    if reader := READERS.get(header.get("reads", "")):
        connection.register("raw", reader.empty())
        faults += _select_faults(path, sql, connection)
    if faults or not reader:
        return faults
    return Source(path.stem, header["class"], reader, sql, tuple(header.get("files", "").split()))


def _header_faults(stem: str, sql: str, header: dict[str, str]) -> Iterator[tuple[int, str]]:
    known = {
        "name": (stem,),
        "reads": tuple(READERS),
        "class": tuple(name for name in schema.tables() if name != "quarantine"),
    }
    for key, values in known.items():
        expected = f"expected {' or '.join(values)}"
        if key not in header:
            yield 1, f"the header lacks `-- {key}:`, {expected}"
        elif header[key] not in values:
            line = next(i for i, text in enumerate(sql.splitlines(), 1) if f"-- {key}:" in text)
            yield line, f"{key} is {header[key] or 'empty'}, {expected}"


def _select_faults(path: Path, sql: str, connection: duckdb.DuckDBPyConnection) -> list[str]:
    try:
        statements = connection.extract_statements(sql)
        if [one.type for one in statements] != [duckdb.StatementType.SELECT]:
            return [f"{path}:1: the file has to hold one SELECT"]
        columns = {row[0] for row in connection.execute(f"DESCRIBE {sql}").fetchall()}
    except duckdb.Error as error:
        return [_sql_fault(path, error)]
    lacking = [name for name in ("position", "time") if name not in columns]
    return [f"{path}:1: the SELECT gives no column {name}" for name in lacking]


def _sql_fault(path: Path, error: duckdb.Error) -> str:
    found = _LINE.search(str(error))
    line = found.group(1) if found else "1"
    return f"{path}:{line}: {_LINE.sub('', str(error)).strip()}"
