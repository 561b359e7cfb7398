"""A person at PostgreSQL's own prompt, who forgets to commit."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from tests.shop.fleet import now
from tests.shop.processes import TakeError
from tests.shop.story import HoldLock


@dataclass(frozen=True)
class Session:
    """A session at psql that held locks on a table, and when: times are UTC."""

    step: HoldLock
    locked_at: datetime
    released_at: datetime


def hold_lock(port: int, step: HoldLock, stop: threading.Event) -> Session:
    """Run a statement in a transaction that stays idle for some time, then take it back."""
    with prompt(port, step.user) as psql:
        say(psql, "BEGIN")
        say(psql, step.statement)
        locked_at = now()
        stop.wait(step.seconds)
        released_at = now()
        say(psql, "ROLLBACK")
    return Session(step, locked_at, released_at)


@contextmanager
def prompt(port: int, user: str) -> Iterator[subprocess.Popen[str]]:
    """Open psql; it ends, and its transaction with it, when its input does, however that comes."""
    server = ["-h", "127.0.0.1", "-p", str(port), "-U", user, "-d", "shop"]
    command = ["psql", "--no-psqlrc", "--set=ON_ERROR_STOP=1", *server]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as psql:
        yield psql


def say(psql: subprocess.Popen[str], statement: str) -> None:
    """Type a statement and read its command tag; raises TakeError unless it is the statement's."""
    if psql.stdin is None or psql.stdout is None:
        raise TakeError("psql has no pipes")
    psql.stdin.write(f"{statement};\n")
    psql.stdin.flush()
    tag = psql.stdout.readline()
    if not tag.startswith(statement.split()[0]):
        raise TakeError(f"psql answered {tag!r} to {statement!r}")
