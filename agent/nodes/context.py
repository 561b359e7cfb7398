"""What every node may use: the request, the notebook, the model, and where to say how far it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from agent.budget import NO_LIMIT, USUAL, Budget, Meter
from agent.config import Request
from agent.errors import ModelError
from agent.events import Event, Hear, unheard
from agent.model.provider import Model
from agent.model.speak import Journal, Speaker
from agent.tools.notebook import Notebook


@dataclass(frozen=True, slots=True)
class Means:
    """What an investigation may use beside the lake: a model, and how much of everything.

    `per_day` and `per_channel` are the budgets that it has with others, `channel` where it was
    asked for, `thread` the conversation, if there is one.
    """

    model: Model | None = None
    budget: Budget = USUAL
    per_day: Budget = NO_LIMIT
    per_channel: Budget = NO_LIMIT
    channel: str = ""
    thread: str = ""


ALONE = Means()


@dataclass(frozen=True, slots=True)
class Context:
    """One run's request and resources; the graph's state holds values only.

    `hear` is told how far it is, by the `node` that runs. `model` proposes and words, if one was
    asked for; `meter` is what the run may take; `journal`
    keeps what was paid for; `go_on` raises what stops a run that was cancelled, as does `reached`,
    which is told the node that comes next.
    """

    request: Request
    notebook: Notebook
    hear: Hear = unheard
    model: Model | None = None
    meter: Meter = field(default_factory=Meter)
    journal: Journal | None = None
    go_on: Callable[[], None] = lambda: None
    reached: Callable[[str], None] = lambda _: None
    node: str = ""

    def progress(self, text: str) -> None:
        """Say what is being done."""
        self.hear(Event("says", self.node, text, spent=self.meter.spent()))

    def speaker(self) -> Speaker:
        """The model in this run; ModelError if none was asked for."""
        if self.model is None:
            raise ModelError("No model was asked for.")
        tracing = self.notebook.tracing
        return Speaker(self.model, tracing, self.meter, self.journal, self.go_on)
