"""Quarantined records, tried again with the sources as they are now.

A record that is mapped now goes to its table and leaves the quarantine; the others stay, with their
reason of now. A record is tried from what the quarantine kept of it, so one that was cut
or that its reader could not read has to be ingested from its file again.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from ingest.plan import QUARANTINE, Plan, Refused, Staged, discard, prepare, take
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
        note = f"{source.name} does not read text: ingest its files again."
        return Replay(source.name, 0, {}, {}, note)
    kept = lake.rows(QUARANTINE, "source", source.name)
    staged: Staged = defaultdict(list)
    with connect(source.folder) as connection:
        tried, untried = _documents(connection, kept)
        plan = prepare(lake, connection, source)
        counts, refused = take(plan, _raw(plan, tried, column), staged)
    if counts:
        _commit(lake, source, tried, staged)
        still = pa.concat_tables([untried, _still(tried, refused, untried.schema)])
        lake.replace(QUARANTINE, "source", source.name, still)
    else:
        discard(chain.from_iterable(staged.values()))
    note = f"{len(untried):,} were cut or are parts of documents: ingest their files again."
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


def _commit(lake: Lake, source: Source, tried: pa.Table, staged: Staged) -> None:
    """Add what was mapped; once, though a replay be killed before it changed the quarantine."""
    digest = hashlib.sha256()
    for column in ("path", "position", "raw"):
        for value in tried[column].to_pylist():
            digest.update(f"{value}\n".encode())
    batch_id = f"{source.name}:replay-{digest.hexdigest()}:{'+'.join(sorted(staged))}"
    for table, files in staged.items():
        lake.add_files(table, {batch_id: files})


def _still(tried: pa.Table, refused: Sequence[Refused], shape: pa.Schema) -> pa.Table:
    """What stays in quarantine of what was tried, with the reason that it has now."""
    still = tried.take(pa.array([one.position - 1 for one in refused], pa.int64()))
    columns: dict[str, Any] = {name: still[name] for name in shape.names}
    columns["reason"] = [one.reason for one in refused]
    columns["is_part"] = [one.is_part for one in refused]
    return pa.table(columns, schema=shape)
