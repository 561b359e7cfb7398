"""What agents took (calls, tokens, money, time), as text, markdown, JSON or a page with charts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, date, timedelta

import orjson

from agent.report import words
from agent.report.bars import Bars, Day, stacked
from agent.report.html import environment
from agent.report.markdown import text as plain
from agent.report.spending import Costs, Line
from agent.report.words import seconds

VIEWS = {
    "incident": ("By incident", "a run"),
    "agent": ("By agent", "a run"),
    "model": ("By model", "a call"),
    "node": ("By node", "once through"),
    "tool": ("By tool", "a call"),
}
"""The tables of the page: their headings, and what their times are of."""

_MOST_ROWS, _MOST_DAYS = 12, 62
_GAP, _LEAST_TITLE = "  ", 16


def json(costs: Costs) -> str:
    """The same for programs; a price that is not known is null."""
    shown = {
        "service": costs.service,
        "since": costs.since and costs.since.isoformat(),
        "by": {name: [*map(_values, lines)] for name, lines in costs.safe().tables.items()},
        "total": _values(costs.total),
    }
    return orjson.dumps(shown, option=orjson.OPT_INDENT_2).decode()


def _values(one: Line) -> dict[str, object]:
    values = asdict(one) | {"known_usd": one.usd}
    del values["needs_price"]
    return values | {"usd": None if one.unknown_runs else one.usd}


def text(costs: Costs, width: int = 120) -> str:
    """A table for a terminal of so many columns, and the total in a sentence."""
    safe = costs.safe()
    parts = []
    for name, lines in safe.tables.items():
        rows = _aligned(_cells(name, lines))
        room = width - len(rows[0]) - len(_GAP)
        if _has_titles(name, lines) and room >= _LEAST_TITLE:
            pairs = zip(rows, ["title", *(one.title for one in lines)], strict=True)
            rows = [f"{row}{_GAP}{words.shorten(title, room)}".rstrip() for row, title in pairs]
        parts += [*rows, ""]
    return "\n".join([*parts, total(safe)])


def _aligned(cells: Sequence[Sequence[str]]) -> list[str]:
    """Rows of one length: what a row is of on the left, its numbers on the right."""
    wide = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [_GAP.join([row[0].ljust(wide[0]), *map(str.rjust, row[1:], wide[1:])]) for row in cells]


def _has_titles(by: str, lines: Sequence[Line]) -> bool:
    return by == "incident" and any(one.title for one in lines)


def markdown(costs: Costs) -> str:
    """The same as GitHub-flavoured markdown."""
    safe = costs.safe()
    parts = []
    for name, lines in safe.tables.items():
        head, *rows = _cells(name, lines)
        titled = ["title"] * _has_titles(name, lines)
        ruled = ["---", *("---:" for _ in head[1:]), *("---" for _ in titled)]
        parts += [_row([*head, *titled]), _row(ruled)]
        parts += [
            _row([plain(cell) for cell in (*row, *(one.title for _ in titled))])
            for row, one in zip(rows, lines, strict=True)
        ]
        parts.append("")
    return "\n".join([*parts, plain(total(safe))]) + "\n"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def html(costs: Costs) -> str:
    """A page that loads nothing: the sums, money and tokens by day, and a table for each view."""
    page = environment().get_template("costs.html.j2")
    safe = costs.safe()
    days = by_day(safe.tables.get("day", ()))
    return page.render(
        costs=safe,
        charts=days,
        seconds=seconds,
        views=VIEWS,
        most=_MOST_ROWS,
        share=share,
        measure=measure,
        since=since(costs),
        minute=_minute,
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
        f"{words.plural(one.runs, 'run')} of {whose}{since(costs)}",
        f"{words.plural(one.calls, 'model call')}, {words.plural(one.tools, 'tool call')}",
        f"{one.input_tokens:,} tokens in ({one.cached_tokens:,} cached), {one.output_tokens:,} out",
        one.price if one.needs_price else "nothing was to be paid",
        *([words.plural(one.errors, "error")] if one.errors else []),
    ]
    unknown = f"; of {words.plural(one.unknown_runs, 'run')} the price is not known"
    return " · ".join(told) + unknown * bool(one.unknown_runs)


def since(costs: Costs) -> str:
    """From when on runs are counted, ` since 3 Mar 2026 00:00:00 UTC`; nothing if all are."""
    at = costs.since
    return f" since {words.day(at)} {words.clock(at)} UTC" if at else ""


def _minute(one: Line) -> str:
    """When it began, in UTC: `2026-11-21 14:05`."""
    return f"{one.began_at.astimezone(UTC):%Y-%m-%d %H:%M}" if one.began_at else ""


def _cells(by: str, lines: Sequence[Line]) -> list[list[str]]:
    """Head and rows of a table as text."""
    services = len({one.service for one in lines}) > 1
    times = ["took"] if by == "incident" else ["p50", "p95"]
    head = [by, *(["began, UTC"] * (by == "incident")), *(["service"] * services)]
    head += ["runs", "calls", "tools", "in", "cached", "out", "usd", *times]
    head += [*(["first token"] * (by == "model")), "errors"]
    return [head, *(_told(by, one, services=services) for one in lines)]


def _told(by: str, one: Line, *, services: bool) -> list[str]:
    counts = [one.runs, one.calls, one.tools, one.input_tokens, one.cached_tokens]
    p50 = [] if by == "incident" else [seconds(one.wall_p50_s)]
    return [
        words.shorten(one.name, 48),
        *([_minute(one)] * (by == "incident")),
        *([one.service] * services),
        *(f"{count:,}" for count in [*counts, one.output_tokens]),
        one.price,
        *p50,
        seconds(one.wall_p95_s),
        *([seconds(one.first_token_s)] * (by == "model")),
        f"{one.errors:,}",
    ]
