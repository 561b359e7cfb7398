"""`inquest verify`: run every piece of a report's evidence again, on the snapshots it names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.apps import shelf
from agent.apps.options import FormatOption, LakeOption, lake_folder
from agent.apps.table import dress
from agent.apps.terminal import Progress, complain, progress, say
from agent.redaction.beside import is_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.apps.options import Format
    from agent.nodes.resolving import Grounds
    from agent.state import Evidence, Report
    from lake.ask import Rows
    from lake.store import Lake

    Ask = Callable[[Evidence], Rows]

SECONDS = 60.0
COLUMNS = ["evidence", "verdict", "detail", "question"]
Line = dict[str, str]
_ON_ALL = ("title", "next_steps")  # and on no evidence of their own
_CITATION = re.compile(r"E\d+")


def verify(
    ctx: typer.Context,
    report: Annotated[
        str, typer.Argument(metavar="ID|PATH", help="A report's id, file or folder.")
    ],
    lake: LakeOption = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads for each query; all cores by default.")
    ] = None,
    *,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show where each claim of each sentence stands.")
    ] = False,
    form: FormatOption = "text",
) -> None:
    """Run a report's evidence again.

    Each query runs on the snapshots it names; exit 1 if any does not bring the rows it did, if a
    sentence claims what its evidence does not say, or if verdict, confidence, headline, blame and
    commands contradict each other. Not checked: whether the verdict is right, what sentences say
    beside numbers, names, times and quotations, what the run cost, charts and the map.
    """
    from agent.report.as_json import load
    from lake.store import Lake

    default = lake_folder(ctx, lake)
    file = shelf.find(report, default)
    loaded = load(file)
    home = lake or shelf.lake_of(file, default)
    with progress() as tell, Lake.open(home) as opened:
        ask = _asking(opened, threads)
        resting = grounds(loaded, ask)
        evidence = [*run_again(loaded, ask, tell), *unresolved(loaded), *contradicted(loaded)]
        lines = [*evidence, *unsupported(resting)]
        say(_explained(evidence, resting, form) if explain else dress(COLUMNS, lines, form))
    failed = [line["evidence"] for line in lines if line["verdict"] != "holds"]
    if lines and not failed:
        complain(f"all {len(lines)} hold")
        return
    complain(f"{len(failed)} of {len(lines)} failed: {', '.join(failed) or 'there is no evidence'}")
    raise typer.Exit(1)


def _asking(lake: Lake, threads: int | None) -> Ask:
    """How evidence is asked again, once each: the rows that it had and, if there is one, one more.

    LakeError if its snapshots are gone, QueryError if its query fails.
    """
    from lake.ask import Limits

    known: dict[tuple[str, str], Rows] = {}

    def ask(one: Evidence) -> Rows:
        if (one.id, one.sql) not in known:
            limits = Limits(rows=one.rows + 1, seconds=SECONDS)
            known[one.id, one.sql] = lake.at(one.snapshots, threads).ask(one.sql, limits)
        return known[one.id, one.sql]

    return ask


def run_again(report: Report, ask: Ask, tell: Progress = lambda _text: None) -> Iterator[Line]:
    """Run each piece of evidence again on its snapshots.

    It holds when its rows have the same count and digest, and those the report shows are the first.
    """
    for number, (key, evidence) in enumerate(report.evidence.items(), 1):
        tell(f"{key}, {number} of {len(report.evidence)}: {evidence.question}")
        yield _line(key, *_run_again(key, evidence, ask), evidence.question)


def _run_again(key: str, evidence: Evidence, ask: Ask) -> tuple[str, str]:
    from lake.errors import LakeError, QueryError

    if key != evidence.id:
        return "differs", f"listed as {key}, calls itself {evidence.id}"
    try:
        rows = ask(evidence)
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


def _explained(evidence: list[Line], resting: Grounds, form: Format) -> str:
    """Where each claim stands, below the evidence that does not hold."""
    from agent.apps.explain import broken, dressed, explained

    return dressed([*broken(evidence), *explained(resting)], form)


def grounds(report: Report, ask: Ask) -> Grounds:
    """What a report's sentences rest on, in a lake that still has its snapshots."""
    from agent.nodes.resolving import Grounds

    return Grounds(report, lambda one: ask(one).arrow.slice(0, one.rows))


def unsupported(resting: Grounds) -> Iterator[Line]:
    """Find the sentences that cite nothing, or claim what the evidence they cite does not say."""
    from agent.nodes.resolving import sentences
    from lake.errors import InquestError

    for said in sentences(resting.report):
        if said.is_uncited:
            yield _line(said.part, "missing", f"cites no evidence: {said.text}", "")
            continue
        if not {*said.evidence} <= resting.report.evidence.keys():
            continue  # which is told as missing
        with suppress(InquestError):  # evidence that does not run is told already
            found = resting.resolve(said)
            lost = [c for c, place in found if place is None and not _CITATION.fullmatch(c.text)]
            if lost:
                rests_on_all = said.part.partition(".")[0] in _ON_ALL
                where = said.part if rests_on_all else ", ".join(said.evidence)
                claims = ", ".join(claim.text for claim in lost)
                detail = f"not all that it says is in its evidence ({claims}): {said.text}"
                yield _line(where or said.part, "differs", detail, "")


def contradicted(report: Report) -> Iterator[Line]:
    """Find the parts of a report that its other parts contradict."""
    from agent.nodes.agreeing import contradictions

    for fault in contradictions(report):
        yield _line(fault.part, "differs", fault.why, "")


def _is_sample(evidence: Evidence, rows: list[dict[str, Any]]) -> bool:
    """Whether the rows shown are the query's first, as the report's JSON has them."""
    from pydantic_core import to_json

    def told(sample: Sequence[dict[str, Any]]) -> Any:
        return json.loads(to_json(sample, inf_nan_mode="null", bytes_mode="base64"))

    return _is_shown(told(evidence.sample), told(rows[: len(evidence.sample)]))


def _is_shown(shown: Any, whole: Any) -> bool:
    """Whether a value is what is shown of it; for what is hidden there the digest vouches."""
    if isinstance(shown, str):
        return is_of(shown, whole if isinstance(whole, str) else json.dumps(whole))
    if isinstance(shown, dict) and isinstance(whole, dict):
        shown, whole = ([*chain(*one.items())] for one in (shown, whole))
    if isinstance(shown, list) and isinstance(whole, list):
        return len(shown) == len(whole) and all(map(_is_shown, shown, whole))
    return json.dumps(shown) == json.dumps(whole)


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
