"""`inquest report`: the reports that a lake holds."""

from __future__ import annotations

from typing import Annotated

import typer

from agent.apps import shelf
from agent.apps.options import FormatOption, LakeOption, lake_folder
from agent.apps.table import dress
from agent.apps.terminal import complain, say, say_report
from lake.errors import InquestError

app = typer.Typer(name="report", help="Show or list the reports of a lake.", no_args_is_help=True)


@app.command()
def show(
    ctx: typer.Context,
    report: Annotated[
        str, typer.Argument(metavar="ID|PATH", help="A report's id, file or folder.")
    ],
    lake: LakeOption = None,
    reveal: Annotated[  # noqa: FBT002 - typer makes a flag of it
        bool, typer.Option("--reveal", help="Call people as they are, not by their pseudonyms.")
    ] = False,
    form: FormatOption = "text",
) -> None:
    """Print one report.

    Whom its pseudonyms stand for is in its folder, which only its owner may read.
    """
    from agent.report.as_json import load

    file = shelf.find(report, lake_folder(ctx, lake))
    loaded = load(file)
    say_report(shelf.revealed(loaded, file) if reveal else loaded, form)


@app.command("list")
def list_(ctx: typer.Context, lake: LakeOption = None, form: FormatOption = "text") -> None:
    """List the reports of a lake, the newest first."""
    from agent.report.as_json import load
    from lake.store import Lake

    with Lake.open(lake_folder(ctx, lake)) as opened:
        files = shelf.saved(opened.path)
    reports = []
    for file in files:
        try:
            reports.append(load(file))
        except InquestError as error:
            complain(str(error))
    columns = ["created_at", "id", "verdict", "confidence", "title"]
    newest = sorted(reports, key=lambda report: report.created_at, reverse=True)
    rows = [{column: getattr(report, column) for column in columns} for report in newest]
    say(dress(columns, rows, form))
