"""The notebook: asks the lake and keeps every answer as evidence that can be run again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Any

import pandas as pd

from agent.state import Evidence
from agent.tools.catalogue import Tool, tool, with_ours
from lake.ask import Limits, Rows, View, bind, placeholders
from traces.tracer import Tracing

SAMPLE = 8
_LIMITS = Limits(rows=200_000, seconds=60.0)
_VALUE = re.compile(r"\$(\w+)")


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
    """One investigation's questions to one pinned view of the lake; `spend` counts each.

    `ours` is whether Inquest itself is what is asked about: else its own spans are left out.
    """

    view: View
    tracing: Tracing
    spend: Callable[[], None] = lambda: None
    ours: bool = False
    _answers: dict[tuple[str, str], Answer] = field(default_factory=dict)

    def ask(self, name: str, about: str = "", **params: Any) -> Answer:
        """Ask tool `name`; `about` tells apart the several times that one tool is asked.

        Until the report numbers it, evidence is called by its tool and subject (`history:cart`), so
        that an answer has the same name whichever branch of the graph comes first. The same
        question is put to the lake once.
        """
        asked = with_ours(tool(name)) if self.ours else tool(name)
        return self.inquire(asked, about, **params)

    def inquire(
        self,
        asked: Tool,
        about: str = "",
        shorter: str = "",
        limits: Limits | None = None,
        **params: Any,
    ) -> Answer:
        """Ask a question that is no tool of ours, as a playbook's; else as `ask` does.

        `shorter` asks the same of what the view holds; the evidence keeps what stands alone.
        `limits` may be narrower than the notebook's own.
        """
        sql = _bound(asked.sql, params)
        evidence_id = f"{asked.name}:{about}" if about else asked.name
        if known := self._answers.get((evidence_id, sql)):
            return known
        self.spend()
        with self.tracing.tool(asked.name, evidence_id, description=asked.question):
            rows = self.view.ask(_bound(shorter, params) if shorter else sql, limits or _LIMITS)
        answer = Answer(self._evidence(evidence_id, asked, sql, rows, params), rows)
        self._answers[evidence_id, sql] = answer
        return answer

    def _evidence(
        self, evidence_id: str, asked: Tool, sql: str, rows: Rows, params: dict[str, Any]
    ) -> Evidence:
        """The evidence of an answer; one that was cut says so in its SQL, to be cut so again."""
        return Evidence(
            id=evidence_id,
            question=_VALUE.sub(lambda match: _word(params[match[1]]), asked.question),
            tool=asked.name,
            sql=f"FROM (\n{sql}\n)\nLIMIT {len(rows)}" if rows.truncated else sql,
            snapshots=dict(rows.snapshots),
            rows=len(rows),
            digest=rows.digest,
            columns=tuple(rows.columns),
            sample=tuple(rows.arrow.slice(0, SAMPLE).to_pylist()),
            asked_by=asked.asked_by,
        )

    def cut(self, noted: Iterable[Evidence] = ()) -> list[Evidence]:
        """The evidence with more rows than an answer may have: asked here, or `noted` before."""
        asked = (answer.evidence for answer in self._answers.values())
        return [*{e.id: e for e in (*noted, *asked) if _is_cut(e)}.values()]

    def again(self, evidence: Evidence) -> Answer:
        """The answer behind a piece of evidence; run again if this notebook did not ask it."""
        known = (a for a in self._answers.values() if a.evidence == evidence)
        return next(known, None) or Answer(evidence, self.view.ask(evidence.sql, _LIMITS))


def _is_cut(evidence: Evidence) -> bool:
    return evidence.sql.startswith("FROM (\n") and evidence.sql.endswith(
        f"\n)\nLIMIT {evidence.rows}"
    )


def _bound(sql: str, params: dict[str, Any]) -> str:
    return bind(sql, **{name: params[name] for name in placeholders(sql)})


def _word(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    if not isinstance(value, datetime):
        return str(value)
    midnight = value.time() == time.min
    return f"{value:%Y-%m-%d}" if midnight else f"{value:%H:%M:%S}"
