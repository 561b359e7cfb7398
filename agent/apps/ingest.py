"""`inquest ingest`: raw files of one source into the lake."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agent.apps.options import FormatOption, LakeOption, lake_folder
from agent.apps.sources import OwnSources
from agent.apps.table import dress
from agent.apps.terminal import progress, say


def ingest(
    ctx: typer.Context,
    source: Annotated[str, typer.Argument(help="A source of `inquest sources list`.")],
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Its raw files.")],
    sources: OwnSources = None,
    lake: LakeOption = None,
    form: FormatOption = "text",
) -> None:
    """Take raw files into the lake.

    Records that cannot be read are kept in quarantine, with the reason, and counted.
    """
    from ingest.run import ingest as run
    from lake.store import Lake

    with Lake.create(lake_folder(ctx, lake)) as opened, progress() as tell:
        summary = run(opened, source, paths, sources_dir=sources, progress=tell)
    say(dress(["source"], [{"source": summary}], form))
