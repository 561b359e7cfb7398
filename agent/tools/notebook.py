"""The notebook: asks the lake and keeps every answer as evidence that can be run again."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pandas as pd

from agent.state import Evidence
from agent.tools.catalogue import tool
from lake.ask import Limits, Rows, View, bind
from traces.tracer import Tracing

SAMPLE = 8
_LIMITS = Limits(rows=200_000, seconds=60.0)


@dataclass(frozen=True, slots=True)
class Answer:
    """What one question brought: the evidence, and all its rows."""

    evidence: Evidence
    rows: Rows

    @property
    def id(self) -> str:
        """The evidence's id, for citations."""
        return self.evidence.id

    @property
    def df(self) -> pd.DataFrame:
        """The rows as a pandas frame."""
        return self.rows.df()

    def noted(self) -> dict[str, Evidence]:
        """The evidence as an update of the graph's state."""
        return {self.id: self.evidence}


@dataclass(frozen=True, slots=True)
class Notebook:
    """One investigation's questions to one pinned view of the lake."""

    view: View
    tracing: Tracing
    _answers: dict[tuple[str, str], Answer] = field(default_factory=dict)

    def ask(self, name: str, about: str = "", **params: Any) -> Answer:
        """Ask tool `name`; `about` tells apart the several times that one tool is asked.

        Until the report numbers it, evidence is called by its tool and subject (`history:cart`), so
        that an answer has the same name whichever branch of the graph comes first. The same
        question is put to the lake once.
        """
        asked = tool(name)
        sql = bind(asked.sql, **{k: v for k, v in params.items() if f"${k}" in asked.sql})
        evidence_id = f"{name}:{about}" if about else name
        if known := self._answers.get((evidence_id, sql)):
            return known
        with self.tracing.tool(name, evidence=evidence_id):
            rows = self.view.ask(sql, _LIMITS)
        evidence = Evidence(
            id=evidence_id,
            question=_worded(asked.question, params),
            tool=name,
            sql=sql,
            snapshots=dict(rows.snapshots),
            rows=len(rows),
            digest=rows.digest,
            columns=tuple(rows.columns),
            sample=tuple(rows.arrow.slice(0, SAMPLE).to_pylist()),
        )
        answer = Answer(evidence, rows)
        self._answers[evidence_id, sql] = answer
        return answer

    def again(self, evidence: Evidence) -> Answer:
        """The answer behind a piece of evidence; run again if this notebook did not ask it."""
        known = self._answers.get((evidence.id, evidence.sql))
        return known or Answer(evidence, self.view.ask(evidence.sql, _LIMITS))


def _worded(question: str, params: dict[str, Any]) -> str:
    def word(match: re.Match[str]) -> str:
        value = params[match.group(1)]
        return f"{value:%H:%M:%S}" if isinstance(value, datetime) else str(value)

    return re.sub(r"\$(\w+)", word, question)
