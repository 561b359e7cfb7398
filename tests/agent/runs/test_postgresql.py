"""Runs are kept in PostgreSQL as they are in SQLite."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from agent.budget import Spent
from agent.config import Request
from agent.errors import RunError
from agent.runs.checkpoints import Saver
from agent.runs.runs import Begun, Runs
from tests.agent.runs.test_checkpoints import counted
from tests.planted.site import free_port
from tests.shop import daemons
from tests.shop.processes import Processes

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not daemons.postgres_program("initdb"), reason="postgresql is missing"),
]
RUN = "1" * 32


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    (folder / "logs").mkdir()
    with Processes(folder / "logs") as processes:
        yield daemons.start_postgres(processes, folder, free_port())
    shutil.rmtree(folder)


def test_a_run_goes_on_from_postgresql_and_is_refused_when_a_row_was_changed(
    url: str, tmp_path: Path
) -> None:
    with Runs.open(tmp_path, url) as runs:
        kept = runs.begin(RUN, Begun(Request(question="why?"), tmp_path, {"log_record": 7}))
        assert kept
        kept.journal.keep("asked", {"text": "because"}, Spent(1, 10, 5, 0.25))
        with pytest.raises(OSError, match="each1"):
            counted(runs.store, {"each1"}, []).invoke({"gaps": []}, kept.config, durability="sync")
        runs.note(RUN, state="interrupted")
    with Runs.open(tmp_path, url) as runs:
        kept = runs.resume(RUN)
        assert (kept.begun.request.question, kept.used().usd) == ("why?", 0.25)
        assert kept.journal.recall("asked") == {"text": "because"}
        assert runs.spent(f"{datetime.now(UTC):%Y-%m-%d}").input_tokens == 10
        ran: list[str] = []
        state = counted(runs.store, set(), ran).invoke(None, kept.config, durability="sync")
        assert (ran, len(state["gaps"])) == (["each1", "last"], 5)
    with psycopg.connect(url, autocommit=True) as database:
        database.execute("UPDATE inquest_channels SET body = body || '\\x20'::bytea")
    with Runs.open(tmp_path, url) as runs, pytest.raises(RunError, match="is not as Inquest wrote"):
        Saver(runs.store).get_tuple(kept.config)
