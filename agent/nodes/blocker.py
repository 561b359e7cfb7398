"""Who blocks: the session that others wait for, and what it did before they had to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from agent.nodes.facts import Facts
from agent.nodes.survey.locks import session
from agent.quotes import named
from agent.state import Cause
from agent.tools.notebook import Answer

Row = dict[str, Any]

_BEFORE = timedelta(hours=12)
_NO_WORK = ("BEGIN", "START TRANSACTION", "SET ", "SELECT ", "SHOW ")


@dataclass(frozen=True, slots=True)
class Blocker:
    """A session at the head of a queue for locks: the waits for it, and its own lines."""

    held: Row
    waits: Answer
    lines: Answer

    @property
    def who(self) -> str:
        """The session in words: its number, its user and its application."""
        known = next((r for r in self._rows if r["user_name"]), None)
        if known is None:
            return f"session {self.held['holder']}"
        application = f" ({named(known['application'])})" if known["application"] else ""
        return f"session {self.held['holder']} of {named(known['user_name'])}{application}"

    @property
    def statement(self) -> Row | None:
        """The last statement before the first wait that can have taken the lock, if it was logged.

        One that only reads is taken where there is no other.
        """
        told = [r for r in self._rows if r["statement"] and r["time"] <= self.held["first_at"]]
        working = [r for r in told if not r["statement"].upper().lstrip().startswith(_NO_WORK)]
        return next(iter(working or told), None)

    @property
    def _rows(self) -> list[Row]:
        return self.lines.rows.dicts()


def blocker(cause: Cause, facts: Facts, ask: Callable[..., Answer]) -> Blocker | None:
    """The session of the blamed database that others waited for most; None if nobody waited."""
    waited = facts.lock_waits(cause.resource.name)
    if not waited:
        return None
    head = max(waited, key=lambda s: (s.effect, s.during, s.attributes)).attributes
    waits = ask("lock_waits", **facts.window.span)
    held = next(row for row in waits.rows.dicts() if session(row) == head)
    lines = ask(
        "session",
        about=str(held["holder"]),
        pid=held["holder"],
        start=facts.window.start - _BEFORE,
        end=held["last_at"],
    )
    return Blocker(held, waits, lines)
