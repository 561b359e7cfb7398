"""What agents took (calls, tokens, money, time), as text, markdown, JSON or a page with charts."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta

import orjson

from agent.redaction import redact
from agent.report import words
from agent.report.bars import Bars, Day, stacked
from agent.report.html import environment
from agent.report.markdown import text as plain

UNKNOWN = "unknown"
_TRACE = re.compile(r"[0-9a-f]{32}")
VIEWS = {
    "incident": ("By incident", "a run"),
    "agent": ("By agent", "a run"),
    "model": ("By model", "a call"),
    "node": ("By node", "once through"),
    "tool": ("By tool", "a call"),
}
"""The tables of the page: their headings, and what their times are of."""

_MOST_ROWS, _MOST_DAYS = 12, 62
_SHORT = 12  # digits of a trace id, as `inquest trace` takes them


@dataclass(frozen=True, slots=True)
class Line:
    """What the runs of one key took; times are seconds, None where nothing was timed.

    `usd` is what is known to have been paid, `unknown_runs` in how many runs a price is not known.
    `cached_tokens` are of the input. `needs_price` is whether anything was to be paid at all.
    """

    key: str
    service: str = ""
    title: str = ""
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
        if self.unknown_runs and not self.usd:
            return UNKNOWN
        return money(self.usd) + (f" + {UNKNOWN}" if self.unknown_runs else "")


@dataclass(frozen=True, slots=True)
class Costs:
    """What was asked for: whose costs, since when, and each table by what it is grouped."""

    service: str
    since: str
    total: Line
    tables: dict[str, tuple[Line, ...]]


def money(usd: float) -> str:
    """Dollars with as many digits as small sums need: `$3.10`, `$0.042`, `$0.00031`."""
    if usd >= 0.995 or usd == 0:
        return f"${usd:,.2f}"
    return f"${usd:.2g}" if usd >= 1e-4 else f"${usd:.1e}"


def json(costs: Costs) -> str:
    """The same for programs; a price that is not known is null."""
    shown = {
        "service": costs.service,
        "since": costs.since or None,
        "by": {name: [*map(_values, lines)] for name, lines in _safe(costs).tables.items()},
        "total": _values(costs.total),
    }
    return orjson.dumps(shown, option=orjson.OPT_INDENT_2).decode()


def _values(one: Line) -> dict[str, object]:
    values = asdict(one) | {"known_usd": one.usd}
    del values["needs_price"]
    return values | {"usd": None if one.unknown_runs else one.usd}


def text(costs: Costs) -> str:
    """A table for a terminal, and the total in a sentence."""
    safe = _safe(costs)
    parts = []
    for name, lines in safe.tables.items():
        cells = _cells(name, lines)
        wide = [max(map(len, column)) for column in zip(*cells, strict=True)]
        for row in cells:
            first, *rest = zip(row, wide, strict=True)
            told = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest)]
            parts.append("  ".join(told).rstrip())
        parts.append("")
    return "\n".join([*parts, total(safe)])


def markdown(costs: Costs) -> str:
    """The same as GitHub-flavoured markdown."""
    safe = _safe(costs)
    parts = []
    for name, lines in safe.tables.items():
        head, *rows = _cells(name, lines)
        parts += [_row(head), _row(["---", *("---:" for _ in head[1:])])]
        parts += [_row([plain(cell) for cell in row]) for row in rows]
        parts.append("")
    return "\n".join([*parts, plain(total(safe))]) + "\n"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def html(costs: Costs) -> str:
    """A page that loads nothing: the sums, money and tokens by day, and a table for each view."""
    page = environment().get_template("costs.html.j2")
    safe = _safe(costs)
    days = by_day(safe.tables.get("day", ()))
    return page.render(
        costs=safe,
        charts=days,
        seconds=seconds,
        views=VIEWS,
        most=_MOST_ROWS,
        share=share,
        measure=measure,
    )


def share(one: Line, lines: Sequence[Line]) -> float:
    """How long the bar of a row is, of 1 for the longest."""
    are_tokens = measure(lines) == "tokens"

    def measured(line: Line) -> float:
        return float(line.tokens) if are_tokens else line.wall_p95_s or 0.0

    return measured(one) / (max(map(measured, lines)) or 1.0)


def measure(lines: Sequence[Line]) -> str:
    """What the bars of a table are: tokens, where there are any, else time."""
    return "tokens" if any(line.tokens for line in lines) else "time"


def by_day(lines: Sequence[Line]) -> tuple[Bars, ...]:
    """Money, tokens, time and runs day by day, the last ones; a day without a run is one too."""
    if not lines:
        return ()
    known = {one.key: one for one in lines}
    first, last = (date.fromisoformat(key) for key in (min(known), max(known)))
    every = [first + timedelta(days=at) for at in range((last - first).days + 1)][-_MOST_DAYS:]
    days = [(day, known.get(day.isoformat(), Line(day.isoformat()))) for day in every]
    charts = [
        stacked(title, unit, key, [draw(day, one) for day, one in days])
        for title, unit, key, draw in _CHARTS
    ]
    return tuple(chart for chart in charts if not chart.is_empty)


def _money(at: date, one: Line) -> Day:
    return Day(at, one.price, ((one.usd, "good"),), "?" if one.unknown_runs else "")


def _tokens(at: date, one: Line) -> Day:
    fresh = max(one.input_tokens - one.cached_tokens, 0)
    parts = ((fresh, "good"), (one.cached_tokens, "soft"), (one.output_tokens, "bad"))
    return Day(at, f"{one.input_tokens:,} in, {one.output_tokens:,} out", parts)


def _time(at: date, one: Line) -> Day:
    half, most = one.wall_p50_s or 0.0, one.wall_p95_s or 0.0
    said = f"p50 {seconds(one.wall_p50_s)}, p95 {seconds(one.wall_p95_s)}"
    return Day(at, said, ((half, "good"), (most - half, "soft")))


def _runs(at: date, one: Line) -> Day:
    said = f"{words.plural(one.runs, 'run')}, {words.plural(one.errors, 'error')}"
    return Day(at, said, ((one.runs, "good"),), f"{one.errors} ✕" if one.errors else "")


_CHARTS: tuple[tuple[str, str, tuple[tuple[str, str], ...], Callable[[date, Line], Day]], ...] = (
    ("Money", "$", (("mark", "? not all is known"),), _money),
    ("Tokens", "1", (("good", "in"), ("soft", "in, cached"), ("bad", "out")), _tokens),
    ("Time of a run", "s", (("good", "p50"), ("soft", "to p95")), _time),
    ("Runs", "1", (("mark", "✕ errors"),), _runs),
)


def total(costs: Costs) -> str:
    """`12 runs of inquest: 31 calls, ... $0.42; of 3 runs the price is not known`."""
    one = costs.total
    whose = "all agents" if costs.service == "all" else costs.service
    told = [
        f"{words.plural(one.runs, 'run')} of {whose}{f' since {costs.since}' * bool(costs.since)}",
        f"{words.plural(one.calls, 'model call')}, {words.plural(one.tools, 'tool call')}",
        f"{one.input_tokens:,} tokens in ({one.cached_tokens:,} cached), {one.output_tokens:,} out",
        one.price if one.needs_price else "nothing was to be paid",
        *([words.plural(one.errors, "error")] if one.errors else []),
    ]
    unknown = f"; of {words.plural(one.unknown_runs, 'run')} the price is not known"
    return " · ".join(told) + unknown * bool(one.unknown_runs)


def _cells(by: str, lines: Sequence[Line]) -> list[list[str]]:
    """Head and rows of a table as text."""
    services = len({one.service for one in lines}) > 1
    head = [by, *(["service"] * services), "runs", "calls", "tools", "in", "cached", "out"]
    head += ["usd", "p50", "p95", *(["first token"] * (by == "model")), "errors"]
    return [head, *(_told(by, one, services=services) for one in lines)]


def _told(by: str, one: Line, *, services: bool) -> list[str]:
    counts = [one.runs, one.calls, one.tools, one.input_tokens, one.cached_tokens]
    return [
        words.shorten(one.name, 48),
        *([one.service] * services),
        *(f"{count:,}" for count in [*counts, one.output_tokens]),
        one.price,
        seconds(one.wall_p50_s),
        seconds(one.wall_p95_s),
        *([seconds(one.first_token_s)] * (by == "model")),
        f"{one.errors:,}",
    ]


def seconds(value: float | None) -> str:
    """A duration in seconds, scaled; a dash where none is known."""
    if value is None:
        return "-"
    return words.quantity(value, "s") if value < 60 else words.duration(value)


def _safe(costs: Costs) -> Costs:
    """The same, with secrets and what would command a terminal taken out of every text."""

    def each(one: Line) -> Line:
        return replace(
            one, key=_clean(one.key), service=_clean(one.service), title=_clean(one.title)
        )

    tables = {name: tuple(map(each, lines)) for name, lines in costs.tables.items()}
    return replace(costs, service=_clean(costs.service), tables=tables)


def _clean(text: str) -> str:
    return redact(words.line(text))
