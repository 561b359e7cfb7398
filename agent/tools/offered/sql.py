"""A SELECT of the model's own, made a question whose answer can be had again."""

from __future__ import annotations

import re

from agent.tools.notebook import Answer
from agent.tools.offered.arguments import RefusedError
from lake.ask import Limits, View, placeholders
from lake.errors import QueryError

MOST = 500  # rows
_TRIMMED = re.compile(r"[\s;]+\Z")


def made(select: str) -> str:
    """The SELECT in a total order; RefusedError if it leaves a value open."""
    if names := placeholders(select):
        raise RefusedError(f"sql: ${min(names)} stands for no value; write the value itself.")
    return f"FROM (\n{_TRIMMED.sub('', select)}\n)\nORDER BY ALL\nLIMIT {MOST}"


def check(answer: Answer, view: View, limits: Limits) -> None:
    """Ask once more, by one thread where nothing is held; RefusedError if the answer differs.

    Sums of doubles, `LIMIT` without a total order and the like give this answer or that.
    """
    try:
        again = view.alone().ask(answer.evidence.sql, limits)
    except QueryError as error:
        raise RefusedError(f"sql: {error}") from error
    if again.digest != answer.evidence.digest:
        raise RefusedError(
            "sql: asked twice, the SELECT gave two answers; round sums of fractions, and order by "
            "all columns before a LIMIT, as in ORDER BY n DESC, service LIMIT 5."
        )
