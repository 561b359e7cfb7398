"""Rows as a table: every format says the same, and no cell can break out of its table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.apps.options import Format
from agent.apps.table import dress

AT = datetime(2026, 11, 21, 14, 5, tzinfo=timezone(timedelta(hours=2)))


def test_text_is_aligned_and_times_are_utc() -> None:
    rows: list[dict[str, object]] = [
        {"service": "cart", "at": AT},
        {"service": "payment", "at": None},
    ]
    assert dress(["service", "at"], rows, "text").splitlines() == [
        "service  at",
        "cart     2026-11-21T12:05:00Z",
        "payment",
    ]


def test_json_keeps_types() -> None:
    row = {"n": 3, "rate": 0.5, "at": AT.astimezone(UTC), "none": None, "of": {"a": [1]}}
    (read,) = orjson.loads(dress(list(row), [row], "json"))
    assert read == row | {"at": "2026-11-21T12:05:00Z"}


def test_html_and_markdown_escape_what_is_in_a_cell() -> None:
    rows = [{"a": "<b>|</b>"}]
    assert "<td>&lt;b&gt;|&lt;/b&gt;</td>" in dress(["a"], rows, "html")
    assert dress(["a"], rows, "markdown").splitlines()[2] == r"| &lt;b&gt;\|&lt;/b&gt; |"


def test_a_very_long_cell_widens_no_table_of_text() -> None:
    row = {"model": "m" * 500, "title": "t" * 200}
    (shown,) = dress([*row], [row], "text").splitlines()[1:]
    assert shown == f"{'m' * 79}…  {'t' * 200}"
    assert "m" * 500 in dress([*row], [row], "markdown")


@pytest.mark.parametrize(("form", "head"), [("text", 1), ("markdown", 2)])
@given(cells=st.lists(st.text(), max_size=5))
@settings(deadline=None, max_examples=50)
def test_whatever_a_cell_holds_a_row_is_one_line_without_control_characters(
    form: Format, head: int, cells: list[str]
) -> None:
    lines = dress(["cell"], [{"cell": cell} for cell in cells], form).split("\n")
    assert len(lines) == head + len(cells)
    assert all(line.isprintable() for line in lines)
