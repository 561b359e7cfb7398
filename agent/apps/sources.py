"""`inquest sources`: what raw forms can be read, and whether a folder of sources is sound."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.apps.options import Format, FormatOption
from agent.apps.table import Row, dress
from agent.apps.terminal import complain, progress, say
from lake.errors import InquestError

if TYPE_CHECKING:
    from ingest.contract import Trial
    from ingest.source import Source

SHOWN_CLASSES = 3
TESTED = ["family", "sources", "samples", "events", "valid", "as_expected", "quarantined"]

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
            "product": _named(*source.product),
            "reads": source.reads,
            "classes": _listed(source.tables, form),
        }
        for source in load(sources).values()
    ]
    say(dress(["family", "source", "product", "reads", "classes"], rows, form))


def _named(vendor: str | None, product: str) -> str:
    """A product with its vendor, which many bear in their name."""
    return product if not vendor or product.startswith(vendor) else f"{vendor} {product}"


def _listed(classes: Sequence[str], form: Format) -> str | list[str]:
    """Classes for a person, who is shown the first ones, or for a program."""
    if form == "json":
        return list(classes)
    more = f" and {len(classes) - SHOWN_CLASSES} more" if len(classes) > SHOWN_CLASSES else ""
    return ", ".join(classes[:SHOWN_CLASSES]) + more


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
    """Check sources: ours, or those in DIR.

    Header, SQL and columns of every file; then each of its samples, DIR/NAME/input*, is ingested:
    its events have to be valid OCSF and, where there is DIR/NAME/expected.json, what stands there.
    Exit 1 with all faults found.
    """
    from ingest import contract, source

    try:
        loaded = source.check() if folder is None else source.load(folder)
    except InquestError as faults:
        say(str(faults))
        raise typer.Exit(1) from None
    own = [one for one in loaded.values() if folder is None or one.folder == folder]
    trials: list[Trial] = []
    with progress() as tell:
        for one in own:
            tell(f"trying {one.name}")
            trials += [contract.tried(one, sample) for sample in contract.samples(one)]
    say(dress(TESTED, [*_families(own, trials)], form))
    broken = [f"{one.sample}: {told}" for one in trials for told in one.faults]
    for told in broken:
        complain(told)
    if broken:
        raise typer.Exit(1)
    complain(f"all {len(own)} sources are sound")


def _families(sources: Sequence[Source], trials: Sequence[Trial]) -> Iterator[Row]:
    """One row a folder of sources, then one of all."""
    for family in (*dict.fromkeys(one.folder.name for one in sources), None):
        names = {one.name for one in sources if family in (None, one.folder.name)}
        theirs = [one for one in trials if one.source in names]
        events = sum(one.events for one in theirs)
        invalid = sum(len({told.partition(":")[0] for told in one.invalid}) for one in theirs)
        yield {
            "family": family or "all",
            "sources": len(names),
            "samples": len(theirs),
            "events": events,
            "valid": f"{(events - invalid) / events:.1%}" if events else None,
            "as_expected": sum(not one.differences for one in theirs),
            "quarantined": sum(len(one.found["quarantine"]) for one in theirs),
        }
