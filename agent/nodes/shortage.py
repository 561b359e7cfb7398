"""What the culprit used up: a metric of a limited thing that rose on it, instance by instance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from agent.nodes.facts import Facts
from agent.state import Cause, Signal
from agent.tools.notebook import Answer

Row = dict[str, Any]

_FULL, _NEAR = 0.95, 0.75
# OpenTelemetry's semantic conventions: what is used, the limit it has, and the words for it.
_LIMITED = (
    ("db.client.connection.count", "db.client.connection.max", "database connections"),
    ("jvm.memory.used", "jvm.memory.limit", "heap"),
    ("process.memory.usage", "", "memory"),
    ("process.open_file_descriptor.count", "", "file descriptors"),
    ("container.memory.usage", "", "memory"),
)


@dataclass(frozen=True, slots=True)
class Shortage:
    """A limited thing that the culprit holds: in words, and as each instance reported it."""

    signal: Signal
    words: str
    answer: Answer

    @property
    def worst(self) -> Row:
        """The instance that held most."""
        rows: list[Row] = self.answer.rows.dicts()
        return max(rows, key=lambda row: (max(row["values"]), row["instance"]))

    @property
    def near(self) -> bool:
        """Whether that instance came near its ceiling; true where none is known."""
        ceiling = self.worst["ceiling"]
        return not ceiling or max(self.worst["values"]) >= _NEAR * ceiling

    @property
    def reached(self) -> bool:
        """Whether that instance came to its ceiling."""
        ceiling = self.worst["ceiling"]
        return bool(ceiling) and max(self.worst["values"]) >= _FULL * ceiling


def shortage(cause: Cause, facts: Facts, ask: Callable[..., Answer]) -> Shortage | None:
    """The clearest rise of a limited thing on the blamed resource, highest on what is blamed."""
    for used, limit, words in _LIMITED:
        for signal in facts.saturation(cause.resource.name):
            metric = signal.subject.partition("{")[0]
            if metric != used or signal.during <= signal.before:
                continue
            answer = ask(
                "metric_by_instance",
                about=f"{cause.resource.name} {signal.subject}",
                service=cause.resource.name,
                metric=metric,
                attributes=signal.attributes,
                ceiling=limit,
                **facts.window.span,
            )
            found = Shortage(signal, words, answer)
            if not found.near:
                continue
            if cause.resource.version in ("", found.worst["version"]):
                return found
    return None
