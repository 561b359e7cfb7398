"""A playbook's SQL made whole: the relations that it names, in front of what it asks."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from agent.playbook.form import Check, Playbook
from lake import schema

COLUMNS = ("kind", "namespace", "name", "seen_at", "said")
"""What the rows of `finds` must have: the object, when it was so, and the line that says it."""
MOST = 500  # findings of one playbook

_READ = re.compile(r"(?i)\b(?:FROM|JOIN)\s+([a-z_]+)\b")
_COMMENT = re.compile(r"--[^\n]*")


@cache
def relations() -> dict[str, str]:
    """The relations that playbooks may name beside the tables of OCSF: name to SELECT."""
    folder = files("playbooks") / "relations"
    found = sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)
    return {f.name.removesuffix(".sql"): f.read_text("utf-8").strip() for f in found}


def whole(sql: str) -> str:
    """A SELECT with every relation that it names, and those that they name, before it."""
    needed = in_order(named(sql))
    if not needed:
        return sql
    ctes = ",\n".join(f"{name} AS MATERIALIZED (\n{relations()[name]}\n)" for name in needed)
    return f"WITH {ctes}\n{_after_with(sql)}"


def finding(playbook: Playbook) -> str:
    """What a playbook finds: its rows in a total order. `whole` makes it stand alone."""
    return f"FROM (\n{playbook.finds.sql.strip()}\n)\nORDER BY ALL\nLIMIT {MOST}"


def checking(check: Check) -> str:
    """What a check asks about one finding, in a total order."""
    return f"FROM (\n{check.query.sql.strip()}\n)\nORDER BY ALL\nLIMIT {MOST}"


def triage(playbooks: Iterable[Playbook]) -> str:
    """Ask at once which of the playbooks find anything: rows of `playbook` and `found`."""
    asked = (
        f"SELECT '{one.id}' AS playbook, count(*)::BIGINT AS found "
        f"FROM (\n{one.finds.sql.strip()}\n)"
        for one in playbooks
    )
    union = "\nUNION ALL\n".join(asked)
    return f"SELECT playbook, found FROM (\n{union}\n) WHERE found > 0 ORDER BY playbook"


def reads(sql: str) -> frozenset[str]:
    """The relations and tables that a SELECT reads by itself, but for what was asked."""
    names = {name.lower() for name in _READ.findall(_COMMENT.sub("", sql))}
    return frozenset(names & (relations().keys() | set(schema.tables()))) - {"asked"}


def named(sql: str) -> list[str]:
    """The relations that a SELECT reads: what stands behind FROM or JOIN."""
    return sorted(set(_READ.findall(_COMMENT.sub("", sql))) & relations().keys())


def in_order(names: Iterable[str]) -> list[str]:
    """Relations and all that they need, each after those that it reads."""
    order: list[str] = []
    for name in sorted({*names} & relations().keys()):
        order += (*_needed_by(name), name)
    return [*dict.fromkeys(order)]


def _after_with(sql: str) -> str:
    """A SELECT as one may follow other CTEs: its own are in brackets."""
    is_with = re.match(r"(?is)\s*(--[^\n]*\s*)*WITH\b", sql)
    return f"FROM (\n{sql.strip()}\n)" if is_with else sql.strip()


@cache
def _needed_by(name: str) -> tuple[str, ...]:
    return tuple(n for other in named(relations()[name]) for n in (*_needed_by(other), other))
