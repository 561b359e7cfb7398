"""What every node may use: the request, the notebook, and a place to say how far it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from agent.config import Request
from agent.model import Model
from agent.tools.notebook import Notebook


@dataclass(frozen=True, slots=True)
class Context:
    """One run's request and resources; the graph's state holds values only.

    `model` words the report, if one was asked for.
    """

    request: Request
    notebook: Notebook
    progress: Callable[[str], None]
    model: Model | None = None
