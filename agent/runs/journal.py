"""Paid model calls, kept before their answers are used, and the ledger of what was spent.

An answer that a killed run has paid for is recalled when the run goes on, and not paid again. The
ledger counts every call of every run of a database, and its seconds and queries up to the last node
that it came to. A call under way is in nobody's count yet, so runs side by side can pass a limit
together by as many calls as they have under way: one each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any, Final, cast
from uuid import uuid4

from agent.budget import Spent
from agent.errors import ModelError, RunError
from agent.runs.serial import dumps, loads
from agent.runs.store import Row, Store, StoreError, Table

ANSWERS: Final = Table("inquest_answers", ("run", "digest"), ("body",))
_UNITS: Final = tuple(one.name for one in fields(Spent))
SPENT: Final = Table("inquest_spent", ("run", "digest"), ("day", "channel", *_UNITS))
_TOOK: Final = "seconds and queries"
"""What stands for a digest in the one row of a run that counts no call."""


@dataclass(frozen=True, slots=True)
class Journal:
    """One run's paid calls; `channel` is what asked for the run, for budgets of its own."""

    store: Store
    run: str
    channel: str = ""

    def recall(self, digest: str) -> dict[str, Any] | None:
        """The answer to a request that this run has paid for already; None if it has not.

        RunError if what is kept of the run is not as we wrote it, or if the answer is gone;
        ModelError if the database cannot be asked: then nothing more is paid for.
        """
        with payable(), self.store.transaction():
            answers = {row["digest"]: row for row in self.store.rows(ANSWERS, run=self.run)}
            paid = {row["digest"] for row in self.store.rows(SPENT, run=self.run)}
        if digest in answers:
            return cast("dict[str, Any]", loads(answers[digest]["body"]))
        if digest in paid:
            raise RunError(f"What is kept of run {self.run} lacks an answer; it is refused.")
        return None

    def keep(self, digest: str, answer: Mapping[str, Any], spent: Spent) -> None:
        """Keep a paid answer and what it took; both are on the disk when this returns.

        ModelError if they cannot be: then no more is paid for.
        """
        body = dumps(answer)
        with payable(), self.store.transaction(durable=True):
            self.store.put(ANSWERS, {"run": self.run, "digest": digest, "body": body})
            self.store.put(SPENT, self._row(digest, spent))

    def note(self, spent: Spent) -> None:
        """Count a call that brought no answer; it may have been paid for all the same."""
        with payable(), self.store.transaction(durable=True):
            self.store.put(SPENT, self._row(f"lost {uuid4().hex}", spent))

    def took(self, so_far: Spent) -> None:
        """Note the seconds and queries of a run in all its processes; calls are kept one by one.

        They count on the day on which they are noted last.
        """
        beside = Spent(wall_s=so_far.wall_s, queries=so_far.queries)
        self.store.put(SPENT, self._row(_TOOK, beside))

    def used(self) -> Spent:
        """What this run has spent so far, in all its processes."""
        return _sum(self.store.rows(SPENT, run=self.run))

    def _row(self, digest: str, spent: Spent) -> Row:
        return {
            "run": self.run,
            "digest": digest,
            "day": _today(),
            "channel": self.channel,
            **asdict(spent),
            "usd": float(spent.usd),
            "wall_s": float(spent.wall_s),
        }


@contextmanager
def payable() -> Iterator[None]:
    """A database that cannot be used makes the model one that cannot be: it is not paid blindly."""
    try:
        yield
    except StoreError as error:
        raise ModelError(f"No model is paid where that cannot be kept. {error}") from error


def spent(store: Store, day: str, channel: str = "") -> Spent:
    """What all runs spent on a UTC day (`2026-11-21`), or those of one channel."""
    where = {"day": day} | ({"channel": channel} if channel else {})
    return _sum(store.rows(SPENT, **where))


def _sum(rows: Iterable[Row]) -> Spent:
    return sum((Spent(*(row[unit] for unit in _UNITS)) for row in rows), Spent())


def _today() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d}"
