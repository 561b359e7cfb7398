"""`inquest trace`: one run of an agent as a tree with time, tokens, money and errors."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.apps import shelf
from agent.apps.costs import EVER, listed
from agent.apps.options import FormatOption, LakeOption, lake_folder
from agent.apps.terminal import say
from agent.errors import RequestError

if TYPE_CHECKING:
    from agent.report.spending import Run, Step
    from lake.ask import View

_SQL = Path(__file__).with_suffix(".sql")
_FIND = """
SELECT trace_uid, min(time) AS first_at, max(time) AS last_at FROM trace_span
WHERE starts_with(trace_uid, $trace) GROUP BY trace_uid ORDER BY trace_uid LIMIT 6
"""
_PREFIX, _FEW = re.compile(r"[0-9a-f]{4,32}"), re.compile(r"[0-9a-f]{1,3}")
_A_MOMENT = timedelta(microseconds=1)


def trace(
    ctx: typer.Context,
    which: Annotated[
        str,
        typer.Argument(
            metavar="ID|REPORT",
            help="A trace id or its first 4 digits or more, or a report's id or folder.",
        ),
    ],
    lake: LakeOption = None,
    form: FormatOption = "text",
) -> None:
    """Show what one run did: a tree with time, tokens, money and errors, and what took the time.

    It reads the spans of the lake: Inquest's own, and those of any agent that sends them by OTLP.
    """
    from agent.report import trace as dress
    from lake.store import Lake

    folder, wanted = _wanted(which, lake_folder(ctx, lake))
    with Lake.open(folder) as opened:
        view = opened.at()
    run = read(view, wanted, _unfound(which, wanted, folder))
    shape = {"text": dress.text, "json": dress.json, "markdown": dress.markdown, "html": dress.html}
    say(shape[form](run))


def _wanted(which: str, lake: Path) -> tuple[Path, str]:
    """The lake to look in, and the trace's id or its first digits."""
    from agent.report.as_json import load

    is_report = Path(which).exists() or (lake / "reports" / which).is_dir()
    if not is_report:
        return lake, _digits(which, lake)
    file = shelf.find(which, lake)
    wanted = load(file).cost.trace_id
    if not wanted:
        raise RequestError(f"The report {which} names no trace.")
    return shelf.lake_of(file, lake), wanted


def _digits(which: str, lake: Path) -> str:
    """The first digits of a trace; RequestError if no trace can begin so, or if they are few."""
    if _PREFIX.fullmatch(which.lower()):
        return which.lower()
    if _FEW.fullmatch(which.lower()):
        raise RequestError(f"{which!r} is too short: a trace is named by 4 of its digits or more.")
    raise RequestError(_unfound(which, which.lower(), lake))


def _unfound(which: str, wanted: str, lake: Path) -> str:
    """The sentence for a trace that is not there, asked for by itself or by a report."""
    if wanted != which.lower():
        return f"The trace {wanted} of report {which} is not in this lake."
    why = "no trace begins so and no report is called so"
    return f"There is no run {which!r}: {why}; {lake} has {shelf.latest(lake)}."


def read(view: View, wanted: str, unfound: str = "") -> Run:
    """Read the one trace that begins so; RequestError if there is none or more than one."""
    from agent.playbook.compile import whole
    from lake.ask import bind

    found = view.ask(bind(_FIND, trace=wanted)).dicts()
    if not found:
        raise RequestError(unfound or f"There is no trace {wanted!r} in this lake.")
    if len(found) > 1:
        several = ", ".join(row["trace_uid"] for row in found[:5])
        raise RequestError(f"There is no one trace {wanted!r}: several begin so: {several}.")
    span = {"start": found[0]["first_at"], "end": found[0]["last_at"] + _A_MOMENT}
    view.hold("agent_spans", bind(whole("FROM agent_spans"), since=EVER[0], **span))
    sql = bind(_SQL.read_text("utf-8"), trace=found[0]["trace_uid"], **span)
    return _run(found[0]["trace_uid"], view.ask(sql).dicts())


def _run(uid: str, rows: Sequence[Mapping[str, Any]]) -> Run:
    from agent.analysis.critical_path import Timed, critical
    from agent.report.spending import Run

    timed = [
        Timed(
            row["span_uid"],
            row["parent_span_uid"],
            row["start_time_ns"],
            row["start_time_ns"] + row["duration_ns"],
        )
        for row in rows
    ]
    began = min(one.start for one in timed)
    path = critical(timed)

    def named(what: str) -> str:
        return next((row[what] for row in rows if row[what]), "")

    return Run(
        trace=uid,
        began_ns=began,
        wall_s=(max(one.end for one in timed) - began) / 1e9,
        steps=tuple(_step(row, began, path.get(row["span_uid"], [])) for row in rows),
        conversation=named("conversation"),
        report=named("report"),
        verdict=named("verdict"),
    )


def _step(row: Mapping[str, Any], began: int, path: Sequence[tuple[int, int]]) -> Step:
    from agent.report.spending import Step

    return Step(
        uid=row["span_uid"],
        parent=row["parent_span_uid"],
        service=row["service"],
        name=row["name"] or "",
        operation=row["operation"],
        start_s=(row["start_time_ns"] - began) / 1e9,
        took_s=row["duration_ns"] / 1e9,
        path=tuple(((a - began) / 1e9, (b - began) / 1e9) for a, b in sorted(path)),
        model=row["model"],
        input_tokens=row["input_tokens"],
        output_tokens=row["output_tokens"],
        cached_tokens=row["cache_read_tokens"],
        usd=listed(row) if row["usd"] is None else row["usd"],
        first_token_s=None if row["first_token_ms"] is None else row["first_token_ms"] / 1e3,
        replayed=row["is_replayed"],
        is_due=row["is_due"],
        error=row["error"],
    )
