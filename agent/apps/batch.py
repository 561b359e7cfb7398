"""`inquest batch`: many incidents in, a line of JSON and a report for each out, and one page."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from multiprocessing import parent_process
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Annotated

import typer

from agent.apps import shelf
from agent.apps.bundle import request_of
from agent.apps.cases import Case, read_cases
from agent.apps.investigate import answer, opened
from agent.apps.options import (
    BudgetOption,
    FormatOption,
    LakeOption,
    ModelOption,
    lake_folder,
    means_of,
    settled,
)
from agent.apps.table import dress
from agent.apps.terminal import Progress, complain, progress, say
from agent.config import Settings
from agent.errors import RequestError
from agent.events import spoken
from lake.errors import DUCKDB_INTERRUPTED, InquestError

if TYPE_CHECKING:
    from agent.report.index import Result

RESULTS, INDEX, REPORTS, LAKES = "results.jsonl", "index.html", "incidents", "lakes"
COLUMNS = ["id", "verdict", "confidence", "title", "service", "version", "change_kind", "revision"]


@dataclass(frozen=True, slots=True)
class Plan:
    """Where incidents are investigated: the lake of those that name none, the folder, the means."""

    lake: Path
    out: Path
    settings: Settings = field(default_factory=Settings)


def batch(
    ctx: typer.Context,
    incidents: Annotated[
        Path, typer.Argument(metavar="INCIDENTS.jsonl", help="One JSON object an incident.")
    ],
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Where results, reports and their page go.")
    ],
    jobs: Annotated[int, typer.Option(min=1, help="How many to investigate at a time.")] = 1,
    *,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Do not go on where an earlier run stood.")
    ] = False,
    lake: LakeOption = None,
    model: ModelOption = None,
    budget: BudgetOption = None,
    form: FormatOption = "text",
) -> None:
    """Investigate many incidents.

    A line has an id and any of at, alert, service, lookback_min, bundle and lake. A run that was
    stopped goes on where it stood, but begins the incident anew that it was at, which pays a model
    for it again; exit 1 if some incident could not be investigated.
    """
    from agent.report.words import plural
    from lake.store import Lake

    cases = read_cases(incidents)
    plan = Plan(lake_folder(ctx, lake), out, settled(ctx, model, budget))
    means_of(plan.settings)
    earlier = read_results(out, anew=fresh)
    todo = _unsolved(cases, earlier)
    if known := len(cases) - len(todo):
        complain(f"{plural(known, 'incident')} of an earlier run skipped; --fresh starts anew")
    if any(case.bundle is None and case.lake is None for case in todo):
        Lake.open(plan.lake).close()
    results = _worked_off(todo, _others(earlier, todo), plan, jobs)
    asked = [results[case.id] for case in cases]
    failed = [one.id for one in asked if one.error]
    columns = [*COLUMNS, "error"] if failed else COLUMNS
    say(dress(columns, [asdict(one) for one in asked], form))
    complain(f"page    {out / INDEX}")
    if failed:
        complain(f"{len(failed)} of {len(asked)} not investigated: {', '.join(failed)}")
        raise typer.Exit(1)


def read_results(folder: Path, *, anew: bool = False) -> list[Result]:
    """Read what earlier runs left in `folder`, or nothing; a last line cut short is no result.

    RequestError if the folder holds something else: nothing is written among other people's files.
    """
    from pydantic import TypeAdapter, ValidationError

    from agent.report.index import Result

    file = folder / RESULTS
    if not file.is_file():
        if any(folder.glob("[!.]*")):
            raise RequestError(f"{folder} is not empty and has no {RESULTS}: name another folder.")
        return []
    if anew:
        return []
    read = TypeAdapter(Result).validate_json
    results = []
    for number, line in enumerate(file.read_bytes().split(b"\n")[:-1], 1):
        try:
            results.append(read(line))
        except ValidationError:
            raise RequestError(
                f"{file}:{number}: no result of a batch; mend it, or start anew with --fresh."
            ) from None
    return results


def _unsolved(cases: Sequence[Case], earlier: Sequence[Result]) -> list[Case]:
    """The incidents without a result, with an error for one, or asked about in other words."""
    solved = {one.id: one.asked for one in earlier if not one.error}
    return [case for case in cases if solved.get(case.id) != case.asked]


def _others(earlier: Sequence[Result], todo: Sequence[Case]) -> list[Result]:
    again = {case.id for case in todo}
    return [one for one in earlier if one.id not in again]


def _worked_off(
    todo: Sequence[Case], others: Sequence[Result], plan: Plan, jobs: int
) -> dict[str, Result]:
    """Investigate, keeping each result at once; all results by id, the others' first."""
    from agent.report.index import index

    results, out = {one.id: one for one in others}, plan.out
    out.mkdir(parents=True, exist_ok=True)
    _replace(out / RESULTS, b"".join(map(_line, others)))
    try:
        with progress() as tell:
            for number, one in enumerate(_solved(todo, plan, jobs, tell), 1):
                _append(out / RESULTS, _line(one))
                results[one.id] = one
                complain(f"{number} of {len(todo)}  {_told(one)}")
    finally:
        _replace(out / INDEX, index(results.values()).encode())
    return results


def _solved(todo: Sequence[Case], plan: Plan, jobs: int, tell: Progress) -> Iterator[Result]:
    """Yield each result as it comes; several jobs are processes of their own."""
    if min(jobs, len(todo)) <= 1:
        for number, case in enumerate(todo, 1):
            yield solve(case, plan, partial(_tell, tell, f"{number} of {len(todo)}"))
        return
    from concurrent.futures import ProcessPoolExecutor, as_completed
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    with ProcessPoolExecutor(
        min(jobs, len(todo)), get_context("spawn"), _begin, (plan.settings.secrets,)
    ) as pool:
        waiting = [pool.submit(solve, case, plan) for case in todo]
        tell(f"{len(todo)} incidents, {jobs} at a time")
        try:
            for done in as_completed(waiting):
                yield done.result()
        except BrokenProcessPool:
            raise RequestError("A process was killed: run it again with fewer jobs.") from None
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _begin(secrets: Path | None) -> None:
    """Ready a worker: it keeps secrets as its boss does, and ends with him."""
    from agent.redaction import register

    register(os.environ, secrets)
    _watch()


def _watch() -> None:
    """End this worker once the process that it works for is gone, however that ended."""
    if boss := parent_process():
        Thread(target=_follow, args=[boss], daemon=True).start()


def _follow(boss: BaseProcess) -> None:
    boss.join()
    os._exit(1)


def solve(case: Case, plan: Plan, tell: Progress = lambda _: None) -> Result:
    """Investigate one incident and keep its report; what stands in the way is a result too."""
    from agent.redaction import redact
    from agent.report.index import Result, result
    from agent.report.words import line

    started = time.perf_counter()
    where = f"{REPORTS}/{case.id}"
    try:
        with opened(case.bundle, case.lake, plan.lake, plan.out / LAKES / case.id, tell) as lake:
            request = request_of(case.bundle, case.request) if case.bundle else case.request
            report, _ = answer(lake, request, spoken(tell), means_of(plan.settings))
            shelf.write(report, plan.out / where)
    except Exception as error:  # noqa: BLE001 - one incident's fault is not the others'
        if str(error) == DUCKDB_INTERRUPTED:
            raise KeyboardInterrupt from None
        return Result(
            case.id, case.asked, error=redact(line(_sentence(error))), seconds=_since(started)
        )
    return result(
        report,
        id=case.id,
        asked=case.asked,
        report=f"{where}/report.html",
        lake=str(lake.path),
        seconds=_since(started),
    )


def _sentence(error: Exception) -> str:
    if isinstance(error, InquestError):
        return str(error)
    if isinstance(error, OSError):
        return f"{error.filename or 'the system'}: {error.strerror or error}."
    return f"a fault of Inquest's own, {type(error).__name__}: {error}."


def _since(started: float) -> float:
    return round(time.perf_counter() - started, 3)


def _tell(tell: Progress, before: str, text: str) -> None:
    tell(f"{before}: {text}")


def _told(one: Result) -> str:
    if one.verdict is None:
        return f"{one.id}: {one.error}"
    return f"{one.id}: {one.verdict.replace('_', ' ')}, {one.confidence:.2f}: {one.title}"


def _line(one: Result) -> bytes:
    import orjson

    return orjson.dumps(one, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z)


def _append(file: Path, line: bytes) -> None:
    """Add a line that is on the disk when this returns."""
    with file.open("ab") as opened_file:
        opened_file.write(line)
        opened_file.flush()
        os.fsync(opened_file.fileno())


def _replace(file: Path, content: bytes) -> None:
    unfinished = file.with_name(f".{file.name}")
    unfinished.write_bytes(content)
    os.replace(unfinished, file)  # noqa: PTH105 - says that it replaces
