"""`inquest quarantine`: what could not be taken into the lake, and another try."""

from __future__ import annotations

from typing import Annotated

import typer

from agent.apps.options import FormatOption, LakeOption, lake_folder
from agent.apps.sources import OwnSources
from agent.apps.table import dress
from agent.apps.terminal import complain, progress, say

app = typer.Typer(
    name="quarantine",
    help="List what could not be taken into the lake, or try it again.",
    no_args_is_help=True,
)

SHOWN_CHARACTERS = 80
COLUMNS = ["source", "records", "reason", "first", "example"]

_GROUPS = f"""
SELECT source, count(*) AS records, reason,
  arg_min(path || ':' || "position", place) AS first,
  left(arg_min(raw, place), {SHOWN_CHARACTERS}) AS example
FROM (
  SELECT *, {{'at': ingested_at, 'path': path, 'position': "position"}} AS place FROM quarantine
)
GROUP BY source, reason
ORDER BY records DESC, source, reason"""


@app.command("list")
def list_(ctx: typer.Context, lake: LakeOption = None, form: FormatOption = "text") -> None:
    """Count quarantined records by source and reason, each with its first one."""
    from agent.redaction import redact
    from lake.store import Lake

    with Lake.open(lake_folder(ctx, lake)) as opened:
        rows = opened.at().ask(_GROUPS).dicts()
    shown = [{**row, "example": redact(row["example"] or "")} for row in rows]
    say(dress(COLUMNS, shown, form))
    if not rows:
        complain("nothing is in quarantine")


@app.command("replay")
def replay(
    ctx: typer.Context,
    source: Annotated[
        str | None, typer.Argument(metavar="[SOURCE]", help="A source; without one, all.")
    ] = None,
    sources: OwnSources = None,
    lake: LakeOption = None,
    form: FormatOption = "text",
) -> None:
    """Try quarantined records again, with the sources as they are now."""
    from ingest.replay import replay as again
    from lake.store import Lake

    with progress() as tell, Lake.open(lake_folder(ctx, lake)) as opened:
        tell("trying again")
        replays = again(opened, source, sources)
    rows = [
        {
            "source": one.source,
            "tried": one.tried,
            "mapped": one.mapped,
            "left": sum(one.left.values()),
            "tables": ", ".join(one.classes),
        }
        for one in replays
    ]
    say(dress(["source", "tried", "mapped", "left", "tables"], rows, form))
    for one in replays:
        for reason, count in one.left.items():
            complain(f"{one.source}: {count:,} still in quarantine: {reason}")
        if one.note:
            complain(f"{one.source}: {one.note}")
