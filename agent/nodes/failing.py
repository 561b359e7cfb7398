"""Failing: what an investigation can do without, and how its failure is told."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from langgraph.errors import GraphBubbleUp

from agent.budget import TimeSpent
from lake.errors import InquestError, QueryError

UNFORESEEN: tuple[type[Exception], ...] = (Exception,)
"""What costs no more than its own part, though it is a fault of ours."""

_ROOT = Path(__file__).parents[2]
_CELLS = re.compile(r"'.*'", re.DOTALL)  # a cell may hold the quote itself


@contextmanager
def may_fail(tell: Callable[[str], None]) -> Iterator[None]:
    """Where what is inside fails, `tell` why in a sentence that holds no cell of any row.

    What ends a run is no failure: a budget, a request that cannot be met, a run that was cancelled.
    """
    try:
        yield
    except (QueryError, TimeSpent) as error:
        tell(without_cells(error))
    except (InquestError, GraphBubbleUp):
        raise
    except UNFORESEEN as error:
        tell(_fault(error))


def without_cells(error: Exception) -> str:
    """What an error says, without the values that DuckDB quotes in it."""
    return _CELLS.sub("'…'", str(error))


def _fault(error: Exception) -> str:
    """Where our code broke and on what; the error's own words may be those of a row."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(_ROOT / "agent")]
    at = ours[-1]
    where = Path(at.filename).relative_to(_ROOT).as_posix()
    return f"{type(error).__name__} in {where}, line {at.lineno}, a fault of Inquest's own."
