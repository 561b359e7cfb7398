"""Sealed rows in SQLite or PostgreSQL: a row that is not as we wrote it is refused, and not read.

The seal of a row is an HMAC-SHA256 over its table and all its other columns, with a key that is
made of a master key and the row's run. So none can be changed, forged, or moved from another run,
table or place; one that is taken away is as if it had never been written.
"""

from __future__ import annotations

import hmac
import logging
import os
import secrets
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from threading import RLock
from typing import Any, Final, Protocol, Self

from agent.errors import RunError

Row = dict[str, Any]

_log = logging.getLogger(__name__)


class StoreError(RunError):
    """The database of runs cannot be used at the moment."""


_PATIENCE_S: Final = 30
_SHORTEST_KEY: Final = 16
_LOCK: Final = 90_001  # ours among the advisory locks of a PostgreSQL database


@dataclass(frozen=True, slots=True)
class Table:
    """A table of `schema.sql`: its key, then its other columns, without the seal."""

    name: str
    key: tuple[str, ...]
    others: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column but the seal."""
        return self.key + self.others


class Connection(Protocol):
    """What is used of a database connection, whoever's it is."""

    def execute(self, sql: str, values: Sequence[Any] = ..., /) -> Any:
        """Run one statement."""

    def close(self) -> None:
        """Let go of it."""


class Store:
    """An open database of sealed rows, safe for several threads and processes."""

    def __init__(self, place: str, connection: Connection, master: bytes, mark: str) -> None:
        self.place = place
        self._connection = connection
        self._master = master
        self._mark = mark
        self._lock = RLock()
        self._depth = 0
        self._has_warned = False
        self.warn: Callable[[str], None] = _log.warning

    @classmethod
    def open(cls, place: str | Path, master: bytes) -> Self:
        """Open the database of a file, or of a `postgresql://` URL, and make what it lacks."""
        is_url = str(place).startswith(("postgresql://", "postgres://"))
        name = str(place).rpartition("@")[2] if is_url else str(place)
        with _told(name):
            connection = _postgresql(str(place)) if is_url else _sqlite(Path(place))
        store = cls(name, connection, master, "%s" if is_url else "?")
        with store.transaction(alone=True):
            for statement in files("agent.runs").joinpath("schema.sql").read_text().split(";\n"):
                if statement.strip():
                    store._run(statement)
        return store

    def close(self) -> None:
        """Let go of the database."""
        self._connection.close()

    @contextmanager
    def transaction(self, *, alone: bool = False, durable: bool = False) -> Iterator[None]:
        """All or nothing of what is written inside.

        With `alone` no other writer is between what is read and what is written; with `durable` it
        outlives a loss of power, else the death of the process. One inside another is part of it.
        """
        with self._lock, _told(self.place):
            if self._depth:
                yield
                return
            self._begin(alone=alone, durable=durable)
            self._depth += 1
            try:
                yield
            except BaseException:
                with suppress(Exception):
                    self._connection.execute("ROLLBACK")
                raise
            else:
                self._connection.execute("COMMIT")
            finally:
                self._depth -= 1

    @contextmanager
    def at_best(self) -> Iterator[None]:
        """Let what cannot be kept not end the run that it is of: the first time it is said."""
        try:
            yield
        except RunError as error:
            if not self._has_warned:
                self._has_warned = True
                self.warn(f"The run goes on, but could not be resumed. {error}")

    def put(self, table: Table, row: Row) -> None:
        """Write a row, in the place of the one with the same key if there is one."""
        names = (*table.columns, "seal")
        changed = ", ".join(f"{name} = excluded.{name}" for name in (*table.others, "seal"))
        self._run(
            f"INSERT INTO {table.name} ({', '.join(names)}) "
            f"VALUES ({', '.join([self._mark] * len(names))}) "
            f"ON CONFLICT ({', '.join(table.key)}) DO UPDATE SET {changed}",
            [*(row[name] for name in table.columns), self._seal(table, row)],
        )

    def rows(self, table: Table, **where: Any) -> list[Row]:
        """The rows with these values; RunError if one of them is not as we wrote it."""
        found = self.read(table, **where)
        if any(not is_ours for _, is_ours in found):
            of_run = f" of run {where['run']}" if "run" in where else ""
            raise RunError(
                f"A row of {table.name} in {self.place} is not as Inquest wrote it, or the key is "
                f"another: what is kept{of_run} is refused."
            )
        return [row for row, _ in found]

    def read(self, table: Table, **where: Any) -> list[tuple[Row, bool]]:
        """The rows with these values, each with whether it is as we wrote it."""
        which = " AND ".join(f"{name} = {self._mark}" for name in where) or "TRUE"
        names = ", ".join((*table.columns, "seal"))
        found = self._run(f"SELECT {names} FROM {table.name} WHERE {which}", [*where.values()])
        rows = [(dict(zip(table.columns, of_row, strict=False)), of_row[-1]) for of_row in found]
        return [(row, self._is_ours(table, row, seal)) for row, seal in rows]

    def delete(
        self, table: Table, where: Mapping[str, Any], but: Mapping[str, Any] | None = None
    ) -> None:
        """Delete the rows with the values of `where`, but not those with the values of `but`."""
        kept = but or {}
        tests = [f"{name} = {self._mark}" for name in where]
        tests += [f"{name} <> {self._mark}" for name in kept]
        self._run(
            f"DELETE FROM {table.name} WHERE {' AND '.join(tests)}",
            [*where.values(), *kept.values()],
        )

    def _run(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._lock, _told(self.place):
            answer = self._connection.execute(sql, values)
            return answer.fetchall() if answer.description else []

    def _begin(self, *, alone: bool, durable: bool) -> None:
        if self._mark == "?":
            self._connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self._connection.execute("BEGIN IMMEDIATE")
            return
        self._connection.execute("BEGIN")
        if alone:
            self._connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])

    def _seal(self, table: Table, row: Row) -> bytes:
        key = hmac.digest(self._master, f"run {row['run']}".encode(), "sha256")
        parts = [_part(table.name), *(_part(row[name]) for name in table.columns)]
        return hmac.digest(key, b"".join(parts), "sha256")

    def _is_ours(self, table: Table, row: Row, seal: object) -> bool:
        return isinstance(seal, bytes) and hmac.compare_digest(seal, self._seal(table, row))


def master_key(beside: Path, given: str = "") -> bytes:
    """The key that was `given`, or the one in the file, which is made on its first use.

    RunError if it is too short, or if others than the owner may read the file.
    """
    if given and len(given) < _SHORTEST_KEY:
        raise RunError(
            f"INQUEST_CHECKPOINT_KEY has {len(given)} characters; it is {_SHORTEST_KEY} or more."
        )
    if given:
        return given.encode()
    with _told(str(beside)):
        if not beside.exists():
            _make_key(beside)
        if beside.stat().st_mode & 0o077:
            raise RunError(f"The key {beside} can be read by others; expected mode 600.")
        key = beside.read_bytes().strip()
    if len(key) < _SHORTEST_KEY:
        raise RunError(f"The key {beside} holds {len(key)} bytes; it is {_SHORTEST_KEY} or more.")
    return key


def _make_key(place: Path) -> None:
    """Write a new key as a whole file; who comes second takes that of the first."""
    draft = place.with_name(f".{place.name}.{secrets.token_hex(4)}")
    with open(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:  # noqa: PTH123 - a descriptor
        file.write(secrets.token_hex(32))
        file.flush()
        os.fsync(file.fileno())
    with suppress(FileExistsError):
        os.link(draft, place)
    draft.unlink()


def _part(value: object) -> bytes:
    """A value with its type and length, so that no two rows read the same."""
    text = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
    return b"%s:%d:%s" % (type(value).__name__.encode(), len(text), text)


def _sqlite(path: Path) -> Connection:
    connection = sqlite3.connect(
        path, timeout=_PATIENCE_S, check_same_thread=False, isolation_level=None
    )
    connection.execute("PRAGMA journal_mode = WAL")
    return connection


def _postgresql(url: str) -> Connection:
    try:
        import psycopg
    except ImportError as error:
        raise RunError(
            "Runs are to be kept in PostgreSQL, and its client is not installed; "
            "`pip install 'inquest[postgres]'` brings it."
        ) from error
    return psycopg.connect(url, autocommit=True, connect_timeout=_PATIENCE_S)


@contextmanager
def _told(place: str) -> Iterator[None]:
    """Say in one sentence what a database or a file will not do."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise _unusable(place, error) from error
    except Exception as error:
        if type(error).__module__.partition(".")[0] != "psycopg":
            raise
        raise _unusable(place, error) from error


def _unusable(place: str, error: Exception) -> StoreError:
    reason = (str(error) or type(error).__name__).splitlines()[0].rstrip(".")
    return StoreError(f"What is kept of runs in {place} cannot be used: {reason}.")
