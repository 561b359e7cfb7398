"""`inquest ocsf`: whether what a file holds is valid OCSF."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import orjson
import typer

from agent.apps.terminal import complain, progress, say

app = typer.Typer(name="ocsf", help="OCSF events in files.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Stay a group of commands with one command in it."""


EVERY = 10_000
"""After how many events to say how many there are."""

_READ = ("position", "doc")


@dataclass(frozen=True)
class Finding:
    """A fault, and where it is: `position` is the line of JSON lines, else the event's number."""

    file: str
    position: int
    class_name: str | None
    path: str
    problem: str
    is_warning: bool = False

    def __str__(self) -> str:
        """`events.jsonl:3: http_activity: src_endpoint.port: 70000 is not 65535 or less`."""
        parts = [self.class_name, self.path, self.problem]
        kind = ["warning"] if self.is_warning else []
        where = f"{self.file}:{self.position}"
        return ": ".join([where, *kind, *filter(None, parts)])


@app.command()
def validate(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Events as JSON; .gz and .zst too.")
    ],
    form: Annotated[
        Literal["text", "json"], typer.Option("--format", help="How to print the result.")
    ] = "text",
) -> None:
    """Check that a file's events are valid OCSF.

    JSON lines, an array or one event. One line a fault, with its place; exit 1 if any event is
    invalid. What is deprecated is a warning.
    """
    events, findings = 0, list[Finding]()
    invalid = 0
    with progress() as tell:
        for file in files:
            for found in _checked(file):
                events += 1
                invalid += not all(one.is_warning for one in found)
                findings += found
                if form == "text" and found:
                    say("\n".join(map(str, found)))
                if events % EVERY == 0:
                    tell(f"{file.name}: {events:,} events checked")
    counts = {
        "events": events,
        "invalid": invalid,
        "warnings": sum(one.is_warning for one in findings),
    }
    if form == "json":
        rows = {**counts, "faults": findings}
        say(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode())
    complain(", ".join(f"{number:,} {what}" for what, number in counts.items()))
    if invalid or not events:
        raise typer.Exit(1)


def _checked(file: Path) -> Iterator[list[Finding]]:
    """What is found in each event of a file; text that is not JSON is an event with that fault."""
    from ingest.read import json
    from lake.validate import class_of, faults

    for chunk in json.read(file, datetime.now(UTC)):
        for one in chunk.broken:
            yield [Finding(str(file), one.position, None, "", one.reason)]
        for position, doc in zip(*(chunk.raw[name].to_pylist() for name in _READ), strict=True):
            event = orjson.loads(doc)
            of = class_of(event)
            yield [Finding(str(file), position, of, **vars(fault)) for fault in faults(event)]
