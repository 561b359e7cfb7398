"""Files into the lake: read, map in DuckDB, set aside what cannot be stored, write Parquet, commit.

A file is one batch, named by its source and its content: it goes in whole, and once. Small files
are committed together.
"""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain, pairwise
from pathlib import Path
from typing import TypeAlias

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ingest.grown import CUTTABLE, Tail, prefix, tail
from ingest.plan import QUARANTINE, Plan, Refused, discard, prepare, take, write
from ingest.read.stream import Chunk
from ingest.source import Source, connect, load
from lake.ask import literal
from lake.errors import InquestError
from lake.store import Lake

Progress: TypeAlias = Callable[[Path, int, int], None]

COMMIT_BYTES = 16 << 20

LARGE_BYTES = 64 << 10
"""From which size on a document is mapped alone."""

CONTEXT_BYTES = 256 << 20
"""How much of a file is mapped at a time where records mean what those around them say."""

PLACE_PARTS = 3
"""How much of a path tells whose a file is: `NAMESPACE_POD_UID/CONTAINER/0.log`."""

RAW_CHARACTERS = 1 << 20
"""How much of a quarantined record is kept; a longer one is read from its file again."""

_UNFORESEEN = (ArithmeticError, LookupError, TypeError, ValueError, duckdb.Error)
"""What a decoder or a SELECT may raise on a file that nobody thought of; it costs that file."""

_FIELDS: dict[str, pa.DataType] = {
    "position": pa.int64(),
    "reason": pa.string(),
    "is_part": pa.bool_(),
}
_REFUSED = pa.schema(_FIELDS)
_BROKEN = _REFUSED.append(pa.field("raw", pa.string()))


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


@dataclass
class _File:
    """A file, its batch, and what it gave: Parquet files that wait for their commit, and counts."""

    path: Path
    shown: str
    batch_id: str
    size: int
    seed: bytes = b""
    tail: Tail | None = None
    mapped: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    staged: dict[str, list[Path]] = field(default_factory=lambda: defaultdict(list))
    note: str = ""

    def give_up(self, error: Exception) -> None:
        """Take nothing of a file that its decoder or its source's SELECT fails on as a whole."""
        discard(chain.from_iterable(self.staged.values()))
        self.staged.clear()
        self.mapped.clear()
        self.reasons.clear()
        told = (str(error) or type(error).__name__).splitlines()[0]
        self.note = f"{self.shown} cannot be read, and nothing of it was taken: {told}"

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
    files = [_file(found, path, names.get(path, str(path))) for path in paths]
    with connect(found.folder, lake.path) as connection:
        plan = prepare(lake, connection, found)
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


def _file(source: Source, path: Path, shown: str) -> _File:
    """A file and its batch: its content, and of a source that reads it from there its place."""
    place = "/".join(Path(shown).parts[-PLACE_PARTS:]) if "path" in source.context else ""
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, partial(hashlib.sha256, place.encode()))
            batch_id = f"{source.name}:{digest.hexdigest()}"
            return _File(path, shown, batch_id, file.tell(), place.encode())
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


def _take(plan: Plan, group: Sequence[_File], progress: Progress | None) -> None:
    """Stage files and commit them; the quarantine first, so that a killed run can be repeated."""
    with tempfile.TemporaryDirectory(prefix="inquest-") as scratch:
        _take_with(plan, group, Path(scratch), progress)


def _take_with(
    plan: Plan, group: Sequence[_File], scratch: Path, progress: Progress | None
) -> None:
    there, aside = _there(plan), plan.lake.batches(QUARANTINE)
    known = {one.partition(":")[2]: landed.size for one, landed in there.items()}
    try:
        for file in group:
            if file.batch_id in there and not there[file.batch_id].lacking:
                file.skip()
                continue
            _look_for_what_is_new(plan, file, known, scratch)
            try:
                _stage(plan, file, progress)
            except _UNFORESEEN as error:
                file.give_up(error)
                continue
            for table in there.pop(file.batch_id, _NOWHERE).tables:
                discard(file.staged.pop(table, []))
            there[file.batch_id] = _Landed(frozenset(file.mapped), frozenset(), file.size)
            if file.batch_id in aside:
                _set_aside_again(plan.lake, file)
            if file.batch_id in aside and not file.mapped:
                file.skip()
            elif not file.mapped and not file.reasons:
                file.note = f"{file.shown} holds no records."
    except BaseException:
        for file in group:
            discard(chain.from_iterable(file.staged.values()))
        raise
    for table in (QUARANTINE, *plan.source.tables):
        staged = {_batch(file, table): file.staged[table] for file in group if table in file.staged}
        if staged:
            plan.lake.add_files(table, staged)


def _set_aside_again(lake: Lake, file: _File) -> None:
    """Let what is refused of a file now stand for what was refused of it before."""
    staged = file.staged.pop(QUARANTINE, [])
    tables = [pq.read_table(path) for path in staged]
    before = lake.rows(QUARANTINE, "batch", file.batch_id)
    now = pa.concat_tables([before.slice(0, 0), *(one.cast(before.schema) for one in tables)])
    if _refusals(now) != _refusals(before):
        lake.replace(QUARANTINE, "batch", file.batch_id, now)
    discard(staged)


def _refusals(rows: pa.Table) -> Counter[tuple[object, object]]:
    return Counter(zip(rows["position"].to_pylist(), rows["reason"].to_pylist(), strict=True))


@dataclass(frozen=True)
class _Landed:
    """Where a batch is, and where it still lacks because its run was killed between two commits."""

    tables: frozenset[str]
    lacking: frozenset[str]
    size: int


_NOWHERE = _Landed(frozenset(), frozenset(), 0)


def _look_for_what_is_new(plan: Plan, file: _File, known: Mapping[str, int], scratch: Path) -> None:
    """Of a file that has grown since it was ingested, take the new lines only."""
    after = prefix(file.path, known, file.seed)
    if not after:
        return
    if plan.source.reads in CUTTABLE:
        file.tail = tail(file.path, after, Path(tempfile.mkdtemp(dir=scratch)))
        file.note = f"{file.shown} has grown since it was ingested: only what is new was taken."
    else:
        file.note = f"{file.shown} has grown since it was ingested: what was there is now twice."


def _batch(file: _File, table: str) -> str:
    """The batch id of a file in a table: it names all its tables, and the file's size."""
    if table == QUARANTINE:
        return file.batch_id
    return f"{file.batch_id}:{'+'.join(sorted(file.mapped))}@{file.size}"


def _there(plan: Plan) -> dict[str, _Landed]:
    """What is in the lake of a source's batches, by the id of their file."""
    tables, named = defaultdict[str, set[str]](set), defaultdict[str, set[str]](set)
    sizes = defaultdict[str, int](int)
    for table in plan.source.tables:
        for batch_id in plan.lake.batches(table):
            source, digest, *more = batch_id.split(":")
            others, _, size = "".join(more).partition("@")
            file = f"{source}:{digest}"
            tables[file].add(table)
            named[file] |= set(filter(None, others.split("+")))
            sizes[file] = int(size or 0)
    return {
        file: _Landed(frozenset(tables[file]), frozenset(named[file] - tables[file]), sizes[file])
        for file in tables
    }


def _stage(plan: Plan, file: _File, progress: Progress | None) -> None:
    """Write a file's records as Parquet, chunk by chunk, so that memory stays bounded."""
    path, before = file.tail or Tail(file.path, 0)
    chunks = plan.source.reader.read(path, plan.now)
    is_whole = "file" in plan.source.context
    for chunk in _gathered(chunks) if is_whole else chain.from_iterable(map(_apart, chunks)):
        if file.shown != str(path):
            chunk = _placed(chunk, file.shown, before)
        counts, refused = take(plan, chunk.raw, file.staged)
        file.mapped += counts
        _set_aside(plan, file, chunk, refused)
        if progress:
            progress(file.path, chunk.consumed, file.size)


def _gathered(chunks: Iterable[Chunk]) -> Iterator[Chunk]:
    """Put the chunks of a file together, as far as memory should go."""
    held: list[Chunk] = []
    for chunk in chunks:
        held.append(chunk)
        if sum(one.raw.nbytes for one in held) >= CONTEXT_BYTES:
            yield _joined(held)
            held = []
    if held:
        yield _joined(held)


def _apart(chunk: Chunk) -> Iterator[Chunk]:
    """Split a chunk so that each large document is alone.

    A SELECT makes many rows of one, and what it asks of the document it then asks for every row:
    for one document alone DuckDB answers once.
    """
    if "doc" not in chunk.raw.column_names:
        yield chunk
        return
    sizes = pc.binary_length(chunk.raw["doc"]).to_numpy()
    at = np.flatnonzero(sizes > LARGE_BYTES).tolist()
    ends = [0, *chain.from_iterable((one, one + 1) for one in at), len(chunk.raw)]
    parts = [chunk.raw.slice(a, b - a) for a, b in pairwise(ends) if b > a]
    for part in parts[:-1]:
        yield Chunk(part, (), chunk.consumed)
    yield Chunk(parts[-1] if parts else chunk.raw, chunk.broken, chunk.consumed)


def _joined(chunks: Sequence[Chunk]) -> Chunk:
    raw = pa.concat_tables([one.raw for one in chunks])
    return Chunk(raw, tuple(chain.from_iterable(one.broken for one in chunks)), chunks[-1].consumed)


def _placed(chunk: Chunk, shown: str, before: int) -> Chunk:
    """A chunk as of the file that a person knows, in which some lines stand before it."""
    raw = chunk.raw
    if "path" in raw.column_names:
        at = raw.schema.get_field_index("path")
        raw = raw.set_column(at, "path", pa.repeat(shown, len(raw)))
    if before:
        at = raw.schema.get_field_index("position")
        raw = raw.set_column(at, "position", pc.add(raw["position"], before))
    broken = tuple(one._replace(position=one.position + before) for one in chunk.broken)
    return replace(chunk, raw=raw, broken=broken)


def _set_aside(plan: Plan, file: _File, chunk: Chunk, refused: Sequence[Refused]) -> None:
    """Write what cannot be stored, with its reason, and what could not be read."""
    if not refused and not chunk.broken:
        return
    file.reasons.update(one.reason for one in refused)
    file.reasons.update(one.reason for one in chunk.broken)
    broken = [one._asdict() | {"is_part": False} for one in chunk.broken]
    plan.connection.register("raw", chunk.raw)
    plan.connection.register(
        "refused", pa.Table.from_pylist([one._asdict() for one in refused], _REFUSED)
    )
    plan.connection.register("broken", pa.Table.from_pylist(broken, _BROKEN))
    rows = f"""
        FROM (
          SELECT
            {literal(plan.now)} AS ingested_at, {literal(plan.source.name)} AS source,
            {literal(file.shown)} AS path, position, reason, is_part,
            {literal(file.batch_id)} AS batch, NULL::VARCHAR AS replay,
            left(raw, {RAW_CHARACTERS}) AS raw
          FROM (
            SELECT position, reason, is_part, {plan.source.reader.text} AS raw
            FROM raw JOIN refused USING (position)
            UNION ALL BY NAME FROM broken
          )
        )"""
    write(plan, QUARANTINE, rows, file.staged[QUARANTINE])
