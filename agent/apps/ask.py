"""`inquest ask`: one read-only SQL question to the lake."""

from __future__ import annotations

from typing import Annotated

import typer

from agent.apps.options import FormatOption, LakeOption, lake_folder
from agent.apps.table import dress
from agent.apps.terminal import complain, progress, say


def ask(
    ctx: typer.Context,
    sql: Annotated[str, typer.Argument(help="One SELECT on the lake's tables.")],
    lake: LakeOption = None,
    form: FormatOption = "text",
) -> None:
    """Ask the lake one question in SQL."""
    from lake.store import Lake

    with progress() as tell, Lake.open(lake_folder(ctx, lake)) as opened:
        tell("asking")
        rows = opened.at().ask(sql)
    say(dress(rows.columns, rows.dicts(), form))
    if rows.truncated:
        complain(f"only the first {len(rows):,} rows: there are more")
