"""One door to every dress: a Report and the name of a format give text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from agent.report.as_json import ReportError, dump
from agent.report.html import html
from agent.report.markdown import markdown
from agent.report.terminal import text
from agent.state import Report

Format = Literal["text", "json", "markdown", "html"]
_DRESSES: dict[str, Callable[[Report], str]] = {
    "text": text,
    "json": dump,
    "markdown": markdown,
    "html": html,
}


def render(report: Report, form: Format) -> str:
    """`report` in that format; `text` is the terminal's dress without colours.

    Raises ReportError for any other format.
    """
    if form not in _DRESSES:
        raise ReportError(f"format {form!r} is not one of {', '.join(_DRESSES)}.")
    return _DRESSES[form](report)
