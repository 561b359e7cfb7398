"""The door: cases in, answers written, then judged and told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.apps.options import Format, FormatOption
from agent.apps.terminal import complain, progress, say

if TYPE_CHECKING:
    from agent.apps.bench.measured import Bench
    from agent.apps.bench.pack import Case
    from agent.apps.bench.work import Plan

_TELEMETRY = {"traces": frozenset({"requests", "calls", "traces"})}
"""What is left out with a kind of telemetry, where that is more than the look of its name."""


def bench(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Case folders, or a pack with cases.jsonl.")
    ],
    sets: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME", help="Only this set; repeatable.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Only the first cases of each set.")
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="FILE", help="Where the answers go, a line a case.")
    ] = Path("answers.jsonl"),
    lakes: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Keep the lakes of cases here, and use those there."),
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(metavar="PART", help="Leave a look, topology or experiments out; repeatable."),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="How many cases to answer at a time.")] = 1,
    page: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the figures as a page with diagrams.")
    ] = None,
    *,
    baselines: Annotated[
        bool, typer.Option("--baselines", help="Answer by simple rules, too, on the same evidence.")
    ] = False,
    form: FormatOption = "text",
) -> None:
    """Measure how often the right cause is named.

    Cases are investigated as anything else is; their answers are read when all are written. Exit 1
    if a case could not be answered.
    """
    from agent.apps.bench.figures import figures
    from agent.apps.bench.pack import read_pack
    from agent.apps.bench.truth import read_truths
    from agent.apps.bench.work import Plan
    from agent.config import Request

    cases = read_pack(folder, sets or (), limit)
    left_out = _parts(without or ())
    Request(without=left_out)
    lines = _answered(cases, Plan(lakes, left_out, baselines), jobs, out)
    found = figures(lines, read_truths(folder, cases), without or ())
    if page is not None:
        from agent.apps.bench.page import bench_page

        page.write_text(bench_page(found), "utf-8")
        complain(f"page     {page}")
    complain(f"answers  {out}")
    say(_dressed(found, form))
    if found.failures:
        raise typer.Exit(1)


def _parts(given: Sequence[str]) -> frozenset[str]:
    return frozenset(part for name in given for part in _TELEMETRY.get(name, {name}))


def _answered(cases: Sequence[Case], plan: Plan, jobs: int, out: Path) -> list[dict[str, Any]]:
    """Answer the cases, keep each line as it comes, and write all in the order of the cases."""
    from agent.apps.bench.pool import answers

    lines: dict[str, dict[str, Any]] = {}
    out.parent.mkdir(parents=True, exist_ok=True)
    with progress() as tell, out.open("w", encoding="utf-8") as file:
        tell(f"0 of {len(cases)} cases")
        for line in answers(cases, plan, jobs):
            lines[line["case"]] = line
            file.write(f"{json.dumps(line)}\n")
            file.flush()
            tell(f"{len(lines)} of {len(cases)} cases, last {line['case']}")
    ordered = [lines[case.id] for case in cases]
    out.write_text("".join(f"{json.dumps(line)}\n" for line in ordered), "utf-8")
    return ordered


def _dressed(found: Bench, form: Format) -> str:
    if form == "json":
        import orjson

        return orjson.dumps(found, option=orjson.OPT_INDENT_2).decode()
    if form == "html":
        from agent.apps.bench.page import bench_page

        return bench_page(found)
    from agent.apps.bench.told import told

    return told(found, form)
