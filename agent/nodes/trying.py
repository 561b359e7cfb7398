"""A change on trial: what every control is given, and how it puts its verdict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from agent.nodes.facts import Facts
from agent.nodes.survey.changes import began
from agent.state import Change, Control, ControlKind, ControlVerdict
from agent.tools.notebook import Answer


@dataclass(frozen=True, slots=True)
class Trying:
    """A change on trial: the facts, and how to ask the lake for more."""

    change: Change
    facts: Facts
    ask: Callable[..., Answer]

    @property
    def began(self) -> datetime:
        """When the change took hold first."""
        return began(self.change)

    @property
    def came(self) -> datetime:
        """From when it can have acted: a value may be in force before an instance is restarted."""
        declared = self.change.declared_at
        return declared if declared and self.change.kind != "deploy" else self.began

    def says(
        self, kind: ControlKind, verdict: ControlVerdict, text: str, *evidence: str, p: float = 1.0
    ) -> Control:
        """One control's verdict; `p` of 1 stands for no test made."""
        tested = p if p < 1.0 and np.isfinite(p) else None
        return Control(kind, verdict, text, evidence, p_value=tested)
