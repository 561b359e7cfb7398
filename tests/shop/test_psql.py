"""A lock held at psql's prompt blocks others, and PostgreSQL's log knows whose it is."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from tests.shop import daemons, truth
from tests.shop.processes import Processes, TakeError
from tests.shop.psql import hold_lock
from tests.shop.stories.lock_held import BLOCKING
from tests.shop.story import HoldLock

PORT = 28732

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(bool(daemons.missing_packages()), reason="Debian packages are missing"),
]


@pytest.fixture(scope="module")
def run() -> Iterator[Path]:
    """A folder that PostgreSQL's user can reach into, and PostgreSQL at work in it."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    (folder / "logs").mkdir()
    with Processes(folder / "logs") as processes:
        daemons.start_postgres(processes, folder, PORT)
        yield folder
    shutil.rmtree(folder)


def stock(user: str) -> psycopg.Connection[tuple[int]]:
    return psycopg.connect(f"postgresql://{user}@127.0.0.1:{PORT}/shop", autocommit=True)


HELD = """
SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE usename = 'ana_reyes' AND relation = 'stock'::regclass AND state = 'idle in transaction'
"""


def test_others_wait_until_it_is_taken_back(run: Path) -> None:
    released = threading.Event()
    with ThreadPoolExecutor() as pool, stock("shop") as shop:
        session = pool.submit(hold_lock, PORT, BLOCKING, released)
        try:
            while shop.execute(HELD).fetchone() == (0,):
                assert not session.done()
            with pytest.raises(psycopg.errors.LockNotAvailable):
                shop.execute("SELECT sku FROM stock FOR UPDATE NOWAIT")
        finally:
            released.set()
        held = truth.blocker(session.result(), run / "postgres" / "log")
        assert shop.execute("SELECT max(available) FROM stock").fetchone() == (100000,)
    assert (held.user, held.table, held.pid > 0) == ("ana_reyes", "stock", True)
    assert held.locked_at <= held.released_at


def test_a_statement_that_fails_loses_the_take(run: Path) -> None:
    assert run.is_dir()
    wrong = HoldLock("ana_reyes", "stock", "UPDATE stok SET available = 1", 0)
    with pytest.raises(TakeError, match="stok"):
        hold_lock(PORT, wrong, threading.Event())
