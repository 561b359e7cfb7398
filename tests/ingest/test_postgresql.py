"""PostgreSQL's logs: both forms say the same, and lines become again the records they were."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.read import lines
from ingest.source import connect, load

DATA = Path(__file__).parents[1] / "data"
ONLY_IN_JSON = {
    "client.address",
    "db.response.status_code",
    "postgresql.application_name",
    "postgresql.backend_type",
    "postgresql.session_id",
    "postgresql.session_start",
}


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with connect(load()["postgresql_text"].folder) as opened:
        yield opened


def test_both_forms_of_one_log_say_the_same() -> None:
    in_json, in_text = (
        {said(row) for row in expected(name)} for name in ("postgresql_json", "postgresql_text")
    )
    assert in_json
    assert in_json <= in_text


def expected(source: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((DATA / source / "expected.json").read_bytes())[
        "log_record"
    ]
    return rows


def said(row: dict[str, Any]) -> str:
    attributes = json.loads(row["attributes"])
    both = {key: value for key, value in attributes.items() if key not in ONLY_IN_JSON}
    return json.dumps([row["time"], row["severity_id"], row["message"], both], sort_keys=True)


@dataclass(frozen=True)
class Entry:
    """What a process logs at once: a message and what comes with it."""

    pid: int
    message: str
    detail: str
    statement: str

    def written(self) -> list[str]:
        """The parts as PostgreSQL writes them to stderr."""
        parts = {"LOG": self.message, "DETAIL": self.detail, "STATEMENT": self.statement}
        return [
            f"2025-01-15 10:00:00.000 UTC [{self.pid}] ana@shop {name}:  "
            + text.replace("\n", "\n\t")
            for name, text in parts.items()
            if text
        ]


characters = st.characters(codec="utf-8", exclude_categories=["C", "Z"], include_characters=" \t")
whole = st.text(characters, min_size=1, max_size=20).filter(str.strip) | st.sampled_from(
    ["ERROR:  no", "2025-01-15 10:00:00.000 UTC [7] ana@shop LOG:  no", "\tDETAIL:  no"]
)
texts = st.tuples(st.lists(whole | st.just(""), max_size=3), whole).map(
    lambda made: "\n".join([*made[0], made[1]])
)
entries = st.builds(Entry, st.integers(1, 99), texts, texts | st.just(""), texts | st.just(""))


@settings(max_examples=25)
@given(st.lists(entries, max_size=4, unique_by=lambda entry: entry.pid), st.randoms())
def test_records_are_put_together_again_even_where_processes_write_at_once(
    connection: duckdb.DuckDBPyConnection, logged: list[Entry], random: Random
) -> None:
    waiting = {entry: entry.written() for entry in logged}
    text = ""
    while any(waiting.values()):
        text += random.choice([parts for parts in waiting.values() if parts]).pop(0) + "\n"
    raw, _ = lines.split(text.encode(), 1)
    now = pa.repeat(pa.scalar(datetime.now(UTC), pa.timestamp("us", tz="UTC")), len(raw))
    connection.register("raw", raw.append_column("ingested_at", now))
    rows = connection.sql(load()["postgresql_text"].sql).to_arrow_table().to_pylist()
    assert sorted(told(row) for row in rows if row["problem"] is None) == sorted(
        (entry.pid, entry.message, entry.detail, entry.statement) for entry in logged
    )
    assert len(rows) == len(raw)
    assert {row["problem"] for row in rows} <= {None, ""}


def told(row: dict[str, Any]) -> tuple[int, str, str, str]:
    found = json.loads(row["attributes"])
    detail, statement = found.get("postgresql.detail", ""), found.get("db.query.text", "")
    return found["process.pid"], row["message"], detail, statement


def test_a_short_zone_name_that_is_resolved_means_that_offset_the_world_over(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    offsets: dict[str, set[int]] = defaultdict(set)
    for name in available_timezones():
        for month in range(12):
            at = datetime(2023, 1, 15, tzinfo=UTC) + timedelta(days=30 * month)
            local = at.astimezone(ZoneInfo(name))
            east = local.utcoffset() or timedelta()
            offsets[local.strftime("%Z")].add(east // timedelta(minutes=1))
    resolved = {
        zone: connection.execute("SELECT zone_minutes($1)", [zone]).fetchall()[0][0]
        for zone in offsets.keys() | {"CET", "IST"}
    }
    contradicted = {
        zone: offsets[zone]
        for zone, minutes in resolved.items()
        if minutes is not None and offsets[zone] - {minutes}
    }
    assert contradicted == {}
    assert (resolved["CET"], resolved["IST"]) == (60, None)
