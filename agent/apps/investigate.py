"""`inquest investigate`: a moment, an alert or a folder of evidence in, a report out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.apps import shelf
from agent.apps.alert import read_alert
from agent.apps.bundle import request_of
from agent.apps.ingest import take_in
from agent.apps.options import (
    BudgetOption,
    EventsOption,
    Format,
    FormatOption,
    LakeOption,
    ModelOption,
    lake_folder,
    means_of,
    moment,
    settled,
    stretch,
)
from agent.apps.scratch import fresh
from agent.apps.terminal import Progress, complain, progress, say_report
from agent.config import Request
from agent.errors import RequestError
from agent.events import Hear, recorded, spoken

if TYPE_CHECKING:
    from agent.nodes.context import Means
    from agent.state import Report
    from lake.store import Lake

SCRATCH = Path("inquest-scratch")


def investigate(
    ctx: typer.Context,
    bundle: Annotated[
        Path | None,
        typer.Argument(help="A folder of evidence files, taken into a lake of its own."),
    ] = None,
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="A moment in the incident, with its zone.")
    ] = None,
    alert: Annotated[
        str | None,
        typer.Option(metavar="FILE|NAME", help="An alert: its file, its name or its fingerprint."),
    ] = None,
    service: Annotated[str | None, typer.Option(help="The service that showed it.")] = None,
    lookback: Annotated[
        float, typer.Option(metavar="MINUTES", help="How far before the incident to read.")
    ] = 60.0,
    calm: Annotated[
        str | None,
        typer.Option(metavar="FROM/TO", help="A stretch known to be well, to compare with."),
    ] = None,
    ask: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What you want to know, in your words.")
    ] = None,
    playbooks: Annotated[
        Path | None, typer.Option(metavar="DIR", help="A folder with playbooks of your own.")
    ] = None,
    lake: LakeOption = None,
    model: ModelOption = None,
    budget: BudgetOption = None,
    events: EventsOption = None,
    form: FormatOption = "text",
) -> None:
    """Find out why it broke.

    Give a time, an alert, a service or a folder of evidence; what is left out, the data say.
    """
    request = replace(
        read_request(at, alert, service, lookback),
        calm=stretch(calm),
        question=(ask or "").encode("utf-8", "replace").decode(),
        playbooks=playbooks,
    )
    if bundle:
        request = request_of(bundle, request)
    if playbooks:
        from agent.playbook.trial import sound

        sound(playbooks)
    default = lake_folder(ctx, None)
    means = means_of(settled(ctx, model, budget))
    with (
        progress() as tell,
        opened(bundle, lake, default, SCRATCH, tell) as home,
        hearing(events, tell) as hear,
    ):
        report, folder = answer(home, request, hear, means)
    show(report, folder, form)


@contextmanager
def hearing(events: Path | None, tell: Progress) -> Iterator[Hear]:
    """Tell what is said, and add every event to a file if one is named."""
    if events is None:
        yield spoken(tell)
        return
    with events.open("ab", buffering=0) as file:
        yield recorded(file, spoken(tell), lambda why: complain(f"{events}: {why}"))


def answer(
    lake: Lake, request: Request, hear: Hear, means: Means | None = None
) -> tuple[Report, Path | None]:
    """Investigate, and put the report on the lake's shelf: the report, and its folder if it is."""
    from agent.apps.runs import durable
    from agent.investigation import investigated
    from agent.nodes.context import ALONE
    from agent.redaction import identified

    with identified(lake.path) as people, durable(lake.path) as runs:
        found = investigated(lake, request, hear, means or ALONE, runs, must_keep=True)
        return found["report"], shelf.keep(found["report"], lake, people)


def show(report: Report, folder: Path | None, form: Format) -> None:
    """Print a report, and beside it where its page is and how to check it."""
    say_report(report, form)
    if folder is None:
        return
    near = folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
    complain(f"page    {near / 'report.html'}")
    complain(f"verify  inquest verify {near}")


@contextmanager
def opened(
    bundle: Path | None, lake: Path | None, default: Path, scratch: Path, tell: Progress
) -> Iterator[Lake]:
    """Open the lake asked for, or `default`; a bundle without one is taken into a scratch lake."""
    from lake.store import Lake as Store

    if bundle is None:
        with Store.open(lake or default) as there:
            yield there
        return
    if not bundle.is_dir():
        raise RequestError(f"{bundle} is no folder; a bundle is a folder of evidence files.")
    with Store.create(lake) if lake else fresh(scratch / _home(bundle)) as made:
        take_in(made, bundle, tell)
        yield made


def _home(bundle: Path) -> str:
    """A folder name for a bundle's lake: its own, and what tells it from others of that name."""
    place = bundle.resolve()
    return f"{place.name}-{sha256(str(place).encode()).hexdigest()[:8]}"


def read_request(
    at: str | None, alert: str | None, service: str | None, lookback: float
) -> Request:
    """Read the alert's file, if it is one; what is said by hand goes before what the file says."""
    file = Path(alert) if alert and Path(alert).is_file() else None
    if alert and alert.endswith(".json") and not file:
        raise RequestError(f"There is no file {alert} to read an alert from.")
    alone = read_alert(file) if file else Request(alert=alert)
    return replace(
        alone,
        at=moment(at) if at else alone.at,
        service=service or alone.service,
        lookback_s=lookback * 60,
    )
