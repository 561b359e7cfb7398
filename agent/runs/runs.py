"""Runs by their ids: begun, reached a node, finished, interrupted, cancelled, gone on with.

A run is a row that says what was asked for, on which snapshots, by whom it is run and how far it
is. Its checkpoints and paid calls lie beside it in the same database.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Self, cast

from langchain_core.runnables import RunnableConfig
from langgraph.graph.state import CompiledStateGraph

from agent.budget import USUAL, Budget, BudgetSpent, Shared, Spent
from agent.config import Request
from agent.errors import RequestError, RunCancelled, RunError
from agent.runs import journal
from agent.runs.checkpoints import CHANNELS, CHECKPOINTS, WRITES, Saver
from agent.runs.journal import ANSWERS, SPENT, Journal
from agent.runs.serial import dumps, loads
from agent.runs.store import Row, Store, Table, master_key

State = Literal["running", "finished", "interrupted", "cancelled", "killed", "refused"]

RUNS: Final = Table("inquest_runs", ("run",), ("state", "node", "owner", "seen_at", "begun"))
DATABASE: Final = "runs.sqlite"
KEY: Final = "runs.key"

_KEPT: Final = timedelta(days=1)
_KEPT_UNFINISHED: Final = timedelta(days=7)
_KEPT_LEDGER: Final = timedelta(days=40)
_SILENT: Final = timedelta(hours=1)
_GOES_ON: Final = frozenset({"interrupted", "killed"})


@dataclass(frozen=True, slots=True)
class Begun:
    """What a run was begun with: all that it takes to go on with it, without asking again.

    `traceparent` is the W3C context of its root span, `snapshots` the lake's that it is about,
    `address` the host and port of its model. `engine_version` is of the Inquest that began it.
    """

    request: Request
    lake: Path
    snapshots: dict[str, int]
    traceparent: str = ""
    model: str = ""
    address: str = ""
    channel: str = ""
    thread: str = ""
    budget: Budget = USUAL
    began_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    engine_version: str = field(default_factory=lambda: version("inquest"))


@dataclass(frozen=True, slots=True)
class Listed:
    """A run as a list shows it; one that is refused has nothing that could be believed."""

    id: str
    state: State
    node: str = ""
    seen_at: str = ""
    begun: Begun | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """A run that this process owns."""

    id: str
    begun: Begun
    runs: Runs

    @property
    def saver(self) -> Saver:
        """Where LangGraph keeps its checkpoints."""
        return Saver(self.runs.store)

    @property
    def config(self) -> RunnableConfig:
        """What LangGraph is told, to find them."""
        return {"configurable": {"thread_id": self.id}}

    @property
    def journal(self) -> Journal:
        """What the run has paid for."""
        return Journal(self.runs.store, self.id, self.begun.channel)

    def used(self) -> Spent:
        """What the run has spent so far, in all its processes."""
        return self.journal.used()

    def shared(self, per_day: Budget, per_channel: Budget) -> tuple[Shared, ...]:
        """The budgets of a UTC day that this run has with all others, and with its channel's."""
        channel = self.begun.channel
        of_all = Shared("today", per_day, self.runs.spent_today)
        of_channel = Shared(f"{channel} today", per_channel, lambda: self.runs.spent_today(channel))
        return (of_all, of_channel) if channel else (of_all,)

    def reached(self, node: str, so_far: Spent) -> None:
        """Note the node that comes next, and what was spent; RunCancelled if it was cancelled."""
        with self.runs.store.at_best(), self.runs.store.transaction(alone=True):
            self.runs.note(self.id, node=node)
            self.journal.took(so_far)

    def check(self) -> None:
        """RunCancelled if somebody cancelled the run, ModelError if that cannot be known."""
        with journal.payable():
            row = self.runs.row(self.id)
        if row["state"] == "cancelled":
            raise RunCancelled(f"The run {self.id} was cancelled.")

    def invoked(
        self, graph: CompiledStateGraph[Any, Any, Any, Any], start: Any, context: Any
    ) -> Any:
        """What comes of a graph, from where the run is; from `start` if nothing is kept of it.

        It is finished once the `with` of its runs has ended well, so that what is done with it can
        be done again. An error that leaves the run unfinished says how to go on.
        """
        graph = graph.copy({"checkpointer": self.saver})
        begins = self.saver.get_tuple(self.config) is None
        try:
            state = graph.invoke(
                start if begins else None, self.config, context=context, durability="sync"
            )
        except (RunCancelled, RequestError):
            self._ended("cancelled")
            raise
        except BaseException as error:
            self.ended(error)
            raise
        finally:
            with self.runs.store.at_best():
                self.journal.took(context.meter.spent())
        self.runs.carried.append(self)
        return state

    def ended(self, error: BaseException | None) -> None:
        """Note that the run is finished, or interrupted by an error, which says how to go on."""
        self._ended("interrupted" if error else "finished")
        if error:
            error.add_note(f"resume  inquest runs resume {self.id} --lake {self.begun.lake}")

    def _ended(self, state: Literal["finished", "interrupted", "cancelled"]) -> None:
        """Note that the run is over; what only a run that goes on needs is deleted if it will not.

        What was cancelled meanwhile stays cancelled.
        """
        with self.runs.store.at_best():
            with suppress(RunCancelled):
                self.runs.note(self.id, state=state)
            if state != "interrupted":
                self.runs.forget(self.id)


class Runs:
    """The runs of one database; those carried to their end are finished when its `with` ends."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.carried: list[Run] = []

    @classmethod
    def open(cls, lake: Path, place: str = "", key: str = "") -> Self:
        """Open the runs of a lake: in its folder, or at a `postgresql://` URL if one is named.

        `key` is the master key; without one it is in a file in the lake's folder.
        """
        return cls(Store.open(place or lake / DATABASE, master_key(lake / KEY, key)))

    def close(self) -> None:
        """Let go of the database."""
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        for run in self.carried:
            run.ended(error)
        self.close()

    def begin(self, trace_id: str, begun: Begun) -> Run | None:
        """Note a new run; it is called as its trace, and more if that has a run already.

        None if it cannot be noted, which is said: it can run all the same, but not be resumed.
        """
        with self.store.at_best():
            self.prune()
            with self.store.transaction(alone=True):
                there = self.store.read(RUNS, run=trace_id)
                run = f"{trace_id}-{begun.traceparent[36:52]}" if there else trace_id
                row = {"run": run, "state": "running", "node": "", "begun": _kept(begun)}
                self.store.put(RUNS, row | _here())
            return Run(run, begun, self)
        return None

    def resume(self, run: str) -> Run:
        """Take over a run that was interrupted or killed; RunError if it is none such."""
        with self.store.transaction(alone=True):
            row = self.row(run)
            state = _state(row)
            if state not in _GOES_ON:
                raise RunError(f"The run {run} is {state}; one that was interrupted goes on.")
            begun = _begun(row)
            self.store.put(RUNS, row | {"state": "running"} | _here())
        return Run(run, begun, self)

    def cancel(self, run: str) -> None:
        """Let a run end before its next node or model call, without a report."""
        with self.store.transaction(alone=True):
            row = self.row(run)
            if row["state"] in ("finished", "cancelled"):
                raise RunError(f"The run {run} is {row['state']}; there is nothing to cancel.")
            self.store.put(RUNS, row | {"state": "cancelled"})

    def list(self) -> list[Listed]:
        """Every run that is known, the newest first."""
        listed = [_listed(row, is_ours=is_ours) for row, is_ours in self.store.read(RUNS)]
        return sorted(listed, key=lambda one: one.seen_at, reverse=True)

    def spent(self, day: str, channel: str = "") -> Spent:
        """What all runs spent on a UTC day (`2026-11-21`), or those of one channel."""
        return journal.spent(self.store, day, channel)

    def spent_today(self, channel: str = "") -> Spent:
        """What was spent since midnight in UTC; BudgetSpent if that cannot be known."""
        try:
            return self.spent(f"{datetime.now(UTC):%Y-%m-%d}", channel)
        except RunError as error:
            raise BudgetSpent(f"Nothing more is spent today. {error}") from error

    def prune(self) -> None:
        """Forget runs that are over for a day, and those that nobody went on with for a week."""
        now = datetime.now(UTC)
        with self.store.transaction():
            for row in (row for row, is_ours in self.store.read(RUNS) if is_ours):
                state = _state(row)
                kept = _KEPT_UNFINISHED if state in _GOES_ON else _KEPT
                if state != "running" and _seen(row) + kept < now:
                    self.forget(row["run"])
                    self.store.delete(RUNS, {"run": row["run"]})
            oldest = f"{now - _KEPT_LEDGER:%Y-%m-%d}"
            for row, _ in self.store.read(SPENT):
                if row["day"] < oldest:
                    self.store.delete(SPENT, {"run": row["run"], "digest": row["digest"]})

    def row(self, run: str) -> Row:
        """The row of a run; RunError if there is none, or if it is not as we wrote it."""
        found = self.store.rows(RUNS, run=run)
        if not found:
            raise RunError(f"There is no run {run!r}: `inquest runs list` names those there are.")
        return found[0]

    def note(self, run: str, **changed: Any) -> None:
        """Note how far a run is; RunCancelled if somebody cancelled it."""
        with self.store.transaction(alone=True):
            row = self.row(run)
            if row["state"] == "cancelled":
                raise RunCancelled(f"The run {run} was cancelled.")
            self.store.put(RUNS, row | changed | _here())

    def forget(self, run: str) -> None:
        """Delete what only a run that goes on would need."""
        with self.store.transaction():
            for table in (CHECKPOINTS, CHANNELS, WRITES, ANSWERS):
                self.store.delete(table, {"run": run})


def _kept(begun: Begun) -> bytes:
    """What a run was begun with, so that every version of Inquest can read of which it is."""
    body = dumps({one.name: getattr(begun, one.name) for one in fields(Begun)})
    return dumps({"engine_version": begun.engine_version, "begun": body})


def _begun(row: Row) -> Begun:
    """What a run was begun with; RunError if by another Inquest, whose graph may be another."""
    kept, ours = loads(row["begun"]), version("inquest")
    if (by := kept.get("engine_version")) != ours:
        raise RunError(f"The run {row['run']} goes on with Inquest {by} alone; this is {ours}.")
    return Begun(**loads(kept["begun"]))


def _listed(row: Row, *, is_ours: bool) -> Listed:
    if not is_ours:
        return Listed(str(row["run"]), "refused")
    state = _state(row)
    try:
        return Listed(row["run"], state, row["node"], row["seen_at"], _begun(row))
    except RunError:
        kept = "refused" if state in _GOES_ON else state
        return Listed(row["run"], kept, row["node"], row["seen_at"])


def _state(row: Row) -> State:
    """A run's state; one that runs only by its own word was killed."""
    state = cast("State", row["state"])
    return "killed" if state == "running" and not _is_alive(row) else state


def _here() -> dict[str, str]:
    return {"owner": _owner(os.getpid()), "seen_at": datetime.now(UTC).isoformat()}


def _owner(pid: int) -> str:
    """A process as no other is called: machine, its boot, pid, and when that was started."""
    return f"{socket.gethostname()} {_boot()} {pid} {_started(pid)}"


def _is_alive(row: Row) -> bool:
    """Whether a run's process is still there; of another machine's that is known by its signs."""
    host, boot, pid, _ = row["owner"].split(" ")
    if host != socket.gethostname():
        return _seen(row) + _SILENT > datetime.now(UTC)
    return boot == _boot() and _runs(int(pid)) and row["owner"] == _owner(int(pid))


def _seen(row: Row) -> datetime:
    return datetime.fromisoformat(row["seen_at"])


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@cache
def _boot() -> str:
    return _read(Path("/proc/sys/kernel/random/boot_id")) or "-"


def _started(pid: int) -> str:
    """When a process was started, in clock ticks since the boot; "-" where nothing tells.

    https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
    """
    after_name = _read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return after_name[19] if after_name else "-"


def _read(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""
