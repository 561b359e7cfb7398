"""Rows as a table in any of the formats that a command prints."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson

from agent.apps.terminal import printable

if TYPE_CHECKING:
    from agent.apps.options import Format

Row = Mapping[str, Any]
_WIDEST = 80  # characters of a cell in a table of text


def dress(columns: Sequence[str], rows: Sequence[Row], form: Format) -> str:
    """Lay out `rows`; text and markdown for people, json for programs, html for a page."""
    if form == "json":
        return _json(rows)
    cells = [[_cell(row[column]) for column in columns] for row in rows]
    return {"text": _text, "markdown": _markdown, "html": _html}[form](columns, cells)


def _json(rows: Sequence[Row]) -> str:
    options = orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS
    return orjson.dumps([dict(row) for row in rows], option=options, default=str).decode()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}".replace(".000000Z", "Z")
    if isinstance(value, dict | list):
        return orjson.dumps(value, default=str).decode()
    return str(value)


def _text(columns: Sequence[str], cells: list[list[str]]) -> str:
    lines = [list(columns), *(_shortened([printable(cell) for cell in row]) for row in cells)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(columns))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _shortened(cells: list[str]) -> list[str]:
    """Cells that pad no column too wide to be read; the last pads none and stays whole."""
    short = [cell if len(cell) <= _WIDEST else f"{cell[: _WIDEST - 1]}…" for cell in cells[:-1]]
    return [*short, *cells[-1:]]


def _markdown(columns: Sequence[str], cells: list[list[str]]) -> str:
    lines = [list(columns), ["---"] * len(columns), *(map(_escaped, row) for row in cells)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _escaped(cell: str) -> str:
    return html.escape(printable(cell), quote=False).replace("|", r"\|")


def _html(columns: Sequence[str], cells: list[list[str]]) -> str:
    head = "".join(f"<th>{html.escape(column)}</th>" for column in columns)
    body = "\n".join(
        f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in cells
    )
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"
