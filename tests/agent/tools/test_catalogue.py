"""Every tool keeps the rules that let its answer be run again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import agent.tools.catalogue as catalogue
from agent.tools.catalogue import TOOLS, tool
from lake.ask import bind
from lake.store import Lake
from tests.agent.world import START, Release, record

FOLDER = Path(catalogue.__file__).parent
VALUES: dict[str, Any] = {
    "start": START,
    "end": START + timedelta(minutes=12),
    "onset": START + timedelta(minutes=5),
    "ended": START + timedelta(minutes=8),
    "bucket_s": 10,
    "service": "payment",
    "old": "2.7.9",
    "new": "2.8.0",
    "metric": "db.client.connection.count",
    "ceiling": "db.client.connection.max",
    "attributes": "{}",
}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    with Lake.create(tmp_path_factory.mktemp("tools") / "lake") as lake:
        record(lake, releases=(Release("payment", "2.8.0", "2.7.9", (300.0, 390.0)),))
        yield lake


def sql(name: str) -> str:
    asked = tool(name)
    return bind(asked.sql, **{k: v for k, v in VALUES.items() if f"${k}" in asked.sql})


def test_every_file_is_listed_once_and_in_order() -> None:
    assert list(TOOLS) == sorted(path.stem for path in FOLDER.glob("*.sql"))


@pytest.mark.parametrize("name", TOOLS)
def test_a_tool_asks_a_question_whose_values_its_sql_has(name: str) -> None:
    asked = tool(name)
    assert asked.question.endswith("?")
    assert set(re.findall(r"\$(\w+)", asked.question)) <= set(re.findall(r"\$(\w+)", asked.sql))


@pytest.mark.parametrize("name", TOOLS)
def test_a_tool_uses_nothing_that_differs_from_run_to_run(name: str) -> None:
    text = tool(name).sql.lower()
    assert not re.search(r"\b(now|random|any_value|first|last|avg|stddev|approx_\w+)\s*\(", text)
    assert re.search(r"\norder by .+(\nlimit \d+)?\Z", text)


@pytest.mark.parametrize("name", TOOLS)
def test_a_tool_gives_the_same_answer_with_any_number_of_threads(name: str, lake: Lake) -> None:
    one, four = (lake.at(threads=threads).ask(sql(name)) for threads in (1, 4))
    assert one.digest == four.digest
    assert one.columns == four.columns


def test_own_time_is_what_no_call_covers_and_own_failures_are_no_callees(lake: Lake) -> None:
    rows = lake.at().ask(sql("levels")).dicts()
    web = [row for row in rows if row["service"] == "web"]
    assert len(web) == 3
    assert all(row["own_p95_ms"] < row["p95_ms"] / 2 for row in web)
    assert sum(row["own_failed"] for row in web) < sum(row["failed"] for row in web)
