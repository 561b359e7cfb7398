"""`inquest costs`: what agents took, by incident, model, node, tool, day or agent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from itertools import groupby
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from agent.apps.options import FormatOption, LakeOption, lake_folder, moment
from agent.apps.terminal import WIDEST, say

if TYPE_CHECKING:
    from agent.report.spending import Costs, Line
    from lake.ask import View

By = Literal["incident", "model", "node", "tool", "day", "agent"]
OURS, ALL = "inquest", "all"
EVER = (datetime(1970, 1, 1, tzinfo=UTC), datetime(2300, 1, 1, tzinfo=UTC))
_SQL = Path(__file__).with_suffix(".sql")
_SECONDS = 120.0


def costs(
    ctx: typer.Context,
    by: Annotated[
        By, typer.Option(help="What a row is of; the page has all of them.")
    ] = "incident",
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only runs that began then or later.")
    ] = None,
    service: Annotated[
        str, typer.Option(metavar="NAME|all", help="Another agent that sends spans, or all.")
    ] = OURS,
    lake: LakeOption = None,
    form: FormatOption = "text",
) -> None:
    """Say what investigations took: runs, calls, tokens, money, time and errors.

    Money that is not known is said to be unknown and is never counted as nothing.
    """
    from agent.report import costs as dress
    from lake.store import Lake

    began = moment(since) if since else None
    views: tuple[By, ...] = (by,) if form != "html" else _in_front(by)
    with Lake.open(lake_folder(ctx, lake)) as opened:
        view = opened.at()
    hold(view)
    found = summed(view, views, service, began)
    if form == "text":
        say(dress.text(found, get_terminal_size((WIDEST, 0)).columns))
        return
    shape = {"json": dress.json, "markdown": dress.markdown, "html": dress.html}
    say(shape[form](found))


def hold(view: View) -> None:
    """Keep what agents did in the view, for all that is asked of it."""
    from agent.playbook.compile import whole
    from lake.ask import Limits, bind

    sql = bind(whole("FROM agent_spans"), start=EVER[0], since=EVER[0], end=EVER[1])
    view.hold("agent_spans", sql, Limits(seconds=_SECONDS))


def summed(view: View, views: Iterable[By], service: str, since: datetime | None = None) -> Costs:
    """Sum up the runs that began since then, of what the view holds, once for each of `views`."""
    from agent.report.spending import Costs, Line

    lines = partial(_lines, view, service=service, since=since or EVER[0])
    total = next(iter(lines("total")), Line(""))
    tables: dict[str, tuple[Line, ...]] = {
        by: tuple(sorted(lines(by), key=_order(by))) for by in views
    }
    return Costs(service, since, total, tables)


def _in_front(by: By) -> tuple[By, ...]:
    every: tuple[By, ...] = ("incident", "agent", "model", "node", "tool", "day")
    return (by, *(one for one in every if one != by))


def _order(by: str) -> Any:
    if by == "day":
        return lambda line: (line.key, line.service)
    if by == "incident":
        return lambda line: (-line.began_at.timestamp(), line.key, line.service)
    return lambda line: (-line.usd, -line.tokens, -(line.wall_p95_s or 0), line.key, line.service)


def _lines(view: View, by: str, service: str, since: datetime) -> list[Line]:
    from lake.ask import Limits, bind

    sql = bind(_SQL.read_text("utf-8"), by=by, service=service, since=since)
    rows = view.ask(sql, Limits(seconds=_SECONDS)).dicts()
    keyed = sorted(rows, key=_key)
    return [_line([*parts]) for _, parts in groupby(keyed, key=_key)]


def _key(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["service"], row["key"]


def _line(parts: list[dict[str, Any]]) -> Line:
    """One key's rows, one a model, as one line with its money."""
    from agent.report.spending import Line

    prices = [_usd(part) for part in parts]
    unknown = [
        part["unpriced_runs" if usd is None else "untold_runs"]
        for part, usd in zip(parts, prices, strict=True)
    ]
    first = [part["first_token_s"] for part in parts if part["first_token_s"] is not None]

    def added(name: str) -> int:
        return int(sum(part[name] for part in parts))

    return Line(
        key=parts[0]["key"],
        service=parts[0]["service"],
        title=parts[0]["title"] or "",
        began_at=min(part["began_at"] for part in parts),
        runs=_together(part["runs"] for part in parts),
        calls=added("calls"),
        tools=added("tools"),
        input_tokens=added("input_tokens"),
        output_tokens=added("output_tokens"),
        cached_tokens=added("cache_read_tokens"),
        usd=sum(part["usd"] for part in parts) + sum(filter(None, prices)),
        unknown_runs=_together(unknown),
        needs_price=any(part["priced"] or part["unpriced"] for part in parts),
        wall_p50_s=parts[0]["wall_p50_s"],
        wall_p95_s=parts[0]["wall_p95_s"],
        first_token_s=min(first, default=None),
        errors=added("errors"),
    )


def _together(runs: Iterable[list[str] | None]) -> int:
    return len({run for some in runs for run in some or ()})


def _usd(part: Mapping[str, Any]) -> float | None:
    """What calls of a model cost that say tokens and no price; None if its price is not known."""
    return listed(part, "unpriced_") if part["unpriced"] else 0.0


def listed(row: Mapping[str, Any], of: str = "") -> float | None:
    """What the list of prices says of a row's tokens; their columns begin with `of`."""
    from agent.model.prices import usd

    used = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
    return usd(row["provider"], row["model"], *(row[f"{of}{name}"] for name in used))
