"""`inquest runs`: what runs, ran, or was interrupted; go on with one, or cancel one."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.apps import shelf
from agent.apps.options import (
    BudgetOption,
    EventsOption,
    FormatOption,
    LakeOption,
    ModelOption,
    lake_folder,
    means_of,
    settled,
)
from agent.apps.table import dress
from agent.apps.terminal import complain, progress, say
from agent.budget import read_budget
from agent.errors import RunError

if TYPE_CHECKING:
    from agent.runs.runs import Listed, Runs

TERMINATED = 128 + signal.SIGTERM

RESUME = "resume "
"""How the note of an error begins that says how to go on."""

_COLUMNS = ["run", "state", "node", "seen", "model", "question"]

app = typer.Typer(
    name="runs",
    help="See which investigations run; go on with one that was interrupted, or cancel one.",
    no_args_is_help=True,
)
RunArgument = Annotated[str, typer.Argument(metavar="ID", help="The run's id, as in the list.")]


@app.command("list")
def list_(ctx: typer.Context, lake: LakeOption = None, form: FormatOption = "text") -> None:
    """List the runs of a lake, the newest first."""
    with opened(lake_folder(ctx, lake)) as runs:
        say(dress(_COLUMNS, [_row(one) for one in runs.list()], form))


@app.command()
def resume(
    ctx: typer.Context,
    run: RunArgument,
    lake: LakeOption = None,
    model: ModelOption = None,
    budget: BudgetOption = None,
    events: EventsOption = None,
    form: FormatOption = "text",
) -> None:
    """Go on with a run that was interrupted or killed, from its last step.

    It asks what it asked before, of the lake as it was; no answer of a model is paid for twice. Its
    budget is what is left of the one that it was begun with; --budget changes single units of that.
    """
    from agent.apps.investigate import hearing, show
    from agent.investigation import resumed
    from agent.redaction import identified
    from lake.store import Lake

    folder = lake_folder(ctx, lake)
    with interruptible(), Lake.open(folder) as home, opened(folder) as runs, progress() as tell:
        kept = runs.resume(run)
        settings = settled(ctx, kept.begun.model if model is None else model)
        means = means_of(replace(settings, budget=read_budget(budget or "", kept.begun.budget)))
        with identified(folder) as people, hearing(events, tell) as hear:
            report = resumed(home, kept, hear, means)["report"]
            place = shelf.keep(report, home, people)
    show(report, place, form)


@app.command()
def cancel(ctx: typer.Context, run: RunArgument, lake: LakeOption = None) -> None:
    """Let a run end before its next step or call of a model, without a report."""
    with opened(lake_folder(ctx, lake)) as runs:
        runs.cancel(run)
    complain(f"{run} is cancelled.")


@contextmanager
def opened(lake: Path) -> Iterator[Runs]:
    """Open the runs of a lake, where the environment says that they are kept."""
    from agent.runs.runs import Runs

    if not lake.is_dir():
        raise RunError(f"There is no lake at {lake}, so it has no runs.")
    place, key = (os.environ.get(f"INQUEST_CHECKPOINT{of}", "") for of in ("S", "_KEY"))
    with Runs.open(lake, place, key) as runs:
        runs.store.warn = complain
        yield runs


@contextmanager
def durable(lake: Path) -> Iterator[Runs | None]:
    """Open the runs of a lake for an investigation, which goes on without if they cannot be.

    A run is finished once all that is done inside is.
    """
    with interruptible(), ExitStack() as stack:
        try:
            runs = stack.enter_context(opened(lake))
        except RunError as error:
            complain(f"The run could not be resumed if it were interrupted. {error}")
            runs = None
        yield runs


@contextmanager
def interruptible() -> Iterator[None]:
    """End in good order when the process is told to, and say how to go on with what was begun."""
    is_main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, _terminate) if is_main else None
    try:
        yield
    except BaseException as error:
        for note in getattr(error, "__notes__", ()):
            if note.startswith(RESUME):
                complain(note)
        raise
    finally:
        if is_main:
            signal.signal(signal.SIGTERM, before)


def _terminate(_signal: int, _frame: object) -> None:
    raise SystemExit(TERMINATED)


def _row(one: Listed) -> dict[str, str]:
    begun = one.begun
    return {
        "run": one.id,
        "state": one.state,
        "node": one.node,
        "seen": one.seen_at[:19],
        "model": begun.model if begun else "",
        "question": begun.request.question if begun else "",
    }
