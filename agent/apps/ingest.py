"""`inquest ingest`: raw files into the lake."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.apps.options import FormatOption, LakeOption, lake_folder
from agent.apps.sources import OwnSources
from agent.apps.table import Row, dress
from agent.apps.terminal import Progress, complain, progress, say
from lake.errors import InquestError

if TYPE_CHECKING:
    from agent.apps.options import Format
    from ingest.run import Summary
    from lake.store import Lake

COLUMNS = ["source", "files", "read", "mapped", "quarantined", "records_per_s", "tables"]


def ingest(
    ctx: typer.Context,
    given: Annotated[
        list[str],
        typer.Argument(
            metavar="[SOURCE] PATH...",
            help="Files, folders and archives; before them the source, or the family of sources, "
            "that they are of. Without one, each file's is guessed.",
        ),
    ],
    sources: OwnSources = None,
    lake: LakeOption = None,
    form: FormatOption = "text",
) -> None:
    """Take raw files into the lake.

    Records that cannot be read are kept in quarantine, with the reason, and counted.
    """
    from ingest.bundle import take
    from lake.store import Lake

    source, paths = _split(given, sources)
    with progress() as tell, Lake.create(lake_folder(ctx, lake)) as opened:
        summaries = take(opened, paths, source, sources, reading(tell))
    say(dress(COLUMNS, [_row(summary, form) for summary in summaries if summary.source], form))
    conclude(summaries)
    if any(summary.unread for summary in summaries):
        raise typer.Exit(2)  # it was said which could not be read; the others are in the lake


def take_in(lake: Lake, folder: Path, tell: Progress) -> None:
    """Ingest a folder of evidence, and say what came of it."""
    from ingest.bundle import ingest_folder

    conclude(ingest_folder(lake, folder, reading(tell)))


def reading(tell: Progress) -> Callable[[Path, int, int], None]:
    """Say how much of a file has been read."""
    return lambda path, done, size: tell(f"reading {path.name}: {done / max(size, 1):.0%}")


def conclude(summaries: Sequence[Summary]) -> None:
    """Say on stderr what was guessed, what was set aside and why, and which files gave nothing."""
    from agent.report.words import plural

    for summary in summaries:
        for file, why in summary.guesses.items():
            complain(f"{file}: {summary.source}, a guess: {why}")
        for reason, count in summary.quarantined.items():
            complain(f"{summary.source}: {plural(count, 'record')} in quarantine: {reason}")
    for note in (note for summary in summaries for note in summary.notes):
        complain(note)
    mapped = sum(summary.mapped for summary in summaries)
    aside = sum(summary.read for summary in summaries) - mapped
    records = plural(mapped, "record")
    files = plural(sum(len(summary.files) for summary in summaries), "file")
    seconds = sum(summary.seconds for summary in summaries)
    complain(f"{records} of {files} in {seconds:.1f} s, {aside:,} in quarantine")


def _split(given: Sequence[str], sources: Path | None) -> tuple[str | None, list[Path]]:
    """Tell a source from the paths after it; what is there is a path, whatever it is called."""
    first, *others = given
    if not others and not Path(first).exists() and _is_source(first, sources):
        raise InquestError(f"{first} is a source: name the files that are of it, too.")
    if others and (not Path(first).exists() or _is_source(first, sources)):
        return first, [Path(one) for one in others]
    return None, [Path(one) for one in given]


def _is_source(name: str, folder: Path | None) -> bool:
    from ingest.source import family, load

    sources = load(folder)
    return name in sources or bool(family(name, sources))


def _row(summary: Summary, form: Format) -> Row:
    """What came of a source; programs get the reasons too."""
    row: dict[str, Any] = {
        "source": summary.source,
        "files": len(summary.files),
        "read": summary.read,
        "mapped": summary.mapped,
        "quarantined": summary.read - summary.mapped,
        "records_per_s": round(summary.read / max(summary.seconds, 0.001)),
        "tables": dict(summary.classes) if form == "json" else ", ".join(summary.classes),
    }
    if form == "json":
        row |= {"reasons": dict(summary.quarantined), "guesses": dict(summary.guesses)}
    return row
