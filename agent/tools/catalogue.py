"""The tools: questions anyone may put to the lake, one `.sql` file each, answered read-only."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from agent.analysis.log_templates import MASKS
from agent.playbook.compile import in_order, relations
from agent.state import Origin
from lake.ask import literal

TOOLS = (
    "alarms",
    "alerts",
    "attempts",
    "attributes",
    "by_version",
    "calm",
    "change_texts",
    "changes",
    "complained",
    "complaints",
    "drill_carrier",
    "drill_cells",
    "edges",
    "entrance",
    "extent",
    "flows",
    "history",
    "impact",
    "instances",
    "kube_events",
    "kube_objects",
    "last_alerts",
    "levels",
    "lock_waits",
    "logged",
    "mesh",
    "metric_by_instance",
    "metrics",
    "metrics_of_instances",
    "old_against_new",
    "on_nodes",
    "operations",
    "past_incidents",
    "placed",
    "quarantine",
    "release_history",
    "requests",
    "seen",
    "session",
    "side_by_side",
    "spared",
    "started",
    "stated",
    "steps",
    "templates",
    "versions",
    "with_and_without",
)

OURS = "inquest"
"""The service that our own spans are of."""

_HERE = Path(__file__).parent
_QUESTION = re.compile(r"-- question: (.+)\n")
_PART = re.compile(r"\{\{(\w+)(?:\((\w+)\))?\}\}")


@dataclass(frozen=True, slots=True)
class Tool:
    """One question: its words, and its SQL with `$name` where a value goes."""

    name: str
    question: str
    sql: str
    asked_by: Origin = "engine"


@cache
def tool(name: str) -> Tool:
    """Read the tool `name`; its `{{part}}`s are filled in from `parts/`."""
    text = (_HERE / f"{name}.sql").read_text()
    question, sql = _QUESTION.match(text), _QUESTION.sub("", text, count=1)
    if question is None:
        raise ValueError(f"tool {name}: its first line must be '-- question: ...'")
    return Tool(name, question.group(1), with_parts(sql).strip())


def with_parts(sql: str) -> str:
    """The SQL with its `{{part}}`s filled in.

    `{{mask(column)}}` is its log template, `{{question(tool)}}` what another tool asks, and
    `{{relation(name)}}` a relation of the playbooks with all that it reads, as CTEs.
    """
    return _PART.sub(_part, sql)


def with_ours(asked: Tool) -> Tool:
    """The same question with what it leaves out unless it is asked about: Inquest's own spans."""
    return replace(asked, sql=asked.sql.replace(f"'{OURS}'", "''"))


def _part(match: re.Match[str]) -> str:
    part, argument = match.groups()
    if part == "mask":
        return _masked(argument)
    if part == "question":
        return tool(argument).sql
    if part == "relation":
        needed = in_order({argument})
        return ",\n".join(f"{name} AS MATERIALIZED (\n{relations()[name]}\n)" for name in needed)
    return _PART.sub(_part, (_HERE / "parts" / f"{part}.sql").read_text().strip())


def _masked(column: str) -> str:
    """SQL that turns the text of `column` into its log template."""
    sql = column
    for pattern, replacement in MASKS:
        sql = f"regexp_replace({sql}, {literal(pattern)}, {literal(replacement)}, 'g')"
    return sql
