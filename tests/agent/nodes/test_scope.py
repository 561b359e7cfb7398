"""What is read: the window, where the alarm says to look in it, and the calm stretch elsewhere."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agent.config import Request
from agent.nodes.scope import scope
from agent.state import Window
from lake.store import Lake
from tests.agent.nodes.alone import alone
from tests.agent.world import MINUTES, START, record

AT = START + timedelta(minutes=8)


def window(lake: Lake, request: Request) -> Window:
    record(lake, minutes=MINUTES)
    return alone(scope, lake, {}, request)["window"]


def after(minutes: float) -> timedelta:
    return timedelta(minutes=minutes)


@pytest.mark.parametrize("minutes", [-10, 5])
def test_what_a_calm_stretch_shares_with_the_window_is_not_read_twice(
    lake: Lake, minutes: float
) -> None:
    asked = (START - after(30), START + after(minutes))
    told = window(lake, Request(at=AT, calm=asked))
    assert told.calm == (asked[0], min(asked[1], told.start))


def test_a_calm_stretch_inside_the_window_is_read_with_it_alone(lake: Lake) -> None:
    assert window(lake, Request(at=AT, calm=(START + after(2), START + after(5)))).calm is None


def test_a_trouble_that_is_known_is_looked_at_and_nothing_else(lake: Lake) -> None:
    told = window(lake, Request(at=AT, until=AT + after(1)))
    assert told.trouble == (AT, AT + after(1))
