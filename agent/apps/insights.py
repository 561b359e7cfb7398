"""`inquest insights`: what stands all year and will be tomorrow's incident, over clusters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.apps.options import FormatOption, lake_folder
from agent.apps.terminal import progress, say
from lake.errors import InquestError

if TYPE_CHECKING:
    from agent.playbook.form import Playbook
    from agent.report.insights import Insight, Insights, Level, Version
    from lake.ask import View

AREAS = ("insights", "kubernetes")
FAILING, RISK = 0.7, 0.5
"""From which certainty on a standing check's finding is failing, and a risk."""

_SPAN: dict[str, Any] = {
    "start": datetime(1970, 1, 1, tzinfo=UTC),
    "since": datetime(1970, 1, 1, tzinfo=UTC),
    "end": datetime(2100, 1, 1, tzinfo=UTC),
}
_CLUSTER = """
SELECT workload.cluster AS name FROM kubernetes_object WHERE workload.cluster <> ''
GROUP BY workload.cluster ORDER BY count(*) DESC, name LIMIT 1
"""
_OBJECTS = "SELECT count(*)::BIGINT AS count FROM kubernetes_object"
_VERSIONS = """
SELECT component, version, count(*)::BIGINT AS count FROM versions GROUP BY ALL ORDER BY ALL
"""
_SECONDS = 120.0


def insights(
    ctx: typer.Context,
    bundles: Annotated[
        list[Path] | None, typer.Argument(help="Folders or files of evidence, one a cluster.")
    ] = None,
    lakes: Annotated[
        list[Path] | None, typer.Option("--lake", help="A lake, one a cluster; may be repeated.")
    ] = None,
    form: FormatOption = "text",
    target: Annotated[
        str, typer.Option("--target-version", metavar="1.N", help="The version to upgrade to.")
    ] = "",
    areas: Annotated[
        list[str] | None,
        typer.Option("--area", help=f"Only playbooks of this area: {' or '.join(AREAS)}."),
    ] = None,
    at_least: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Only what is at least so bad.")
    ] = 0.3,
) -> None:
    """Say what in a cluster is failing, a risk or untidy, and which versions it runs.

    It exits with 0 whatever it finds; 2 on bad input, or if no cluster could be asked.
    """
    from agent.report import insights as dress

    question = _question(target)
    books = _books(areas or AREAS)
    given = lakes or ([] if bundles else [lake_folder(ctx, None)])
    with progress() as tell:
        found = []
        for name, view in _clusters(bundles or [], given):
            tell(f"checking {name}")
            found.append(_looked(view, name, books, question))
    chosen = _joined(found, at_least)
    if not chosen.clusters:
        raise InquestError(" ".join(chosen.gaps))
    shape = {"text": dress.text, "json": dress.json, "markdown": dress.markdown, "html": dress.html}
    say(shape[form](chosen))


def _looked(view: View, name: str, books: Iterable[Playbook], question: str) -> Insights:
    """What `look` finds; a cluster that cannot be asked at all is a gap."""
    from agent.report.insights import Insights

    try:
        return look(view, name, books, question)
    except InquestError as error:
        return Insights((), (), (), (f"{name} could not be asked: {error}",))


def look(view: View, name: str, books: Iterable[Playbook], question: str = "") -> Insights:
    """Ask one cluster's lake which checks find anything, and what; a check that fails is a gap."""
    from agent.playbook.relations import held
    from agent.report.insights import Insights, Version

    cluster = next((row["name"] for row in _ask(view, _CLUSTER)), name)
    span = {**_SPAN, "question": question}
    by_id = {book.id: book for book in held(view, books, span, _VERSIONS)}
    is_bare = not any(row["count"] for row in _ask(view, _OBJECTS))
    gaps = [f"{cluster} holds no object of Kubernetes, so hardly anything was checked."] * is_bare
    rows = [
        _insight(book, row, cluster)
        for book in _fired(view, by_id, question)
        for row in _found(view, book, question, gaps)
    ]
    versions = tuple(Version(cluster, **row) for row in _ask(view, _VERSIONS, question))
    return Insights((cluster,), tuple(_without_doubles(rows)), versions, tuple(gaps))


def _question(target: str) -> str:
    if not target:
        return ""
    major, _, minor = target.removeprefix("v").partition(".")
    if major != "1" or not minor.isdigit():
        raise typer.BadParameter(f"--target-version is {target!r}, expected one such as 1.33.")
    return f"target version 1.{minor}"


def _books(areas: Iterable[str]) -> list[Playbook]:
    from agent.playbook.load import load

    if unknown := set(areas) - {*AREAS}:
        raise typer.BadParameter(f"--area is {min(unknown)!r}, expected {' or '.join(AREAS)}.")
    return [one for one in load() if one.area in areas and one.role != "benign"]


def _clusters(bundles: Iterable[Path], lakes: Iterable[Path]) -> Iterator[tuple[str, View]]:
    from lake.store import Lake

    for folder in lakes:
        with Lake.open(folder) as lake:
            yield folder.resolve().name, lake.at()
    for bundle in bundles:
        with _ingested(bundle) as view:
            yield bundle.resolve().name, view


@contextmanager
def _ingested(bundle: Path) -> Iterator[View]:
    from ingest.bundle import take
    from lake.store import Lake

    with (
        TemporaryDirectory(prefix="inquest-") as scratch,
        Lake.create(Path(scratch) / "lake") as lake,
    ):
        take(lake, [bundle])
        yield lake.at()


def _fired(view: View, by_id: dict[str, Playbook], question: str) -> list[Playbook]:
    """The playbooks that find anything, by one query; all of them, if that cannot be asked."""
    from agent.playbook.compile import triage

    try:
        rows = _ask(view, triage(by_id.values()), question)
    except InquestError:
        return list(by_id.values())
    return [by_id[row["playbook"]] for row in rows]


def _found(view: View, book: Playbook, question: str, gaps: list[str]) -> list[dict[str, Any]]:
    """The rows that a playbook finds, less what its checks refute."""
    from agent.playbook.compile import finding

    try:
        rows = _ask(view, finding(book), question)
        return [row for row in rows if not _refuted(view, book, row)]
    except InquestError as error:
        gaps.append(f"The playbook {book.id} failed: {error}")
        return []


def _refuted(view: View, book: Playbook, row: dict[str, Any]) -> bool:
    from agent.playbook.compile import checking

    return any(
        bool(_ask(view, checking(check), "", row)) == (check.refutes == "rows")
        for check in book.checks
        if check.refutes
    )


def _insight(book: Playbook, row: dict[str, Any], cluster: str) -> Insight:
    from agent.playbook.words import command, filled, place
    from agent.report.insights import Insight

    object_ = place(*(row[key] or "" for key in ("kind", "namespace", "name")))
    values = {**row, "object": object_}
    remedy = book.remedies[0] if book.remedies else None
    return Insight(
        cluster=cluster,
        level=_level(book),
        certainty=book.certainty,
        playbook=book.id,
        title=book.title,
        object=object_,
        text=filled(book.cause, values),
        said=row["said"] or "",
        remedy=filled(remedy.text, values) if remedy else "",
        command=command(remedy.command, values) if remedy else "",
    )


def _level(book: Playbook) -> Level:
    """What a playbook for incidents finds is failing; a standing check says how bad it is."""
    if book.role != "standing" or book.certainty >= FAILING:
        return "failing"
    return "risk" if book.certainty >= RISK else "hygiene"


def _without_doubles(rows: list[Insight]) -> Iterator[Insight]:
    """Leave out what a standing check finds failing where a playbook for incidents knows why."""
    known = {one.object for one in rows if not one.playbook.startswith("insights/")}
    for one in rows:
        is_double = one.playbook.startswith("insights/") and one.level == "failing"
        if not (is_double and one.object in known):
            yield one


def _joined(found: Iterable[Insights], at_least: float) -> Insights:
    from agent.report.insights import Insights

    every = list(found)
    rows = [one for each in every for one in each.insights if one.certainty >= at_least]
    versions: list[Version] = [one for each in every for one in each.versions]
    return Insights(
        tuple(dict.fromkeys(name for each in every for name in each.clusters)),
        tuple(rows),
        tuple(versions),
        tuple(dict.fromkeys(gap for each in every for gap in each.gaps)),
    )


def _ask(
    view: View, sql: str, question: str = "", row: dict[str, Any] | None = None
) -> list[dict[str, Any]]:
    from lake.ask import Limits, bind, placeholders

    values = {**(row or {}), **_SPAN, "question": question}
    known = {name: values[name] for name in placeholders(sql) if name in values}
    return view.ask(bind(sql, **known), Limits(seconds=_SECONDS)).dicts()
