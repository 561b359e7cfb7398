"""`inquest export`: what is in the lake, as OCSF events."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, Literal

import orjson
import typer

from agent.apps.options import LakeOption, lake_folder, moment
from agent.apps.terminal import complain, progress
from lake.errors import InquestError

if TYPE_CHECKING:
    from lake.event import Event
    from lake.store import Lake

EVERY = 10_000
"""After how many events to say how many there are."""


def export(
    ctx: typer.Context,
    classes: Annotated[
        list[str] | None,
        typer.Option("--class", metavar="NAME", help="A class of OCSF; without one, every class."),
    ] = None,
    form: Annotated[
        Literal["ocsf-json"], typer.Option("--format", help="One event a line, as JSON.")
    ] = "ocsf-json",
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Leave out what was before.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Leave out what was then or later.")
    ] = None,
    *,
    core: Annotated[
        bool,
        typer.Option(
            "--core",
            help="Only what OCSF itself defines: what our extension adds goes to `unmapped`, and "
            "its classes are left out.",
        ),
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A file, instead of the terminal.")
    ] = None,
    lake: LakeOption = None,
) -> None:
    """Write the lake's events as whole OCSF events, in the order of their times in each class."""
    from agent.report.words import plural
    from lake.event import stored
    from lake.store import Lake

    begin, end = (moment(given) if given else None for given in (since, until))
    encode = {"ocsf-json": _line}[form]
    written = 0
    with progress() as tell, Lake.open(lake_folder(ctx, lake)) as opened:
        names, view = _chosen(opened, classes, core=core), opened.at()
        with _sink(output) as sink:
            for name in names:
                for event in stored(view, name, begin, end, core=core):
                    sink.write(encode(event))
                    written += 1
                    if written % EVERY == 0:
                        tell(f"{written:,} events written")
    where = f" to {output}" if output else ""
    complain(f"{plural(written, 'event')} of {len(names)} classes written{where}")


def _line(event: Event) -> bytes:
    return orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE)


def _chosen(lake: Lake, classes: Sequence[str] | None, *, core: bool) -> list[str]:
    """The classes to export: those asked for, or all that have rows."""
    from lake import ocsf, schema

    known = [name for name in schema.tables() if name != "quarantine"]
    if unknown := [name for name in classes or () if name not in known]:
        raise InquestError(schema.no_table(unknown[0]))
    if core and (ours := [name for name in classes or () if not ocsf.is_core(name)]):
        raise InquestError(f"{ours[0]} is a class of our extension: export it without --core.")
    there = {name for name in lake.snapshots() if not core or ocsf.is_core(name)}
    return [name for name in classes or known if name in there]


@contextmanager
def _sink(output: Path | None) -> Iterator[BinaryIO]:
    """A file, or stdout; a reader of it that has gone away (`| head`) is not an error."""
    if output:
        with output.open("wb") as file:
            yield file
        return
    try:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        # https://docs.python.org/3/library/signal.html#note-on-sigpipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
