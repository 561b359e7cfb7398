"""Files into the lake: read, map in DuckDB, set aside what cannot be stored, write Parquet, commit.

A file is one batch, named by its source and its content: it goes in whole, and once. Small files
are committed together.
"""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TypeAlias

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ingest.batch import NOWHERE, in_table, landed
from ingest.chunks import apart, gathered, joined, numbered, parted, placed
from ingest.grown import CUTTABLE, Tail, prefix, tail
from ingest.plan import QUARANTINE, Plan, Refused, discard, prepare, stored, take, tell, write
from ingest.read.stream import CHUNK_BYTES, Chunk
from ingest.source import Source, connect, load
from ingest.told import Told
from lake.ask import literal
from lake.errors import InquestError
from lake.store import Lake

Progress: TypeAlias = Callable[[Path, int, int], None]

COMMIT_BYTES = 16 << 20

POOL_BYTES = 4 << 20
"""Up to which size, decoded, a file is mapped together with others: to plan a query costs more."""

PLACE_PARTS = 3
"""How much of a path tells whose a file is: `NAMESPACE_POD_UID/CONTAINER/0.log`."""

RAW_CHARACTERS = 1 << 20
"""How much of a quarantined record is kept; a longer one cannot be tried again."""

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
    `unread` counts the files that are empty or could not be read.
    """

    source: str
    files: tuple[Path, ...]
    mapped: int
    quarantined: Mapping[str, int]
    classes: Mapping[str, int]
    notes: tuple[str, ...]
    seconds: float
    guesses: Mapping[str, str] = field(default_factory=dict)
    unread: int = 0

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
    told: Told = field(default_factory=Told)
    tail: Tail | None = None
    mapped: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    staged: dict[str, list[Path]] = field(default_factory=lambda: defaultdict(list))
    note: str = ""
    is_unread: bool = False

    def batch(self, table: str) -> str:
        """The id of its batch in a table."""
        if table == QUARANTINE:
            return self.batch_id
        return in_table(self.batch_id, self.mapped, self.size)

    def give_up(self, error: Exception) -> None:
        """Take nothing of a file that its decoder or its source's SELECT fails on as a whole."""
        self.clear()
        self.is_unread = True
        told = (str(error) or type(error).__name__).splitlines()[0]
        self.note = f"{self.shown} cannot be read, and nothing of it was taken: {told}"

    def clear(self) -> None:
        """Take back what was staged of it."""
        discard(chain.from_iterable(self.staged.values()))
        self.staged.clear()
        self.mapped.clear()
        self.reasons.clear()

    def repeat(self, first: _File) -> None:
        """Fare as a file of the same content before it."""
        if first.is_unread:
            self.is_unread, self.note = True, first.note.replace(first.shown, self.shown, 1)
        else:
            self.skip()

    def skip(self) -> None:
        """Say that the file is in the lake already."""
        self.reasons.clear()
        self.note = f"{self.shown} holds what was ingested before: nothing changed."


@dataclass(frozen=True)
class _Pool:
    """Small files that were mapped as one, and what they gave together."""

    files: list[_File]
    staged: dict[str, list[Path]] = field(default_factory=lambda: defaultdict(list))

    def batches(self, table: str) -> str:
        """The ids of its files' batches in a table, one a line."""
        return "\n".join(file.batch(table) for file in self.files if file.mapped[table])


def ingest(
    lake: Lake,
    source: str,
    paths: Sequence[Path],
    sources_dir: Path | None = None,
    progress: Progress | None = None,
    shown: Mapping[Path, str] | None = None,
    guesses: Mapping[Path, str] | None = None,
    told: Mapping[Path, Told] | None = None,
) -> Summary:
    """Read files of a source into the lake; a file that is in it already changes nothing.

    `progress` is called with the file, the bytes read of it and its size; `shown` is what a file is
    called that is not where a person put it, `guesses` why it is held to be of this source, and
    `told` what is said of it beside its content.
    Raises InquestError for an unknown source, a faulty source file, and a file that is not there or
    cannot be read.
    """
    sources = load(sources_dir)
    if source not in sources:
        raise InquestError(f"There is no source {source}: `inquest sources list` names them.")
    started, found, names = time.monotonic(), sources[source], shown or {}
    files = [
        _file(found, path, names.get(path, str(path)), (told or {}).get(path, Told()))
        for path in paths
    ]
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
        unread=sum(file.is_unread or not file.size for file in files),
    )


def _file(source: Source, path: Path, shown: str, told: Told) -> _File:
    """A file and its batch: its content, whom it is said to be about, and perhaps its place."""
    place = "/".join(Path(shown).parts[-PLACE_PARTS:]) if "path" in source.context else ""
    seed = (place + told.whom).encode()
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, partial(hashlib.sha256, seed))
            batch_id = f"{source.name}:{digest.hexdigest()}"
            return _File(path, shown, batch_id, file.tell(), seed, told)
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
    there = landed(plan.lake, plan.source.tables)
    aside = plan.lake.batches(QUARANTINE)
    # of one that is not whole yet nothing is skipped: rather is a row there twice than not at all
    known = {one.partition(":")[2]: it.size for one, it in there.items() if not it.lacking}
    pools, alike = list[_Pool](), defaultdict[str, list[_File]](list)
    try:
        for file in group:
            if file.batch_id in there and not there[file.batch_id].lacking:
                file.skip()
                continue
            _look_for_what_is_new(plan, file, known, scratch)
            alike[file.batch_id].append(file)
        for held in _held(plan, [first for first, *_ in alike.values()], there, progress):
            pools.append(_Pool([file for file, _ in held]))
            _stage_together(plan, held, pools[-1].staged)
        for first, *others in alike.values():
            for other in others:
                other.repeat(first)
            for table in there.get(first.batch_id, NOWHERE).tables:
                discard(first.staged.pop(table, []))
            if first.batch_id in aside:
                _set_aside_again(plan.lake, first)
            _conclude(first, is_aside=first.batch_id in aside)
    except BaseException:
        for staged in (one.staged for ones in (group, pools) for one in ones):
            discard(chain.from_iterable(staged.values()))
        raise
    for table in (QUARANTINE, *plan.source.tables):
        staged = {file.batch(table): file.staged[table] for file in group if file.staged.get(table)}
        staged |= {one.batches(table): one.staged[table] for one in pools if one.staged.get(table)}
        if staged:
            plan.lake.add_files(table, staged)


def _conclude(file: _File, *, is_aside: bool) -> None:
    """Say of a file that gave nothing why."""
    if file.is_unread:
        return
    if is_aside and not file.mapped:
        file.skip()
    elif not file.mapped and not file.reasons:
        file.note = f"{file.shown} holds no records."


def _held(
    plan: Plan, files: Iterable[_File], there: Container[str], progress: Progress | None
) -> Iterator[list[tuple[_File, list[Chunk]]]]:
    """Decode small files, about CHUNK_BYTES at a time; stage those that go alone.

    Alone go a large file, one that is in some of its tables already, and any whose records mean
    what those around them say, unless the SELECT keeps files apart.
    """
    held, size = list[tuple[_File, list[Chunk]]](), 0
    is_alone = "file" in plan.source.context and "parted" not in plan.source.context
    for file in files:
        try:
            chunks = None if is_alone or file.batch_id in there else _decoded(plan, file)
        except _UNFORESEEN as error:
            file.give_up(error)
            continue
        if chunks is None:
            _stage(plan, file, _read(plan, file), progress)
            continue
        held.append((file, chunks))
        size += sum(chunk.raw.nbytes for chunk in chunks)
        if progress:
            progress(file.path, file.size, file.size)
        if size >= CHUNK_BYTES:
            yield held
            held, size = [], 0
    if held:
        yield held


def _read(plan: Plan, file: _File) -> Iterator[Chunk]:
    path, before = file.tail or Tail(file.path, 0)
    for chunk in plan.source.reader.read(path, plan.now):
        if file.shown != str(path) or file.told.captured_at:
            chunk = placed(chunk, file.shown, before, file.told.captured_at)
        yield chunk


def _decoded(plan: Plan, file: _File) -> list[Chunk] | None:
    """All chunks of a file; None if they are more than POOL_BYTES."""
    chunks, size = list[Chunk](), 0
    for chunk in _read(plan, file) if file.size <= POOL_BYTES else ():
        chunks.append(chunk)
        size += chunk.raw.nbytes
        if size > POOL_BYTES:
            return None
    return chunks if file.size <= POOL_BYTES else None


def _stage_together(
    plan: Plan, held: Sequence[tuple[_File, list[Chunk]]], staged: dict[str, list[Path]]
) -> None:
    """Write the records of files as Parquet files of all of them; of each its own if that fails."""
    if len(held) > 1:
        try:
            _map_together(plan, held, staged)
        except _UNFORESEEN:
            discard(chain.from_iterable(staged.values()))
            staged.clear()
            for file, _ in held:
                file.clear()
        else:
            return
    for file, chunks in held:
        _stage(plan, file, chunks)


def _map_together(
    plan: Plan, held: Sequence[tuple[_File, list[Chunk]]], staged: dict[str, list[Path]]
) -> None:
    raws = [numbered(one.raw, number) for number, (_, chunks) in enumerate(held) for one in chunks]
    refused = defaultdict[int, list[Refused]](list)
    if any(map(len, raws)):
        tell(plan.connection, [file.told for file, _ in held])
        for one in take(plan, pa.concat_tables(raws), staged)[1]:
            number, position = parted(one.position)
            refused[number].append(one._replace(position=position))
        for table, counts in stored(plan).items():
            for number, count in counts.items():
                held[number][0].mapped[table] = count
    for number, (file, chunks) in enumerate(held):
        if chunks:
            _set_aside(plan, file, joined(chunks), refused[number])


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


def _stage(
    plan: Plan, file: _File, chunks: Iterable[Chunk], progress: Progress | None = None
) -> None:
    """Write a file's records as Parquet, chunk by chunk, so that memory stays bounded."""
    tell(plan.connection, [file.told])
    is_whole = "file" in plan.source.context
    try:
        for chunk in gathered(chunks) if is_whole else chain.from_iterable(map(apart, chunks)):
            counts, refused = take(plan, chunk.raw, file.staged) if len(chunk.raw) else ({}, [])
            file.mapped += Counter(counts)
            _set_aside(plan, file, chunk, refused)
            if progress:
                progress(file.path, chunk.consumed, file.size)
    except _UNFORESEEN as error:
        file.give_up(error)


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
