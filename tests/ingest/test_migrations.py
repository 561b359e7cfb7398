"""What a migration tool says without a logger's time is of when it arrived, and that is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.run import ingest
from lake.store import Lake

FLYWAY = """\
Database: jdbc:mysql://db.example.com:3306/shop (MySQL 8.0)
Migrating schema `shop` to version "2 - add a column"
Successfully applied 1 migration to schema `shop`, now at version v2 (execution time 00:00.067s)
"""
ALEMBIC = """\
INFO  [alembic.runtime.migration] Context impl SQLiteImpl.
INFO  [alembic.runtime.migration] Running upgrade  -> 1975ea83b712, create orders
INFO  [alembic.runtime.migration] Running upgrade 1975ea83b712 -> 27c6a30d7c24
"""
LIQUIBASE = """\
Running Changeset: db/1.xml::1::ana
ChangeSet db/1.xml::1::ana ran successfully in 12ms
"""


@pytest.mark.parametrize(
    ("source", "log", "states"),
    [
        ("flyway", FLYWAY, ["2 in_progress 101", "2 success 102"]),
        (
            "alembic",
            ALEMBIC,
            [
                "1975ea83b712 in_progress 101",
                "1975ea83b712 success 102",
                "27c6a30d7c24 in_progress 102",
            ],
        ),
        ("liquibase", LIQUIBASE, ["1 in_progress 100", "1 success 101"]),
    ],
)
def test_a_log_without_times_is_of_when_it_arrived(
    source: str, log: str, states: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "migrate.log"
    path.write_text(log)
    (tmp_path / "migrate.log.arrivals.jsonl").write_text(
        "".join(
            f'{{"body": {body}, "received_unix_nano": "{1736935100 + body}000000000"}}\n'
            for body in range(3)
        )
    )
    with Lake.create(tmp_path / "lake") as lake:
        ingest(lake, source, [path])
        rows = lake.at().ask(
            "SELECT concat_ws(' ', change.revision, change.state, epoch(time)::BIGINT - 1736935000)"
            " AS told, unmapped->>'$.time_from' AS time_from"
            " FROM application_lifecycle ORDER BY 1"
        )
    found = rows.dicts()
    assert [row["told"] for row in found] == states
    assert {row["time_from"] for row in found} == {"arrival"}
