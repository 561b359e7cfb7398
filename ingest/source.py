"""A source: one SQL file that turns the relation `raw` of a decoder into the columns of a class.

A SELECT gives `position`, `"time"` and what else the class has, OCSF's paths as structs. It never
drops a row: one that cannot be mapped has no time, or says why in `problem`; an empty `problem`
says that there was nothing to map. A time without a zone is UTC. A column that the class's table
lacks is kept in `ocsf_rest`. Without `ingested_at` it is now; `source` is the source's name.

The header is the comment lines at the top of the file, those of `KEYS` as `-- key: value`. A source
of several classes names them all, and its SELECT says in `class_name` which a row is of.

A system that leaves several kinds of files is a family: sources whose names begin with its name and
`_`, each with `-- files:`, the patterns of the file names that it takes.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from duckdb.sqltypes import DuckDBPyType

from ingest.read import READERS, Reader
from ingest.told import Told
from lake import schema
from lake.ask import literal
from lake.errors import InquestError

SOURCES = Path(__file__).parent / "sources"
KEYS = {
    "name": "the stem of the file",
    "reads": "the decoder that makes `raw`",
    "class": "the OCSF classes that it makes, at least one",
    "product": "VENDOR / PRODUCT, who writes this format",
    "sniff": "a regular expression (RE2) that the beginning of a file holds; of several, all",
    "over": "sources that hold the same and more; a file of both is of this one",
    "generic": "`yes`: tried on a file only if no other source takes it",
    "files": "patterns of file names",
    "context": "what a record means beside itself: `file`, those around it; `path`, where it lies; "
    "`parted`: its windows are by `file_of(position)`",
}

_CONTEXTS = frozenset({"file", "parted", "path"})
_NEEDED = ("name", "reads", "class")
_MACROS = "macros.sql"
_HEADER = re.compile(r"^-- ([a-z]+):(?: +(.*?))?\s*$")
_LINE = re.compile(r"\s*LINE (\d+):.*", re.DOTALL)
_UNKNOWN = re.compile(
    r'Referenced (?P<column>column) "?(?P<name>[^"]+?)"? (?:not found|was not found)'
    r"|Function with name (?P<function>\w+) does not exist",
)
_RUNNERS = frozenset({"position", "problem", "class_name", "ingested_at", "source"})


@dataclass(frozen=True)
class Source:
    """A source file; its rows go to `tables`, all to the first if it has but one.

    `folder` holds it, by whose name sources are grouped; `product` is the vendor and the name of
    what writes the format, `sniffs` what the beginning of a file holds, and `over` names sources
    that it is taken before. `files` are patterns of the names of the files that it takes in its
    family. With `file` in its `context` a file is mapped whole, and alone but with `parted`; with
    `path` two files of one content in two places are two.
    """

    name: str
    folder: Path
    tables: tuple[str, ...]
    reads: str
    sql: str
    product: tuple[str | None, str]
    sniffs: tuple[str, ...] = ()
    over: tuple[str, ...] = ()
    is_generic: bool = False
    files: tuple[str, ...] = ()
    context: frozenset[str] = frozenset()

    @property
    def reader(self) -> Reader:
        """The decoder of the form that it reads."""
        return READERS[self.reads]

    def takes(self, path: Path) -> bool:
        """Whether a file's name is one of those that the source takes."""
        return any(fnmatch(path.name, pattern) for pattern in self.files)


def found_at(sniff: str, text: str) -> int:
    """Where in a text's UTF-8 bytes a pattern matches first; -1 if it does not.

    Patterns are RE2's, which takes no longer than the text is long, be both hostile; `^` and `$`
    match at lines.
    """
    return int(pc.find_substring_regex(pa.array([text]), f"(?m){sniff}")[0].as_py())


def load(folder: Path | None = None) -> dict[str, Source]:
    """Load our sources and a user's folder of them, by name.

    A user's are checked. Raises InquestError with every fault of every file, one a line, as
    `file:line: fault`.
    """
    return dict(_ours()) if folder is None else _ours() | _checked(folder, taken=_ours())


def check() -> dict[str, Source]:
    """Check our own sources as a user's are, and load them."""
    return {name: one for group in _groups() for name, one in _checked(group).items()}


def family(name: str, sources: Mapping[str, Source]) -> list[Source]:
    """The sources of a family; none if it has none."""
    return [one for one in sources.values() if one.files and one.name.startswith(f"{name}_")]


def connect(folder: Path | None = None, writes_to: Path | None = None) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB of its own that knows the shared macros and those of a folder of sources.

    What a source says can write and read nothing but `writes_to`.
    """
    connection = duckdb.connect(config={"autoinstall_known_extensions": False})
    connection.execute("SET TimeZone = 'UTC'")
    if writes_to:
        connection.execute(f"SET allowed_directories = [{literal(str(writes_to))}]")
    connection.execute("SET enable_external_access = false; SET lock_configuration = true")
    connection.execute(f"SET VARIABLE told = [{Told().sql}]")
    for path in {SOURCES / _MACROS: None, (folder or SOURCES) / _MACROS: None}:
        if path.is_file():
            _define(connection, path)
    return connection


def _define(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Run a file of macros, and of nothing else."""
    try:
        for one in _statements(path.read_text("utf-8")):
            if one.type != duckdb.StatementType.CREATE:
                raise InquestError(f"{path}:1: the file has to hold macros only (CREATE MACRO)")
            connection.execute(one)
    except duckdb.Error as error:
        raise InquestError(f"{path}:{_fault(error)}") from error
    except UnicodeDecodeError as error:
        raise InquestError(f"{path}:1: the file is not UTF-8 text at byte {error.start}") from error


@cache
def _statements(sql: str) -> list[duckdb.Statement]:
    """Parse SQL once, however many connections run it: that takes longer than to run it."""
    return duckdb.extract_statements(sql)


def _groups() -> list[Path]:
    return sorted(path for path in SOURCES.iterdir() if path.is_dir() and _files(path))


@cache
def _ours() -> dict[str, Source]:
    """Ours, as their tests have found them to be sound."""
    return {
        path.stem: _source(path, path.read_text("utf-8"))
        for group in _groups()
        for path in _files(group)
    }


def _checked(folder: Path, taken: Container[str] = ()) -> dict[str, Source]:
    sources, faults = {}, []
    with connect(folder) as connection:
        for path in _files(folder):
            if path.stem in taken:
                faults.append(f"{path}:1: there is a source {path.stem}: give it another name")
                continue
            try:
                sql = path.read_text("utf-8")
            except UnicodeDecodeError as error:
                faults.append(f"{path}:1: the file is not UTF-8 text at byte {error.start}")
                continue
            found = sorted(_faults(path.stem, sql, connection))
            faults += [f"{path}:{line}: {fault}" for line, fault in found]
            if not found:
                sources[path.stem] = _source(path, sql)
    if faults:
        raise InquestError("\n".join(faults))
    return sources


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise InquestError(f"{folder} is no folder of sources.")
    return sorted(path for path in folder.glob("*.sql") if path.name != _MACROS)


def _source(path: Path, sql: str) -> Source:
    header = {key: value for _, key, value in _header(sql)}
    vendor, _, product = header.get("product", f" / {path.stem}").rpartition(" / ")
    sniffs = [value for _, key, value in _header(sql) if key == "sniff"]
    return Source(
        name=path.stem,
        folder=path.parent,
        tables=tuple(header["class"].split()),
        reads=header["reads"],
        sql=sql,
        product=(vendor or None, product),
        sniffs=tuple(sniffs),
        over=tuple(header.get("over", "").split()),
        is_generic="generic" in header,
        files=tuple(header.get("files", "").split()),
        context=frozenset(header.get("context", "").split()),
    )


def _header(sql: str) -> Iterator[tuple[int, str, str]]:
    """The line, key and value of what stands in the comment at the top."""
    for number, line in enumerate(sql.splitlines(), 1):
        if not line.startswith("--"):
            return
        if found := _HEADER.match(line):
            yield number, found[1], found[2] or ""


def _faults(
    stem: str, sql: str, connection: duckdb.DuckDBPyConnection
) -> Iterator[tuple[int, str]]:
    """Every fault of a source file, with its line."""
    header = list(_header(sql))
    yield from _header_faults(stem, header)
    given = {key: value for _, key, value in header}
    reader = READERS.get(given.get("reads", ""))
    columns: dict[str, DuckDBPyType] = {}
    if reader:
        connection.register("raw", reader.empty())
        columns, faults = _bound(sql, connection)
        yield from faults
    if columns:
        yield from _column_faults(sql, columns, given.get("class", "").split())


def _header_faults(stem: str, header: list[tuple[int, str, str]]) -> Iterator[tuple[int, str]]:
    known = {"name": [stem], "reads": list(READERS), "generic": ["yes"]}
    for key in _NEEDED:
        if key not in (one for _, one, _ in header):
            yield 1, f"the header lacks `-- {key}:`, {KEYS[key]}"
    for line, key, value in header:
        if key not in KEYS and (near := get_close_matches(key, KEYS, n=1)):
            yield line, f"the header has `-- {key}:`, expected perhaps `-- {near[0]}:`"
        elif key in known and value not in known[key]:
            yield line, f"{key} is {value or 'empty'}, expected {' or '.join(known[key])}"
        elif key == "class":
            unknown = [one for one in value.split() or [""] if not _is_class(one)]
            yield from ((line, schema.no_table(one)) for one in unknown)
        elif key == "context" and not set(value.split()) <= _CONTEXTS:
            yield line, f"context is {value or 'empty'}, expected {' or '.join(sorted(_CONTEXTS))}"
        elif key == "product" and " / " not in value:
            yield line, f"product is {value or 'empty'}, expected {KEYS[key]}"
        elif key == "sniff" and (fault := _pattern_fault(value)):
            yield line, f"sniff is {value}, which is no regular expression: {fault}"


def _is_class(name: str) -> bool:
    return name in schema.tables() and name != "quarantine"


def _pattern_fault(pattern: str) -> str | None:
    try:
        found_at(pattern, "")
    except pa.ArrowInvalid as error:
        return str(error).partition(": ")[2]
    return None


def _bound(
    sql: str, connection: duckdb.DuckDBPyConnection
) -> tuple[dict[str, DuckDBPyType], list[tuple[int, str]]]:
    """Bind a SELECT: its columns, and each name that it cannot know.

    DuckDB tells the first fault and no more, so what it names is stood in for and the rest bound.
    """
    faults: list[tuple[int, str]] = []
    while True:
        try:
            statements = connection.extract_statements(sql)
            if [one.type for one in statements] != [duckdb.StatementType.SELECT]:
                return {}, [*faults, (1, "the file has to hold one SELECT")]
            connection.execute(
                f"DESCRIBE {sql}"
            ).fetchall()  # unlike `sql`, it tells the line of a fault
            relation = connection.sql(sql)
            return dict(zip(relation.columns, relation.types, strict=True)), faults
        except duckdb.Error as error:
            line, _, told = _fault(error).partition(": ")
            faults.append((int(line), told))
            mended = _stood_in(sql, int(line), str(error))
            if mended == sql:
                return {}, faults
            sql = mended


def _stood_in(sql: str, line: int, told: str) -> str:
    """Write NULL or a known function for the name that DuckDB does not know."""
    found = _UNKNOWN.search(told)
    if not found:
        return sql
    lines = sql.split("\n")
    name = re.escape(found["name"] or found["function"])
    if found["column"]:
        lines[line - 1] = re.sub(rf'(?<![.\w])"?{name}\b"?', "NULL", lines[line - 1])
    else:
        lines[line - 1] = re.sub(rf"\b{name}\s*\(", "coalesce(", lines[line - 1], flags=re.I)
    return "\n".join(lines)


def _column_faults(
    sql: str, columns: Mapping[str, DuckDBPyType], classes: list[str]
) -> Iterator[tuple[int, str]]:
    """What a SELECT lacks that a row needs, and what it gives that no class of its has."""
    needed = ["position", "time", *(["class_name"] if len(classes) > 1 else [])]
    yield from ((1, f"the SELECT gives no column {one}") for one in needed if one not in columns)
    tables = [one for one in classes if _is_class(one)]
    for name, kind in columns.items() if tables else ():
        for path in _paths(name, kind):
            if name not in _RUNNERS and not any(schema.knows(one, path) for one in tables):
                told = f"OCSF {schema.OCSF_VERSION} has no {path} in {' or in '.join(tables)}"
                yield _line_of(sql, path.rpartition(".")[2]), told


def _paths(name: str, kind: DuckDBPyType) -> Iterator[str]:
    """The dotted paths of the leaves of a column, through lists too."""
    while kind.id == "list":
        kind = next(child for _, child in kind.children if isinstance(child, DuckDBPyType))
    if kind.id != "struct":
        yield name
        return
    for field, child in kind.children:
        if isinstance(child, DuckDBPyType):
            yield from _paths(f"{name}.{field}", child)


def _line_of(sql: str, name: str) -> int:
    """The last line on which a name is given to something."""
    given = re.compile(rf"""AS "?{re.escape(name)}\b|['"]?{re.escape(name)}['"]? *:""", re.I)
    lines = [number for number, line in enumerate(sql.splitlines(), 1) if given.search(line)]
    return lines[-1] if lines else 1


def _fault(error: duckdb.Error) -> str:
    found = _LINE.search(str(error))
    line = found.group(1) if found else "1"
    return f"{line}: {' '.join(_LINE.sub('', str(error)).split())}"
