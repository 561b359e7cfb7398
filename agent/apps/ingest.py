"""`inquest ingest`: raw files of one source into the lake."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.apps.options import FormatOption, LakeOption, lake_folder
from agent.apps.sources import OwnSources
from agent.apps.table import Row, dress
from agent.apps.terminal import Progress, complain, progress, say

if TYPE_CHECKING:
    from ingest.run import Summary
    from lake.store import Lake

COLUMNS = ["source", "table", "records", "reason"]


def ingest(
    ctx: typer.Context,
    source: Annotated[
        str, typer.Argument(help="A source of `inquest sources list`, or a family of them.")
    ],
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH...", help="Its raw files; of a family, folders.")
    ],
    sources: OwnSources = None,
    lake: LakeOption = None,
    form: FormatOption = "text",
) -> None:
    """Take raw files into the lake.

    Records that cannot be read are kept in quarantine, with the reason, and counted.
    """
    from ingest.run import ingest_all
    from lake.store import Lake

    with progress() as tell, Lake.create(lake_folder(ctx, lake)) as opened:
        summaries = ingest_all(opened, source, paths, sources, reading(tell))
    say(dress(COLUMNS, [row for summary in summaries for row in _rows(summary)], form))
    conclude(summaries)
    if any(file.stat().st_size == 0 for summary in summaries for file in summary.files):
        raise typer.Exit(2)  # it was said which holds no records; the others are in the lake


def take_in(lake: Lake, folder: Path, tell: Progress) -> None:
    """Ingest a folder of evidence, and say what came of it."""
    from ingest.bundle import ingest_folder

    conclude(ingest_folder(lake, folder, reading(tell)))


def reading(tell: Progress) -> Callable[[Path, int, int], None]:
    """Say how much of a file has been read."""
    return lambda path, done, size: tell(f"reading {path.name}: {done / max(size, 1):.0%}")


def conclude(summaries: Sequence[Summary]) -> None:
    """Say on stderr what was read, what was set aside, and which files gave nothing."""
    from agent.report.words import plural

    for note in (note for summary in summaries for note in summary.notes):
        complain(note)
    mapped = sum(summary.mapped for summary in summaries)
    aside = sum(summary.read for summary in summaries) - mapped
    records = plural(mapped, "record")
    files = plural(sum(len(summary.files) for summary in summaries), "file")
    seconds = sum(summary.seconds for summary in summaries)
    complain(f"{records} of {files} in {seconds:.1f} s, {aside:,} in quarantine")


def _rows(summary: Summary) -> Iterator[Row]:
    """One row a table that records went to, then one a reason for quarantine."""
    for table, records in summary.classes.items():
        yield {"source": summary.source, "table": table, "records": records, "reason": None}
    for reason, records in summary.quarantined.items():
        yield {
            "source": summary.source,
            "table": "quarantine",
            "records": records,
            "reason": reason,
        }
