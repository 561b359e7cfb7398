"""S6: whatever is done to what is kept of a run, it is refused or not seen, and nothing is run."""

from __future__ import annotations

import pickle
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from agent.budget import Spent
from agent.config import Request
from agent.errors import ModelError, RunError
from agent.runs.checkpoints import CHANNELS, CHECKPOINTS, WRITES
from agent.runs.journal import ANSWERS, SPENT
from agent.runs.runs import RUNS, Begun, Runs
from agent.runs.store import Store, Table
from tests.agent.runs.test_checkpoints import counted
from tests.agent.runs.test_serial import Explosive

TABLES = (RUNS, CHECKPOINTS, CHANNELS, WRITES, ANSWERS, SPENT)
KEY = "of-the-test-16-bytes"
ONE, OTHER = "1" * 32, "2" * 32
MAY_BE_MISSED = {"inquest_writes.run"}
"""What a task wrote and is not there any more: the task runs again."""

DAY = f"{datetime.now(UTC):%Y-%m-%d}"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A database with two runs that were interrupted, both after a paid call."""
    with Runs.open(tmp_path, key=KEY) as runs:
        for run in (ONE, OTHER):
            begun = runs.begin(run, Begun(Request(), tmp_path, {"log_record": 7}))
            assert begun
            begun.journal.keep("asked", {"text": run}, Spent(1, 10, 5, 0.5))
            with pytest.raises(OSError, match="each1"):
                counted(runs.store, {"each1"}, []).invoke(
                    {"gaps": []}, begun.config, durability="sync"
                )
            runs.note(run, state="interrupted")
    return tmp_path / "runs.sqlite"


def resumed(place: Path) -> Any:
    """All that a run which goes on takes from the database, without changing it."""
    with Runs.open(place.parent, key=KEY) as runs:
        row = runs.row(ONE)
        kept = runs.resume(ONE)
        runs.store.put(RUNS, row)
        state = kept.saver.get_tuple(kept.config)
        return kept.begun, state, kept.journal.recall("asked"), kept.journal.used(), runs.spent(DAY)


def outcome(place: Path, truth: Any) -> str:
    """What comes of a resume: refused, or as it was, or less than it was; never anything else."""
    try:
        found = resumed(place)
    except RunError:
        return "refused"
    except ModelError as error:  # what was paid cannot be known, so nothing is
        return "refused" if isinstance(error.__cause__, RunError) else f"{error}"
    if found == truth:
        return "as it was"
    begun, state, answer, used, day = found
    assert begun == truth[0]
    assert answer in (None, truth[2])
    assert state.checkpoint == truth[1].checkpoint
    assert all(write in truth[1].pending_writes for write in state.pending_writes)
    assert used.calls <= truth[3].calls
    assert day == truth[4]
    return "not seen"


def flipped(value: Any, random: Random) -> Any:
    """A value with one bit of it turned; what is no UTF-8 any more is left to SQLite as it is."""
    if isinstance(value, int):
        return value ^ (1 << random.randrange(40))
    if isinstance(value, float):
        return value * 2 + 1
    text = bytearray(value if isinstance(value, bytes) else value.encode())
    if not text:
        return b"x" if isinstance(value, bytes) else "x"
    text[random.randrange(len(text))] ^= 1 << random.randrange(8)
    return bytes(text)


def change(place: Path, table: Table, column: str, random: Random) -> tuple[str, list[Any]]:
    """Flip a column of one of the run's rows; gives what undoes it."""
    with closing(sqlite3.connect(place, isolation_level=None)) as database:
        select = f"SELECT rowid, {column} FROM {table.name} WHERE run = ? ORDER BY rowid"
        row, value = random.choice(database.execute(select, [ONE]).fetchall())
        cast = "CAST(? AS TEXT)" if isinstance(value, str) else "?"
        update = f"UPDATE {table.name} SET {column} = {cast} WHERE rowid = ?"
        database.execute(update, [flipped(value, random), row])
    return update, [value, row]


def run_sql(place: Path, sql: str, values: list[Any]) -> None:
    with closing(sqlite3.connect(place, isolation_level=None)) as database:
        database.execute(sql, values)


@pytest.mark.parametrize(
    "flips", [pytest.param(1, id="fast"), pytest.param(200, marks=pytest.mark.faults)]
)
def test_a_flipped_bit_is_refused_whatever_column_it_is_in(place: Path, flips: int) -> None:
    random, truth = Random(20261121), resumed(place)
    seen: dict[str, Counter[str]] = {}
    for table in TABLES:
        for column in (*table.columns, "seal"):
            count = seen.setdefault(f"{table.name}.{column}", Counter())
            for _ in range(flips):
                undo = change(place, table, column, random)
                count[outcome(place, truth)] += 1
                run_sql(place, *undo)
    assert resumed(place) == truth
    for name, count in seen.items():
        print(f"{name:32}", *(f"{n} {what}" for what, n in count.items()), sep="  ")  # noqa: T201 - to be read
        assert set(count) <= ({"refused", "not seen"} if name in MAY_BE_MISSED else {"refused"})


@pytest.mark.parametrize("table", TABLES, ids=lambda table: str(table.name))
def test_a_row_of_another_run_is_refused(place: Path, table: Table) -> None:
    truth = resumed(place)
    with closing(sqlite3.connect(place, isolation_level=None)) as database:
        database.execute(f"DELETE FROM {table.name} WHERE run = ?", [ONE])
        database.execute(f"UPDATE {table.name} SET run = ? WHERE run = ?", [ONE, OTHER])
    assert outcome(place, truth) == "refused"


@pytest.mark.parametrize("table", TABLES, ids=lambda table: str(table.name))
def test_a_row_that_was_forged_with_another_key_is_refused(place: Path, table: Table) -> None:
    truth = resumed(place)
    with closing(sqlite3.connect(place)) as database:
        names = ", ".join(table.columns)
        found = database.execute(
            f"SELECT {names} FROM {table.name} WHERE run = ?", [ONE]
        ).fetchone()
    forger = Store.open(place, b"another-key-of-16-bytes")
    forger.put(table, dict(zip(table.columns, found, strict=True)))
    forger.close()
    assert outcome(place, truth) == "refused"


@pytest.mark.parametrize("table", [RUNS, CHECKPOINTS, CHANNELS, WRITES, ANSWERS])
@pytest.mark.parametrize("is_sealed", [False, True])
def test_a_pickle_is_refused_and_not_run(
    place: Path, tmp_path: Path, table: Table, *, is_sealed: bool
) -> None:
    truth, canary = resumed(place), tmp_path / "canary"
    column = "begun" if table is RUNS else "body"
    poison = pickle.dumps(Explosive(canary))
    if is_sealed:  # even from one who has the key
        with Runs.open(tmp_path, key=KEY) as runs:
            for row in runs.store.rows(table, run=ONE):
                runs.store.put(table, row | {column: poison})
    else:
        run_sql(place, f"UPDATE {table.name} SET {column} = ?", [poison])
    assert outcome(place, truth) == "refused"
    assert not canary.exists()


@pytest.mark.parametrize(
    "cuts", [pytest.param(4, id="fast"), pytest.param(40, marks=pytest.mark.faults)]
)
def test_a_database_that_was_cut_short_is_refused_or_only_has_less(
    place: Path, tmp_path: Path, cuts: int
) -> None:
    truth, whole = resumed(place), place.read_bytes()
    for number in range(cuts):
        folder = tmp_path / f"cut{number}"
        folder.mkdir()
        (folder / "runs.sqlite").write_bytes(whole[: len(whole) * number // cuts])
        assert outcome(folder / "runs.sqlite", truth) in ("refused", "not seen", "as it was")
