"""Paid model calls, kept before their answers are used, and the ledger of what was spent.

An answer that a killed run has paid for is recalled when the run goes on, and not paid again. The
ledger counts every call of every run of a database. A call under way is in nobody's count yet, so
runs side by side can pass a limit together by as many calls as they have under way: one each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, cast
from uuid import uuid4

from agent.budget import Spent
from agent.errors import ModelError, RunError
from agent.runs.serial import dumps, loads
from agent.runs.store import Row, Store, Table

ANSWERS: Final = Table("inquest_answers", ("run", "digest"), ("body",))
SPENT: Final = Table(
    "inquest_spent",
    ("run", "digest"),
    ("day", "channel", "calls", "input_tokens", "output_tokens", "usd"),
)


@dataclass(frozen=True, slots=True)
class Journal:
    """One run's paid calls; `channel` is what asked for the run, for budgets of its own."""

    store: Store
    run: str
    channel: str = ""

    def recall(self, digest: str) -> dict[str, Any] | None:
        """The answer to a request that this run has paid for already; None if it has not.

        RunError if what is kept of the run is not as we wrote it, or if the answer is gone.
        """
        with self.store.transaction():
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
        with _paid(), self.store.transaction(durable=True):
            self.store.put(ANSWERS, {"run": self.run, "digest": digest, "body": body})
            self.store.put(SPENT, self._row(digest, spent))

    def note(self, spent: Spent) -> None:
        """Count a call that brought no answer; it may have been paid for all the same."""
        with _paid(), self.store.transaction(durable=True):
            self.store.put(SPENT, self._row(f"lost {uuid4().hex}", spent))

    def used(self) -> Spent:
        """What this run has spent so far, in all its processes."""
        return _sum(self.store.rows(SPENT, run=self.run))

    def _row(self, digest: str, spent: Spent) -> Row:
        return {
            "run": self.run,
            "digest": digest,
            "day": _today(),
            "channel": self.channel,
            "calls": spent.calls,
            "input_tokens": spent.input_tokens,
            "output_tokens": spent.output_tokens,
            "usd": float(spent.usd),
        }


@contextmanager
def _paid() -> Iterator[None]:
    """What was paid and cannot be kept makes the model one that cannot be used."""
    try:
        yield
    except RunError as error:
        raise ModelError(f"A model's answer could not be kept. {error}") from error


def spent(store: Store, day: str, channel: str = "") -> Spent:
    """What all runs spent on a UTC day (`2026-11-21`), or those of one channel."""
    where = {"day": day} | ({"channel": channel} if channel else {})
    return _sum(store.rows(SPENT, **where))


def _sum(rows: Iterable[Row]) -> Spent:
    each = (
        Spent(row["calls"], row["input_tokens"], row["output_tokens"], row["usd"]) for row in rows
    )
    return sum(each, Spent())


def _today() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d}"
