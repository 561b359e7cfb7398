"""`inquest sources`: what raw forms can be read, and whether a folder of sources is sound."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agent.apps.options import FormatOption
from agent.apps.table import dress
from agent.apps.terminal import complain, say
from lake.errors import InquestError

app = typer.Typer(name="sources", help="List or test sources.", no_args_is_help=True)

OwnSources = Annotated[
    Path | None,
    typer.Option("--sources", metavar="DIR", help="A folder with sources of your own."),
]


@app.command("list")
def list_(sources: OwnSources = None, form: FormatOption = "text") -> None:
    """List the sources that `inquest ingest` knows."""
    from ingest.read import READERS
    from ingest.source import load

    reads = {reader: name for name, reader in READERS.items()}
    rows = [
        {"source": source.name, "reads": reads[source.reader], "class": source.table}
        for source in load(sources).values()
    ]
    say(dress(["source", "reads", "class"], rows, form))


@app.command("test")
def check(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="DIR", exists=True, file_okay=False, help="Your sources."),
    ] = None,
) -> None:
    """Check sources without data.

    Header, SQL and columns of every file in DIR, and of our own; exit 1 with all faults found.
    """
    from ingest.source import load

    try:
        loaded = load(folder)
    except InquestError as faults:
        say(str(faults))
        raise typer.Exit(1) from None
    complain(f"all {len(loaded)} sources are sound")
