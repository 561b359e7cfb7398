"""The door: cases in, answers written, then judged and told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.apps.options import Format, FormatOption
from agent.apps.terminal import complain, progress, say
from agent.errors import RequestError

if TYPE_CHECKING:
    from agent.analysis.scoring import Truth
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
    given: Annotated[
        Path | None,
        typer.Option("--answers", metavar="FILE", help="Judge these answers; investigate nothing."),
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
    from agent.apps.bench.work import Plan
    from agent.config import Request

    cases = read_pack(folder, sets or (), limit)
    if page is not None:
        _try(page)
    if given is not None:
        unfit = {"--without": without, "--baselines": baselines, "--lakes": lakes}
        if named := [option for option, value in unfit.items() if value]:
            raise RequestError(f"--answers investigates nothing: leave {named[0]} away.")
        lines = _read(given, folder, cases)
    else:
        left_out = _parts(without or ())
        Request(without=left_out)
        _try(out)
        lines = _answered(cases, Plan(lakes, left_out, baselines), sorted(without or ()), jobs, out)
        complain(f"answers  {out}")
    parts = {part for line in lines for part in line.get("without") or ()}
    found = figures(lines, _truths(folder, cases, given or out), sorted(parts))
    say(_dressed(found, form))
    if page is not None:
        from agent.apps.bench.page import bench_page

        page.write_text(bench_page(found), "utf-8")
        complain(f"page     {page}")
    if found.failures:
        raise typer.Exit(1)


def _try(file: Path) -> None:
    """Fail now if a file cannot be written, and leave what is in it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a"):
        pass


def _truths(folder: Path, cases: Sequence[Case], answers: Path) -> dict[str, Truth]:
    from agent.apps.bench.truth import read_truths

    try:
        return read_truths(folder, cases)
    except RequestError as error:
        raise RequestError(f"{error}\nMend it and ask again with --answers {answers}.") from None


def _read(file: Path, folder: Path, cases: Sequence[Case]) -> list[dict[str, Any]]:
    """The answers to the cases that were given before; RequestError for one that is none."""
    from agent.report.words import plural

    wanted = {case.id for case in cases}
    lines: dict[str, dict[str, Any]] = {}
    for number, text in enumerate(file.read_text("utf-8").split("\n"), 1):
        if not text.strip():
            continue
        try:
            line = json.loads(text)
        except ValueError as error:
            raise RequestError(f"{file}:{number}: no JSON: {error}.") from None
        if not isinstance(line, dict) or not line.keys() >= {"case", "set", "rank"}:
            raise RequestError(f"{file}:{number}: no answer: it has no case, set and rank.")
        if line["case"] in wanted:
            lines[line["case"]] = line
    if not lines:
        raise RequestError(f"{file} answers no case of {folder}.")
    if lacking := len(wanted) - len(lines):
        complain(
            f"{plural(lacking, 'case')} {'has' if lacking == 1 else 'have'} no answer in {file}"
        )
    return [lines[case.id] for case in cases if case.id in lines]


def _parts(given: Sequence[str]) -> frozenset[str]:
    return frozenset(part for name in given for part in _TELEMETRY.get(name, {name}))


def _answered(
    cases: Sequence[Case], plan: Plan, without: Sequence[str], jobs: int, out: Path
) -> list[dict[str, Any]]:
    """Answer the cases, keep each line as it comes, and write all in the order of the cases."""
    from agent.apps.bench.pool import answers

    lines: dict[str, dict[str, Any]] = {}
    with progress() as tell, out.open("w", encoding="utf-8") as file:
        tell(f"0 of {len(cases)} cases")
        for line in answers(cases, plan, jobs):
            if without:
                line["without"] = list(without)
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
