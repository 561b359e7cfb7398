"""Sharpen: a model reads the moment and service that a question means; both must stand in it."""

from __future__ import annotations

import re
from datetime import datetime
from importlib.resources import files

import orjson
from langgraph.runtime import Runtime
from pydantic import BaseModel, Field

from agent.budget import BudgetSpent
from agent.errors import ModelError
from agent.model.form import filled
from agent.nodes import moments
from agent.nodes.context import Context
from agent.nodes.scope import EVER
from agent.state import Gap, Investigation, Sharpened

_MOST_CHARS = 2000


class Reading(BaseModel):
    """What a question says of when and where."""

    at: str | None = Field(default=None, max_length=40)
    service: str | None = Field(default=None, max_length=100)


def sharpen(_state: Investigation, runtime: Runtime[Context]) -> Investigation:
    """Read the moment and service of the question; what is not in it, or the lake, is not used."""
    context = runtime.context
    question = context.request.question[:_MOST_CHARS]
    context.progress("sharpen: what the question means")
    extent = context.notebook.ask("extent", start=EVER[0], end=EVER[1]).rows.dicts()
    if not extent:
        return {}
    first, last = min(r["begins_at"] for r in extent), max(r["last_at"] for r in extent)
    data = f"{first:%Y-%m-%dT%H:%MZ} to {last:%Y-%m-%dT%H:%MZ}"
    material = orjson.dumps({"question": question, "data": data}).decode()
    try:
        reading = filled(context.speaker(), _instructions(), material, Reading)
    except (BudgetSpent, ModelError) as error:
        return {"gaps": [Gap("not_looked_at", f"The question was not read by the model. {error}")]}
    at = _read(reading.at)
    service = reading.service if _said(reading.service, question) else None
    if service and not context.notebook.ask("seen", service=service).rows:
        service = None
    return {"sharpened": Sharpened(at and moments.said(at, question, first, last), service)}


def _instructions() -> str:
    return files("agent").joinpath("prompts", "sharpen.md").read_text("utf-8")


def _said(name: str | None, question: str) -> bool:
    """Whether a question has a name as a word of its own."""
    return bool(name) and bool(
        re.search(rf"(?<![\w-]){re.escape(name or '')}(?![\w-])", question, re.I)
    )


def _read(given: str | None) -> datetime | None:
    """A moment with its zone."""
    try:
        at = datetime.fromisoformat(given or "")
    except ValueError:
        return None
    return at if at.tzinfo else None
