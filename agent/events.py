"""How far an investigation is, as a stream of events that every door can hear."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal, TextIO

import orjson

from agent.budget import Spent
from agent.redaction import redact


@dataclass(frozen=True, slots=True)
class Event:
    """A node that began, says something or ended, and what the run has spent so far.

    `seconds` is how long a node took that ended; `text` is for people.
    """

    kind: Literal["began", "says", "ended"]
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
    """Hear only what is said, as text."""

    def hear(event: Event) -> None:
        if event.kind == "says":
            tell(event.text)

    return hear


def recorded(file: TextIO, then: Hear) -> Hear:
    """Hear everything, write it to `file` as a line of JSON, redacted, and tell `then` too."""

    def hear(event: Event) -> None:
        line = orjson.dumps(replace(event, text=redact(event.text)), option=orjson.OPT_UTC_Z)
        file.write(f"{line.decode()}\n")
        file.flush()
        then(event)

    return hear
