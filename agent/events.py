"""How far an investigation is, as a stream of events that every door can hear."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from io import RawIOBase
from typing import Literal

import orjson

from agent.budget import Spent
from agent.redaction import redact


@dataclass(frozen=True, slots=True)
class Event:
    """A node that began, says something, ended or failed, and what the run has spent so far.

    `seconds` is how long a node took that ended; `text` is for people: of one that failed, why.
    """

    kind: Literal["began", "says", "ended", "failed"]
    node: str
    text: str = ""
    seconds: float | None = None
    spent: Spent = field(default_factory=Spent)
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __str__(self) -> str:
        """Give what people read."""
        return self.text or f"{self.node} {self.kind}"


Hear = Callable[[Event], None]


def unheard(_event: Event) -> None:
    """Hear nothing."""


def spoken(tell: Callable[[str], None]) -> Hear:
    """Hear only what is said and what failed, as text."""

    def hear(event: Event) -> None:
        if event.kind in ("says", "failed"):
            tell(event.text)

    return hear


def recorded(file: RawIOBase, then: Hear, warn: Callable[[str], None]) -> Hear:
    """Hear everything, write it to `file` as a line of JSON, redacted, and tell `then` too.

    Where it cannot be written `warn` is told so once, and nothing more is written.
    """
    lost = threading.Event()

    def hear(event: Event) -> None:
        line = orjson.dumps(replace(event, text=redact(event.text)), option=orjson.OPT_UTC_Z)
        try:
            if not lost.is_set():
                file.write(line + b"\n")
        except OSError as error:
            lost.set()
            warn(f"No more events are written: {error.strerror}.")
        then(event)

    return hear
