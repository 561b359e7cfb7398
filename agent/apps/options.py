"""The options that several commands share, so that they are spelled the same everywhere."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from agent.budget import read_budget

if TYPE_CHECKING:
    from agent.config import Settings
    from agent.model.provider import Model
    from agent.nodes.context import Means

Format = Literal["text", "json", "markdown", "html"]

FormatOption = Annotated[Format, typer.Option("--format", help="How to print the result.")]
LakeOption = Annotated[
    Path | None,
    typer.Option("--lake", help="The lake's folder.  [default: $INQUEST_LAKE or ./inquest-lake]"),
]
ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="PROVIDER:NAME",
        help="The model that proposes and words; without one, templates do.",
    ),
]
EventsOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Add how far it is to a file, a line of JSON each."),
]

BudgetOption = Annotated[
    str | None,
    typer.Option(
        "--budget",
        metavar="UNIT=AMOUNT,...",
        help="The most to take: calls, input_tokens, output_tokens, usd, wall_s, queries.",
    ),
]


def lake_folder(ctx: typer.Context, given: Path | None) -> Path:
    """Choose the lake: the option, else the environment's, else the default."""
    settings: Settings = ctx.obj
    return given or settings.lake


def model_of(spec: str) -> Model | None:
    """Make the model ready that was asked for; it is not called yet."""
    if not spec:
        return None
    from agent.model.provider import open_model

    return open_model(spec)


def settled(ctx: typer.Context, model: str | None = None, budget: str | None = None) -> Settings:
    """Choose the settings: the options' word, else the environment's."""
    settings: Settings = ctx.obj
    return replace(
        settings,
        model=settings.model if model is None else model,
        budget=read_budget(budget or "", settings.budget),
    )


def means_of(settings: Settings) -> Means:
    """What an investigation may use, by the settings."""
    from agent.nodes.context import Means

    return Means(model_of(settings.model), settings.budget, settings.per_day, settings.per_channel)


def moment(given: str) -> datetime:
    """Read a time of the command line; one without a zone is refused, not guessed."""
    try:
        at = datetime.fromisoformat(given)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise typer.BadParameter(
            f"{given!r} is no time with its zone; write 2026-11-21T14:05:00Z or ...+02:00."
        )
    return at


def stretch(given: str | None) -> tuple[datetime, datetime] | None:
    """Read a stretch of time of the command line: a time, a slash, and a later time."""
    if not given:
        return None
    first, slash, last = given.partition("/")
    if not slash:
        raise typer.BadParameter(
            f"{given!r} is no stretch of time; write 2026-11-21T13:00Z/2026-11-21T14:00Z."
        )
    return moment(first), moment(last)
