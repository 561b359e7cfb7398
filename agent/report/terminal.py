"""A Report for a terminal: about a screen and a half, coloured with rich."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from io import StringIO

from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from agent.report import words
from agent.report.braille import plot
from agent.state import Carrier, Cause, Chart, Hop, Report

_STYLES = {
    "bad": "red",
    "good": "cyan",
    "unsure": "yellow",
    "plain": "",
    "implicated": "red",
    "cleared": "cyan",
    "not_assessable": "yellow",
    "alert": "",
}
_SIGNS = {"implicated": "▲", "cleared": "△", "not_assessable": "◇", "alert": "!"}
_HEIGHT, _LEFT, _BAR = 7, 16, 24


def terminal(report: Report, width: int = 100) -> RenderableType:
    """The verdict, the main signal, cause, changes, next steps, gaps and cost."""
    return Group(*(Padding(part, (0, 0, 1, 0)) for part in _parts(report, width)), _cost(report))


def text(report: Report, width: int = 100) -> str:
    """`terminal` without colours, as for a file or a pipe."""
    out = StringIO()
    Console(file=out, width=width, color_system=None, legacy_windows=False).print(
        terminal(report, width)
    )
    return "\n".join(row.rstrip() for row in out.getvalue().splitlines()).rstrip() + "\n"


def _parts(report: Report, width: int) -> Iterator[RenderableType]:
    yield _head(report)
    said = [_cited(one.text, one.evidence) for one in (*report.summary, *report.impact)]
    if said:
        yield Group(*said)
    if report.charts:
        yield Group(*_chart(report.charts[0], width))
    titled = {
        "Root cause" if report.verdict == "cause_found" else "Candidates, none proven": _causes,
        words.COMMON: _common,
        "What changed": _changes,
        words.PROPOSED: _proposed,
        "What to do next": _next_steps,
        "Not looked at": _gaps,
        "What was checked": _checked,
    }
    for title, rows in titled.items():
        if found := list(rows(report)):
            yield _section(title, found)


def _head(report: Report) -> RenderableType:
    tone = _STYLES[words.TONES[report.verdict]]
    facts = [words.tried(report)]
    if report.verdict == "cause_found" and report.causes:
        facts.insert(0, words.grounding(report.causes[0]))
    return Group(
        Text.assemble(
            (f" {words.status(report)} ", f"bold reverse {tone}"),
            (f"  {words.kicker(report)}", "dim"),
        ),
        Text(words.line(report.title), style="bold"),
        Text.assemble(
            (words.confidence(report), f"bold {tone}"), (" · " + " · ".join(facts), "dim")
        ),
    )


def _cited(sentence: str, ids: Iterable[str]) -> Text:
    return Text.assemble(words.line(sentence), *((f" {words.line(i)}", "blue") for i in ids))


def _section(title: str, rows: Iterable[tuple[Text, RenderableType]]) -> RenderableType:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=_LEFT)
    table.add_column(ratio=1, overflow="fold")
    for left, right in rows:
        table.add_row(left, right)
    return Group(Text(title, style="bold underline"), table)


def _chart(chart: Chart, width: int) -> Iterator[RenderableType]:
    """Title, plot, time axis, and the marks under it with their legend."""
    several = chart.series if len(chart.series) > 1 else ()
    names = ((f"  {words.line(one.name)}", _STYLES[one.role]) for one in several)
    yield Text.assemble((words.line(chart.title), "bold"), *names)
    gutter = 12
    drawn = plot(chart, width - gutter - 2, _HEIGHT)
    if drawn is None:
        yield Text("no points in this window", style="dim")
        return
    for label, row in zip(drawn.levels, drawn.rows, strict=True):
        cells = ((char, _STYLES[role]) for char, role in row)
        edge = f"{label[:gutter]:>{gutter}} {'┤' if label else '│'}"
        yield Text.assemble((edge, "dim"), *cells)
    yield _spread(gutter + 2, [(at, label, "dim") for at, label in drawn.moments], width)
    if chart.marks:
        signs = [(at, _SIGNS[kind], _STYLES[kind]) for at, kind in drawn.marks]
        yield _spread(gutter + 2, signs, width)
        yield Padding(_legend(chart), (0, 0, 0, gutter + 2))


def _spread(left: int, parts: Iterable[tuple[int, str, str]], width: int) -> Text:
    """Texts begun at their columns, a later one over an earlier, cut at the edge."""
    cells = [(" ", "")] * width
    for at, label, style in parts:
        for offset, char in enumerate(label, start=min(left + at, width - len(label))):
            cells[offset] = char, style
    return Text.assemble(*cells)


def _legend(chart: Chart) -> Columns:
    ordered = sorted(chart.marks, key=lambda mark: mark.at)
    entries = (
        (f"{_SIGNS[one.kind]} {words.shorten(one.label, 28)} {words.clock(one.at)}", one.kind)
        for one in ordered
    )
    return Columns([Text(entry, style=_STYLES[kind]) for entry, kind in entries], padding=(0, 3))


def _causes(report: Report) -> Iterator[tuple[Text, Text]]:
    for index, cause in enumerate(report.causes):
        yield _weight(cause), _cited(words.sentences(cause.text, cause.reason), cause.evidence_for)
        if index == 0:
            yield from (_hop(hop, report) for hop in cause.path)


def _weight(cause: Cause) -> Text:
    return Text(f"{words.probability(cause.probability)} {words.spoken(cause.status)}")


def _hop(hop: Hop, report: Report) -> tuple[Text, Text]:
    onset = words.moment(hop.onset, report) if hop.onset else ""
    failed = [name for name, passed in words.checks(hop) if not passed]
    checks = (f"✗ {words.listed(failed)}", _STYLES["bad"]) if failed else ("✓", _STYLES["good"])
    arrow = f"{words.line(hop.source)} → {words.line(hop.target)}"
    return Text(onset, style="dim"), Text.assemble(
        checks, " ", (arrow, "bold"), "  ", _cited(hop.text, hop.evidence)
    )


def _common(report: Report) -> Iterator[tuple[Text, Text]]:
    for one in report.drilldowns:
        yield Text(words.BAD.get(one.indicator, "bad")), _cited(one.text, one.evidence)
        for carrier in one.carriers:
            yield from _bars(carrier)


def _bars(carrier: Carrier) -> Iterator[tuple[Text, Text]]:
    """How many are bad of the requests that have it, over how many are of all others."""
    told = f"  {words.share(carrier.share_of_excess)} of the excess"
    yield Text(), Text.assemble((words.having(carrier.attributes), "bold"), (told, "dim"))
    for share, tone, of in (
        (carrier.bad_inside, "bad", "of these"),
        (carrier.bad_outside, "good", "of all others"),
    ):
        drawn = "█" * round(_BAR * share) or "▏"
        yield Text(), Text.assemble((drawn, _STYLES[tone]), f" {words.share(share)} {of}")


def _changes(report: Report) -> Iterator[tuple[Text, Text]]:
    for change in words.by_verdict(report.changes):
        ids = dict.fromkeys(i for control in change.controls for i in control.evidence)
        yield (
            Text(words.spoken(change.verdict), style=_STYLES[change.verdict]),
            Text.assemble(
                (f"{words.line(change.id)} ", "dim"),
                (words.line(change.what), "bold"),
                "  ",
                _cited(change.reason, ids),
            ),
        )


def _proposed(report: Report) -> Iterator[tuple[Text, Text]]:
    for one in report.proposals:
        yield Text(words.outcome(one)), _cited(words.proposed(one), one.evidence)


def _next_steps(report: Report) -> Iterator[tuple[Text, Text]]:
    for step in report.next_steps:
        kind, tone = ("reversible", "good") if step.reversible else ("not reversible", "bad")
        command = f"\n{words.block(step.command)}" if step.command else ""
        yield (
            Text(kind, style=_STYLES[tone]),
            Text.assemble(words.step(step), (command, "dim")),
        )


def _gaps(report: Report) -> Iterator[tuple[Text, Text]]:
    for gap in report.gaps:
        yield Text(words.GAPS[gap.kind], style="dim"), Text(words.line(gap.text))


def _checked(report: Report) -> Iterator[tuple[Text, Text]]:
    """The questions asked, where their answers named no cause."""
    if report.verdict == "cause_found":
        return
    for one in sorted(report.evidence.values(), key=lambda one: words.natural(one.id)):
        yield Text(words.line(one.id), style="blue"), Text(words.line(one.question))


def _cost(report: Report) -> Text:
    return Text(words.cost(report), style="dim")
