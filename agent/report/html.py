"""A Report as one web page that loads nothing: no script, no request, charts as inline SVG."""

from __future__ import annotations

import re
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from agent.report import chart, topology_map, words
from agent.state import Evidence, Report

_SAMPLE_ROWS = 10


def html(report: Report) -> str:
    """The page; every text is escaped, every citation links to its evidence."""
    return (
        environment()
        .get_template("report.html.j2")
        .render(report=report, cited=frozenset(words.cited(report)), evidence=_in_order(report))
    )


@cache
def environment() -> Environment:
    """The templates of every page, with all that is put into them escaped."""
    env = Environment(
        loader=PackageLoader("agent.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: words.block(value) if type(value) is str else value,
    )
    env.globals.update(words=words, chart=chart, topology_map=topology_map)
    env.filters.update(anchor=_anchor, sample=_sample)
    return env


def _in_order(report: Report) -> list[Evidence]:
    return sorted(report.evidence.values(), key=lambda evidence: words.natural(evidence.id))


def _anchor(identifier: str) -> str:
    """An id as the fragment of a link."""
    return re.sub(r"[^A-Za-z0-9_.-]", "-", identifier)


def _sample(evidence: Evidence) -> tuple[list[str], list[list[str]]]:
    """Columns and the first rows of a piece of evidence, as text."""
    columns = list(evidence.columns or dict.fromkeys(key for row in evidence.sample for key in row))
    rows = [
        ["-" if row.get(name) is None else words.shorten(row[name], 120) for name in columns]
        for row in evidence.sample[:_SAMPLE_ROWS]
    ]
    return columns, rows
