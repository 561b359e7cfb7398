"""`inquest sources`: what raw forms can be read, and whether a folder of sources is sound."""

from __future__ import annotations

from collections import Counter
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
    from ingest.source import load

    rows = [
        {
            "family": source.folder.name,
            "source": source.name,
            "product": " ".join(dict.fromkeys(filter(None, source.product))),
            "reads": source.reads,
            "classes": ", ".join(source.tables),
        }
        for source in load(sources).values()
    ]
    say(dress(["family", "source", "product", "reads", "classes"], rows, form))


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A source.")],
    sources: OwnSources = None,
) -> None:
    """Show a source as it is: its header and its SELECT."""
    from ingest.source import load

    known = load(sources)
    if name not in known:
        raise InquestError(f"There is no source {name}: `inquest sources list` names them.")
    say(known[name].sql)


@app.command("test")
def check(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="DIR", exists=True, file_okay=False, help="Your sources."),
    ] = None,
    form: FormatOption = "text",
) -> None:
    """Check sources without data: ours, or those in DIR.

    Header, SQL and columns of every file; exit 1 with all faults found.
    """
    from ingest import source

    try:
        loaded = source.check() if folder is None else source.load(folder)
    except InquestError as faults:
        say(str(faults))
        raise typer.Exit(1) from None
    own = [one for one in loaded.values() if folder is None or one.folder == folder]
    families = Counter(one.folder.name for one in own)
    say(
        dress(
            ["family", "sources"], [{"family": k, "sources": n} for k, n in families.items()], form
        )
    )
    complain(f"all {len(own)} sources are sound")
