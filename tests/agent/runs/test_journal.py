"""Paid answers are recalled, everything spent is counted, and a run is known by its owner."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from agent.budget import Budget, BudgetSpent, Meter, Spent
from agent.config import Request
from agent.errors import ModelError, RunError
from agent.runs import runs as of_runs
from agent.runs.journal import ANSWERS, SPENT
from agent.runs.runs import RUNS, Begun, Run, Runs
from agent.runs.serial import dumps

KEY = "of-the-test-16-bytes"
ONE, OTHER = "1" * 32, "2" * 32
DAY = f"{datetime.now(UTC):%Y-%m-%d}"
TOOK = Spent(calls=1, input_tokens=100, output_tokens=20, usd=0.25)


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Runs]:
    with Runs.open(tmp_path, key=KEY) as runs:
        yield runs


def begun(runs: Runs, run: str, channel: str = "") -> Run:
    traceparent = f"00-{run}-{'a' * 16}-01"
    made = runs.begin(run, Begun(Request(), Path("lake"), {}, traceparent, channel=channel))
    assert made
    return made


def test_an_answer_is_recalled_by_its_own_run_alone_and_without_its_secrets(runs: Runs) -> None:
    run, other = begun(runs, ONE), begun(runs, OTHER)
    run.journal.keep("asked", {"text": "password=hunter2-is-long"}, TOOK)
    assert run.journal.recall("asked") == {"text": "password=[redacted:password]"}
    assert run.journal.recall("something else") is None
    assert other.journal.recall("asked") is None


def test_all_that_was_spent_is_counted_by_run_by_day_and_by_channel(runs: Runs) -> None:
    run, other = begun(runs, ONE, "C1"), begun(runs, OTHER, "C2")
    run.journal.keep("a", {}, TOOK)
    run.journal.note(replace(TOOK, output_tokens=0, usd=0.0))
    other.journal.keep("a", {}, TOOK)
    assert run.used() == Spent(calls=2, input_tokens=200, output_tokens=20, usd=0.25)
    assert runs.spent(DAY) == Spent(calls=3, input_tokens=300, output_tokens=40, usd=0.5)
    assert runs.spent(DAY, "C2") == TOOK
    assert runs.spent("2020-01-01") == Spent()


def test_seconds_and_queries_count_for_their_run_once_and_for_its_day(runs: Runs) -> None:
    run = begun(runs, ONE)
    run.reached("scope", Spent(calls=4, wall_s=1.5, queries=3))
    run.reached("weigh", Spent(calls=4, wall_s=2.5, queries=8))
    assert run.used() == runs.spent(DAY) == Spent(wall_s=2.5, queries=8)
    meter = Meter(shared=run.shared(Budget(queries=8), Budget()))
    with pytest.raises(BudgetSpent, match="8 queries for today"):
        meter.check_call(is_priced=True)


def test_runs_share_the_budgets_of_a_day_and_of_their_channel(runs: Runs) -> None:
    run, other = begun(runs, ONE, "C1"), begun(runs, OTHER, "C2")
    run.journal.keep("a", {}, TOOK)
    Meter(shared=other.shared(Budget(calls=2), Budget(calls=1))).check_call(is_priced=True)
    for by_day, by_channel, of in ((2, 1, "C1 today"), (1, 2, "today")):
        meter = Meter(shared=run.shared(Budget(calls=by_day), Budget(calls=by_channel)))
        with pytest.raises(BudgetSpent, match=f"for {of} is spent"):
            meter.check_call(is_priced=True)


def test_a_ledger_that_was_changed_ends_spending_and_not_the_run(runs: Runs) -> None:
    run = begun(runs, ONE)
    run.journal.keep("a", {}, TOOK)
    (row,) = runs.store.rows(SPENT)
    runs.store.delete(SPENT, {"run": ONE})
    runs.store._run(
        f"INSERT INTO {SPENT.name} ({', '.join(SPENT.columns)}, seal) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [*(row | {"calls": 0}).values(), b"0" * 32],
    )
    with pytest.raises(BudgetSpent, match="is not as Inquest wrote it"):
        runs.spent_today()


def test_a_database_that_fails_is_the_models_failure(runs: Runs) -> None:
    run = begun(runs, ONE)
    runs.store._run(f"DROP TABLE {ANSWERS.name}")
    runs.store._run(f"DROP TABLE {RUNS.name}")
    keep = partial(run.journal.keep, "a", {}, TOOK)
    asks: list[Callable[[], object]] = [keep, partial(run.journal.recall, "a"), run.check]
    for ask in asks:
        with pytest.raises(ModelError, match="No model is paid where that cannot be kept"):
            ask()


def test_a_run_whose_process_is_gone_was_killed_and_one_that_is_there_runs(runs: Runs) -> None:
    begun(runs, ONE)
    assert [one.state for one in runs.list()] == ["running"]
    with pytest.raises(RunError, match="is running; one that was interrupted goes on"):
        runs.resume(ONE)
    row = runs.row(ONE)
    host, boot, pid, started = row["owner"].split(" ")
    for owner in (f"{host} {boot} {pid} 1{started}", f"{host} another-boot {pid} {started}"):
        runs.store.put(RUNS, row | {"owner": owner})
        assert [one.state for one in runs.list()] == ["killed"]
    long_ago = (datetime.now(UTC) - timedelta(hours=2)).isoformat()
    elsewhere = row | {"owner": f"elsewhere {boot} {os.getpid()} {started}"}
    runs.store.put(RUNS, elsewhere)
    assert [one.state for one in runs.list()] == ["running"]
    runs.store.put(RUNS, elsewhere | {"seen_at": long_ago})
    assert runs.resume(ONE).id == ONE


def test_a_row_that_is_not_ours_stands_in_nobodys_way(runs: Runs) -> None:
    begun(runs, ONE)
    runs.store._run(f"UPDATE {RUNS.name} SET owner = 'nobody', seen_at = 'never'")
    begun(runs, OTHER)
    assert {one.id: one.state for one in runs.list()} == {ONE: "refused", OTHER: "running"}


def test_a_run_of_another_version_is_listed_and_goes_on_with_none_but_that(runs: Runs) -> None:
    begun(runs, ONE)._ended("interrupted")
    kept = {"engine_version": "0.0.9", "begun": b'{"!Unheard": {}}'}
    runs.store.put(RUNS, runs.row(ONE) | {"begun": dumps(kept)})
    assert [(one.id, one.state) for one in runs.list()] == [(ONE, "refused")]
    with pytest.raises(RunError, match=r"goes on with Inquest 0\.0\.9 alone"):
        runs.resume(ONE)
    assert runs.row(ONE)["state"] == "interrupted"


def test_a_trace_of_several_runs_tells_them_apart(runs: Runs) -> None:
    assert begun(runs, ONE).id == ONE
    assert begun(runs, ONE).id == f"{ONE}-{'a' * 16}"


def test_what_is_over_is_forgotten_after_a_day_and_a_forged_row_is_shown_as_refused(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(runs, ONE)._ended("finished")
    begun(runs, OTHER)._ended("interrupted")
    runs.store._run(f"UPDATE {RUNS.name} SET node = 'x' WHERE run = '{OTHER}'")
    assert {one.id: one.state for one in runs.list()} == {ONE: "finished", OTHER: "refused"}
    monkeypatch.setattr(of_runs, "_KEPT", timedelta(0))
    runs.prune()
    assert [one.id for one in runs.list()] == [OTHER]


def test_a_disk_that_is_full_is_said_once_and_the_run_goes_on(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, said = begun(runs, ONE), list[str]()
    monkeypatch.setattr(runs.store, "warn", said.append)
    runs.store._run("PRAGMA query_only = ON")
    run.reached("scope", Spent())
    run.reached("weigh", Spent())
    assert [text.partition(".")[0] for text in said] == [
        "The run goes on, but could not be resumed"
    ]
