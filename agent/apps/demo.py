"""`inquest demo`: a recorded incident, from its raw files to the report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agent.apps.incidents import evidence_of, noticed, recorded
from agent.apps.ingest import take_in
from agent.apps.investigate import answer, show
from agent.apps.options import BudgetOption, FormatOption, ModelOption, means_of, settled
from agent.apps.scratch import fresh
from agent.apps.table import dress
from agent.apps.terminal import progress, say
from agent.config import Request
from agent.events import spoken

FOLDER = Path("inquest-demo")


def demo(
    ctx: typer.Context,
    incident: Annotated[str, typer.Option(help="Which recorded incident.")] = "bad_release",
    *,
    only_list: Annotated[
        bool, typer.Option("--list", help="List the recorded incidents, without their answers.")
    ] = False,
    model: ModelOption = None,
    budget: BudgetOption = None,
    form: FormatOption = "text",
) -> None:
    """Investigate a recorded incident.

    Raw telemetry in, a root-cause report out; no key, no network, and no model unless you name one.
    """
    if only_list:
        rows = [{"incident": name, "noticed": noticed(at)} for name, at in recorded().items()]
        say(dress(["incident", "noticed"], rows, form))
        return
    evidence, means = evidence_of(incident), means_of(settled(ctx, model or "", budget))
    with progress() as tell, fresh(FOLDER / incident) as lake:
        take_in(lake, evidence, tell)
        report, folder = answer(lake, Request(), spoken(tell), means)
    show(report, folder, form)
