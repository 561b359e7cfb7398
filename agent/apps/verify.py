"""`inquest verify`: run every piece of a report's evidence again, on the snapshots it names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.apps import shelf
from agent.apps.options import FormatOption, LakeOption, lake_folder
from agent.apps.table import dress
from agent.apps.terminal import Progress, complain, progress, say
from agent.redaction import identified, redacted

if TYPE_CHECKING:
    from agent.state import Evidence, Report
    from lake.store import Lake

SECONDS = 60.0
COLUMNS = ["evidence", "verdict", "detail", "question"]
Line = dict[str, str]


def verify(
    ctx: typer.Context,
    report: Annotated[
        str, typer.Argument(metavar="ID|PATH", help="A report's id, file or folder.")
    ],
    lake: LakeOption = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads for each query; all cores by default.")
    ] = None,
    form: FormatOption = "text",
) -> None:
    """Run a report's evidence again.

    Each query runs on the snapshots it names; exit 1 if any does not bring the rows it did.
    """
    from agent.report.as_json import load
    from lake.store import Lake

    default = lake_folder(ctx, lake)
    file = shelf.find(report, default)
    loaded = load(file)
    home = lake or shelf.lake_of(file, default)
    with progress() as tell, Lake.open(home) as opened, identified(home):
        lines = [
            *run_again(loaded, opened, threads, tell),
            *unsupported(loaded, opened, threads),
            *unresolved(loaded),
        ]
    say(dress(COLUMNS, lines, form))
    failed = [line["evidence"] for line in lines if line["verdict"] != "holds"]
    if lines and not failed:
        complain(f"all {len(lines)} hold")
        return
    complain(f"{len(failed)} of {len(lines)} failed: {', '.join(failed) or 'there is no evidence'}")
    raise typer.Exit(1)


def run_again(
    report: Report, lake: Lake, threads: int | None, tell: Progress = lambda _text: None
) -> Iterator[Line]:
    """Run each piece of evidence again on its snapshots.

    It holds when its rows have the same count and digest, and those the report shows are the first.
    """
    for number, (key, evidence) in enumerate(report.evidence.items(), 1):
        tell(f"{key}, {number} of {len(report.evidence)}: {evidence.question}")
        yield _line(key, *_run_again(key, evidence, lake, threads), evidence.question)


def _run_again(key: str, evidence: Evidence, lake: Lake, threads: int | None) -> tuple[str, str]:
    from lake.ask import Limits
    from lake.errors import LakeError, QueryError

    if key != evidence.id:
        return "differs", f"listed as {key}, calls itself {evidence.id}"
    try:
        view = lake.at(evidence.snapshots, threads)
        rows = view.ask(evidence.sql, Limits(rows=evidence.rows + 1, seconds=SECONDS))
    except LakeError as error:
        return "gone", str(error)
    except QueryError as error:
        return "failed", str(error)
    expected, got = (evidence.rows, evidence.digest), (len(rows), rows.digest)
    if got != expected:
        return (
            "differs",
            f"expected {_counted(*expected)}, got {_counted(*got, more=rows.truncated)}",
        )
    if not _is_sample(evidence, rows.dicts()):
        return "differs", "the rows that the report shows are not those of its query"
    return "holds", _counted(*got)


def unsupported(report: Report, lake: Lake, threads: int | None) -> Iterator[Line]:
    """Find the sentences with numbers that the evidence they cite does not hold."""
    from agent.nodes.verify import carries, numbers_in
    from lake.ask import Limits
    from lake.errors import InquestError

    def cells(cited: Iterable[str]) -> list[float]:
        found = (report.evidence[key] for key in cited)
        answers = (lake.at(one.snapshots, threads).ask(one.sql, Limits(one.rows)) for one in found)
        return [number for rows in answers for number in numbers_in(rows.dicts())]

    for said in (*report.summary, *report.impact):
        with suppress(InquestError):  # evidence that does not run is told already
            if said.evidence and not carries(said, report.evidence, cells):
                detail = f"not all that it says is in its evidence: {said.text}"
                yield _line(", ".join(said.evidence), "differs", detail, "")


def _is_sample(evidence: Evidence, rows: list[dict[str, Any]]) -> bool:
    """Whether the rows shown are the query's first, compared as the report's JSON has them."""
    from pydantic import TypeAdapter

    from agent.state import Evidence

    as_json = TypeAdapter(Evidence).dump_json
    first = tuple(redacted(row) for row in rows[: len(evidence.sample)])
    shown = tuple(redacted(row) for row in evidence.sample)
    return as_json(replace(evidence, sample=first)) == as_json(replace(evidence, sample=shown))


def _counted(rows: int, digest: str, *, more: bool = False) -> str:
    from agent.report.words import plural

    return f"{'more than ' * more}{plural(rows - more, 'row')} {digest[:19]}"


def unresolved(report: Report) -> Iterator[Line]:
    """Find what the report cites and does not have."""
    from agent.report.as_json import dump

    plain = json.loads(dump(report))
    has = plain.pop("evidence")
    for place, cited in _citations(plain, "", ""):
        if cited not in has:
            yield _line(cited, "missing", f"cited in {place.lstrip('.')}, not in the report", "")


def _citations(value: Any, place: str, key: str) -> Iterator[tuple[str, str]]:
    """Walk a report's JSON: the ids in its evidence fields, and those its sentences name."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _citations(inner, f"{place}.{name}", name)
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from _citations(inner, f"{place}.{at}", key)
    elif isinstance(value, str) and key.startswith("evidence"):
        yield place, value
    elif isinstance(value, str) and key in {"text", "reason"}:
        yield from ((place, cited) for cited in re.findall(r"\bE\d+\b", value))


def _line(evidence: str, verdict: str, detail: str, question: str) -> Line:
    return {"evidence": evidence, "verdict": verdict, "detail": detail, "question": question}
