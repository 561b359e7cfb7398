"""The relations that playbooks read, made once for a view of the lake and held there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from agent.playbook.compile import in_order, reads, relations
from agent.playbook.form import Playbook
from lake.ask import Limits, View, bind, placeholders
from lake.errors import QueryError

_LIMITS = Limits(rows=1_000_000, seconds=120.0)


def held(
    view: View, playbooks: Iterable[Playbook], values: Mapping[str, Any], *more: str
) -> list[Playbook]:
    """Make what the playbooks and `more` SQL read; the playbooks that may find anything in it.

    `values` are those of `$start`, `$since`, `$end` and `$question`. A relation that cannot be made
    is not held: questions that read it fail.
    """
    every = list(playbooks)
    filled = set(view.snapshots)
    for name in in_order(reads("\n".join([*_queries(every), *more])) | {"asked"}):
        sql = relations()[name]
        known = {key: values[key] for key in placeholders(sql)}
        try:
            rows = view.hold(name, bind(sql, **known), _LIMITS)
        except QueryError:  # whoever reads it is asked alone, and fails by name
            rows = 1
        if rows:
            filled.add(name)
    return [one for one in every if reads(one.finds.sql) & filled]


def _queries(playbooks: Iterable[Playbook]) -> Iterator[str]:
    for one in playbooks:
        yield one.finds.sql
        yield from (check.query.sql for check in one.checks)
