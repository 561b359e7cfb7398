"""Quarantined records, tried again with the sources as they are now.

A record that is mapped now goes to its table and leaves the quarantine; the others stay, with their
reason of now. It is marked before, so that a replay killed in the middle is told from one that was
through. A record is tried from what the quarantine kept of it, so one that was cut, and one whose
document is stored otherwise, stays.
"""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from ingest.plan import MAPPING_FAILS, QUARANTINE, Plan, Refused, Staged, discard, prepare, take
from ingest.run import RAW_CHARACTERS
from ingest.source import Source, connect, load
from lake.errors import InquestError
from lake.store import Lake


@dataclass(frozen=True)
class Replay:
    """What came of the quarantined records of one source."""

    source: str
    tried: int
    classes: Mapping[str, int]
    left: Mapping[str, int]
    note: str = ""

    @property
    def mapped(self) -> int:
        """How many records went to their tables."""
        return sum(self.classes.values())


def replay(lake: Lake, source: str | None = None, sources_dir: Path | None = None) -> list[Replay]:
    """Try the quarantined records of a source, or of all, again.

    Raises InquestError for a faulty source file, and for a source that has none in quarantine.
    """
    found = lake.at().ask(f"SELECT DISTINCT source FROM {QUARANTINE} ORDER BY source").dicts()
    names = [row["source"] for row in found]
    if source and source not in names:
        raise InquestError(f"There is nothing of {source} in quarantine.")
    sources = load(sources_dir)
    return [
        _replayed(lake, sources[name])
        if name in sources
        else Replay(name, 0, {}, {}, f"There is no source {name} any more: its records stay.")
        for name in names
        if source in (None, name)
    ]


def _replayed(lake: Lake, source: Source) -> Replay:
    column = _column(source)
    if column is None:
        return Replay(
            source.name, 0, {}, {}, f"{source.name} does not read text: its records stay."
        )
    with connect(source.folder, lake.path) as connection:
        plan = prepare(lake, connection, source)
        kept = _settled(plan, column, lake.rows(QUARANTINE, "source", source.name))
        tried, untried = _documents(connection, kept)
        staged: Staged = defaultdict(list)
        counts, refused = take(plan, _raw(plan, tried, column), staged)
    if counts:
        batch = uuid.uuid4().hex
        marked = pa.concat_tables([untried, *_marked(tried, refused, batch, kept.schema)])
        lake.replace(QUARANTINE, "source", source.name, marked)
        _commit(lake, source, batch, staged)
        lake.replace(QUARANTINE, "source", source.name, _after(marked, {batch}))
    else:
        discard(chain.from_iterable(staged.values()))
    note = f"{len(untried):,} stay: they were cut, or others of their documents are stored."
    return Replay(
        source=source.name,
        tried=len(tried),
        classes=dict(counts),
        left=dict(Counter(one.reason for one in refused).most_common()),
        note=note if len(untried) else "",
    )


def _documents(connection: duckdb.DuckDBPyConnection, kept: pa.Table) -> tuple[pa.Table, pa.Table]:
    """The records that can be tried, once each with a number as `row`, and those that cannot."""
    connection.register("kept", kept)
    whole = f"NOT coalesce(is_part, false) AND length(raw) < {RAW_CHARACTERS}"
    tried = connection.sql(f"""
        SELECT *, row_number() OVER (ORDER BY path, position, raw) AS row
        FROM (SELECT DISTINCT ON (path, position, raw) * FROM kept WHERE {whole}
          ORDER BY path, position, raw, reason)
        ORDER BY row""").to_arrow_table()
    untried = connection.sql(f"FROM kept WHERE ({whole}) IS NOT true").to_arrow_table()
    return tried, untried.cast(kept.schema)


def _settled(plan: Plan, column: str, kept: pa.Table) -> pa.Table:
    """What is in quarantine after the replays that were killed in the middle."""
    batches = set(filter(None, kept["replay"].to_pylist()))
    if not batches:
        return kept
    landed = {
        one.lstrip("!") for one in batches if _has_landed(plan, kept, column, one.lstrip("!"))
    }
    kept = _after(kept, landed)
    plan.lake.replace(QUARANTINE, "source", plan.source.name, kept)
    return kept


def _has_landed(plan: Plan, kept: pa.Table, column: str, batch: str) -> bool:
    """Whether a replay's rows are in their tables; those that some lack are added."""
    there = {
        table: found
        for table in plan.source.tables
        for found in plan.lake.batches(table)
        if found.startswith(f"{plan.source.name}:replay-{batch}:")
    }
    lacking = {one for found in there.values() for one in found.split(":")[2].split("+")} - {*there}
    if lacking:
        tried, _ = _documents(
            plan.connection, _after(kept.filter(pc.field("replay") == batch), set())
        )
        staged: Staged = defaultdict(list)
        take(plan, _raw(plan, tried, column), staged)
        discard(chain.from_iterable(staged.pop(table) for table in there if table in staged))
        _commit(plan.lake, plan.source, batch, staged, next(iter(there.values())))
    return bool(there)


def _after(kept: pa.Table, landed: Container[str]) -> pa.Table:
    """What stays of marked rows: of a replay that landed those marked with `!`, else the others."""
    marks = kept["replay"].to_pylist()
    stays = [one is None or (one.lstrip("!") in landed) == one.startswith("!") for one in marks]
    at = kept.schema.get_field_index("replay")
    rows = kept.filter(pa.array(stays, pa.bool_()))
    return rows.set_column(at, kept.schema.field(at), pa.nulls(len(rows), pa.string()))


def _marked(
    tried: pa.Table, refused: Sequence[Refused], batch: str, shape: pa.Schema
) -> list[pa.Table]:
    """What was tried, to go once the batch has landed, and what is refused of it, to stay then."""
    at = shape.get_field_index("replay")
    still = _still(tried, refused, shape)
    return [
        rows.set_column(at, shape.field(at), pa.repeat(mark, len(rows)))
        for rows, mark in ((tried.select(shape.names).cast(shape), batch), (still, f"!{batch}"))
    ]


def _column(source: Source) -> str | None:
    """The column of `raw` that is the text of a record; None if there is none."""
    names = source.reader.empty().schema.names
    return source.reader.text if source.reader.text in names else None


def _raw(plan: Plan, kept: pa.Table, column: str) -> pa.Table:
    """What was kept, as the reader would have given it; numbered by `row`."""
    shape = plan.source.reader.empty().schema
    given: dict[str, Any] = {
        "position": kept["row"],
        "path": kept["path"],
        "ingested_at": kept["ingested_at"],
        column: kept["raw"],
    }
    absent = {name: pa.nulls(len(kept), shape.field(name).type) for name in shape.names}
    return pa.table({**absent, **given}).select(shape.names).cast(shape)


def _commit(
    lake: Lake, source: Source, batch: str, staged: Staged, batch_id: str | None = None
) -> None:
    """Add what was mapped, table by table, under an id that names them all."""
    named = batch_id or f"{source.name}:replay-{batch}:{'+'.join(sorted(staged))}"
    for table, files in staged.items():
        lake.add_files(table, {named: files})


def _still(tried: pa.Table, refused: Sequence[Refused], shape: pa.Schema) -> pa.Table:
    """What stays in quarantine of what was tried, with the reason that it has now."""
    still = tried.take(pa.array([one.position - 1 for one in refused], pa.int64()))
    columns: dict[str, Any] = {name: still[name] for name in shape.names}
    before = still["reason"].to_pylist()
    columns["reason"] = [
        old if one.reason.startswith(MAPPING_FAILS) else one.reason
        for one, old in zip(refused, before, strict=True)
    ]
    columns["is_part"] = [one.is_part for one in refused]
    return pa.table(columns, schema=shape)
