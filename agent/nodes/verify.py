"""Verify: no citation that does not resolve, no number that its evidence does not hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

from langgraph.runtime import Runtime

from agent.nodes.context import Context
from agent.redaction import redacted
from agent.report.words import CITING, cited
from agent.state import Evidence, Gap, Investigation, Report, Statement
from agent.tools.notebook import Notebook

_NUMBER = re.compile(r"(?<![\w.:,-])\d+(?:,\d{3})*(?:\.\d+)?(?![\w:]|\.\d)")
_AS_IT_IS = frozenset({"sql", "digest"})
_QUOTED = re.compile("“.*?”|\\{.*?\\}")


def verify(state: Investigation, runtime: Runtime[Context]) -> Investigation:
    """Drop every sentence that its evidence does not carry, say so, and number the evidence."""
    context, report = runtime.context, state["report"]
    context.progress("verify: every citation and every number")
    drilled = [Statement(one.text, one.evidence) for one in report.drilldowns]
    said = (report.summary, report.impact, drilled)
    summary, impact, held = (_carried(part, report.evidence, context.notebook) for part in said)
    dropped = sum(map(len, said)) - len(summary) - len(impact) - len(held)
    gaps = report.gaps
    if dropped:
        gaps += (Gap("not_looked_at", f"Sentences removed, not carried by evidence: {dropped}."),)
    drilldowns = tuple(d for d in report.drilldowns if Statement(d.text, d.evidence) in held)
    report = numbered(
        replace(report, summary=summary, impact=impact, drilldowns=drilldowns, gaps=gaps)
    )
    return {"report": _without_secrets(report)}


def _without_secrets(value: Any, field: str = "") -> Any:
    """The report with every secret of a known form taken out, but for the SQL that is run again."""
    if is_dataclass(value) and not isinstance(value, type):
        kept = {p.name: _without_secrets(getattr(value, p.name), p.name) for p in fields(value)}
        return replace(value, **kept)
    if isinstance(value, tuple):
        return tuple(_without_secrets(item, field) for item in value)
    if isinstance(value, dict):
        return {key: _without_secrets(item, field) for key, item in value.items()}
    return value if field in _AS_IT_IS else redacted(value)


def _carried(
    statements: Iterable[Statement], evidence: dict[str, Evidence], notebook: Notebook
) -> tuple[Statement, ...]:
    def cells(ids: Iterable[str]) -> list[float]:
        return [n for i in ids for n in numbers_in(notebook.again(evidence[i]).rows.dicts())]

    return tuple(s for s in statements if carries(s, evidence, cells))


def carries(
    statement: Statement,
    evidence: dict[str, Evidence],
    cells: Callable[[Iterable[str]], list[float]],
) -> bool:
    """Whether a statement cites evidence that exists and holds every number in it."""
    if not statement.evidence or not set(statement.evidence) <= evidence.keys():
        return False
    stated = _NUMBER.findall(_QUOTED.sub("", statement.text))
    held = cells(statement.evidence) if stated else []
    return all(_held(number, held) for number in stated)


def _held(stated: str, held: Iterable[float]) -> bool:
    """Whether a cell rounds to the number as stated."""
    plain = stated.replace(",", "")
    decimals = len(plain.partition(".")[2])
    value = float(plain)
    return any(round(cell, decimals) == value or float(f"{cell:.3g}") == value for cell in held)


def numbers_in(value: Any) -> Iterator[float]:
    """Every number in rows of any depth; how many rows there are is a number of theirs too."""
    if isinstance(value, bool) or value is None:
        return
    if isinstance(value, int | float):
        yield float(value)
    elif isinstance(value, str):
        yield from (float(number.replace(",", "")) for number in _NUMBER.findall(value))
    elif isinstance(value, dict):
        for item in value.values():
            yield from numbers_in(item)
    elif isinstance(value, list | tuple):
        yield float(len(value))
        for item in value:
            yield from numbers_in(item)


def numbered(report: Report) -> Report:
    """The report with its evidence as E1, E2, ... in the order a reader meets it."""
    order = [i for i in dict.fromkeys(cited(report)) if i in report.evidence]
    order += sorted(report.evidence.keys() - set(order))
    ids = {name: f"E{n}" for n, name in enumerate(order, 1)}
    evidence = {ids[name]: replace(report.evidence[name], id=ids[name]) for name in order}
    bare: Report = _renamed(replace(report, evidence={}), ids)
    return replace(bare, evidence=evidence)


def _renamed(value: Any, ids: dict[str, str], field: str = "") -> Any:
    if field in CITING:
        return ids[value] if isinstance(value, str) else tuple(ids[i] for i in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(
            value,
            **{p.name: _renamed(getattr(value, p.name), ids, p.name) for p in fields(value)},
        )
    if isinstance(value, tuple):
        return tuple(_renamed(item, ids) for item in value)
    return value
