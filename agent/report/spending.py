"""What agents took, as values: a line of a table of costs, and a run with its steps."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from agent.redaction import redact
from agent.report import words
from agent.report.money import paid

_TRACE = re.compile(r"[0-9a-f]{32}")
_SHORT = 12  # digits of a trace id, as `inquest trace` takes them


@dataclass(frozen=True, slots=True)
class Line:
    """What the runs of one key took; times are seconds, None where nothing was timed.

    `began_at` is when the first of them began. `usd` is what is known to have been paid,
    `unknown_runs` in how many runs a price is not known. `cached_tokens` are of the input.
    `needs_price` is whether anything was to be paid at all.
    """

    key: str
    service: str = ""
    title: str = ""
    began_at: datetime | None = None
    runs: int = 0
    calls: int = 0
    tools: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    usd: float = 0.0
    unknown_runs: int = 0
    needs_price: bool = False
    wall_p50_s: float | None = None
    wall_p95_s: float | None = None
    first_token_s: float | None = None
    errors: int = 0

    @property
    def name(self) -> str:
        """The key, a trace id by its first digits."""
        return self.key[:_SHORT] if _TRACE.fullmatch(self.key) else self.key

    @property
    def tokens(self) -> int:
        """Input and output together."""
        return self.input_tokens + self.output_tokens

    @property
    def price(self) -> str:
        """The money as people read it; what is not known is said, and never nothing."""
        if not self.needs_price:
            return "-"
        return paid(self.usd, is_all=not self.unknown_runs)


@dataclass(frozen=True, slots=True)
class Costs:
    """What was asked for: whose costs, of runs since when, each table by what it is grouped."""

    service: str
    since: datetime | None
    total: Line
    tables: dict[str, tuple[Line, ...]]

    def safe(self) -> Costs:
        """The same, with secrets and what would command a terminal taken out of every text."""
        tables = {name: tuple(map(_safe_line, lines)) for name, lines in self.tables.items()}
        return replace(self, service=_clean(self.service), tables=tables)


@dataclass(frozen=True, slots=True)
class Step:
    """A span: when it ran (seconds from the run's begin), and when everybody waited for it.

    `is_due` is whether it is to be paid, `usd` what is known of that.
    """

    uid: str
    parent: str
    service: str
    name: str
    operation: str
    start_s: float
    took_s: float
    path: tuple[tuple[float, float], ...] = ()
    model: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    usd: float | None = None
    first_token_s: float | None = None
    replayed: bool = False
    is_due: bool = False
    error: str = ""

    @property
    def own_s(self) -> float:
        """How long it alone was waited for."""
        return sum(until - since for since, until in self.path)

    @property
    def is_call(self) -> bool:
        """Whether it is a call of a model, and no answer that is counted elsewhere."""
        return self.operation in {"chat", "embeddings"} and (self.is_due or not self.replayed)

    @property
    def tokens(self) -> int:
        """Input and output together, as far as they are known."""
        return (self.input_tokens or 0) + (self.output_tokens or 0)


@dataclass(frozen=True, slots=True)
class Run:
    """A trace: its spans in order of time, of which conversation it was and what came of it."""

    trace: str
    began_ns: int
    wall_s: float
    steps: tuple[Step, ...]
    conversation: str = ""
    report: str = ""
    verdict: str = ""

    @property
    def began_at(self) -> datetime:
        """When it began."""
        return datetime.fromtimestamp(self.began_ns / 1e9, UTC)

    @property
    def services(self) -> tuple[str, ...]:
        """Who took part, in order of appearance."""
        return tuple(dict.fromkeys(step.service for step in self.steps if step.service))

    def safe(self) -> Run:
        """The same, with secrets and what would command a terminal taken out of every text."""
        return replace(
            self,
            conversation=_clean(self.conversation),
            report=_clean(self.report),
            verdict=_clean(self.verdict),
            steps=tuple(map(_safe_step, self.steps)),
        )


def _safe_line(one: Line) -> Line:
    return replace(one, key=_clean(one.key), service=_clean(one.service), title=_clean(one.title))


def _safe_step(one: Step) -> Step:
    return replace(
        one,
        service=_clean(one.service),
        name=_clean(one.name) or "a span without a name",
        model=_clean(one.model),
        error=_clean(one.error),
    )


def _clean(text: str) -> str:
    return redact(words.line(text))
