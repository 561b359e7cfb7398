"""The check of a pull request as one GitHub comment, in which no quoted text can act."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from html import escape

from agent.report import words
from agent.report.markdown import code, text
from agent.report.pr_check import (
    RISK_OF,
    VERDICTS,
    Check,
    Finding,
    Health,
    PastIncident,
    RecentChange,
)
from agent.state import Evidence

MARKER = "<!-- inquest:pr-check "
MOST = 60_000
"""Characters of a comment; GitHub takes 65,536."""

_ROWS = 50
_CUT = "_Cut here: the job's summary and its JSON hold the rest._"
_LONGEST = 300
_NONE = "\N{EN DASH}"


def comment(check: Check, run_url: str = "") -> str:
    """The comment, marked as ours and with the commit that it judges."""
    mark = f"{MARKER}head={re.sub('[^0-9a-f]', '', check.pull.head)[:64]} -->"
    return f"{mark}\n{summary(check, run_url, MOST - len(mark) - 1)}"


def summary(check: Check, run_url: str = "", most: int = MOST) -> str:
    """The comment without its mark, cut between paragraphs where it is longer than `most`."""
    footer = _footer(check, run_url)
    parts = list(_fitting(filter(None, _parts(check)), most - len(footer) - len(_CUT) - 4))
    return "\n\n".join([*parts, footer]) + "\n"


def _fitting(parts: Iterable[str], room: int) -> Iterator[str]:
    for part in parts:
        room -= len(part) + 2
        if room < 0:
            yield _CUT
            return
        yield part


def _parts(check: Check) -> Iterator[str]:
    yield f"### Inquest: {headline(check)}"
    yield " ".join(text(words.shorten(one.text, _LONGEST)) for one in check.summary)
    yield _findings(check.findings)
    yield _gaps(check)
    yield _reach(check)
    yield _fold(f"Recent changes ({len(check.changes)})", _changes(check))
    yield _fold(f"Past incidents ({len(check.incidents)})", _incidents(check))
    yield _fold(f"Files without a service ({len(check.unmapped)})", _unmapped(check))
    yield _fold(f"Evidence ({len(check.evidence)}), to be run again", _evidence(check))


def headline(check: Check) -> str:
    """The verdict in words, and the risk."""
    risk = "" if check.risk is None else f" · risk {words.probability(check.risk)}"
    return f"{VERDICTS[check.verdict]}{risk}"


def _findings(findings: Sequence[Finding]) -> str:
    if not findings:
        return ""
    rows = [
        [
            f"**{one.severity}**" if one.severity == "high" else one.severity,
            code(words.shorten(one.where, 120)),
            _cited(one.text, one.evidence),
            text(one.seen_before) or _NONE,
        ]
        for one in findings[:_ROWS]
    ]
    more = len(findings) - _ROWS
    table = _table(["", "where", "finding", "seen before"], rows)
    return f"{table}\n\nand {words.plural(more, 'finding')} more" if more > 0 else table


def _cited(sentence: str, evidence: Sequence[str]) -> str:
    ids = f" ({', '.join(map(code, evidence))})" if evidence else ""
    return f"{text(words.shorten(sentence, _LONGEST))}{ids}"


def _gaps(check: Check) -> str:
    lines = [text(words.shorten(gap.text, _LONGEST)) for gap in check.gaps]
    return f"**Not known:**\n\n{_bullets(lines)}" if lines else ""


def _reach(check: Check) -> str:
    reach = check.reach
    touched = [one.service for one in reach.services if one.role == "touched"]
    callers = [one.service for one in reach.services if one.role == "caller"]
    if not touched or reach.as_of is None:
        return ""
    names = " → ".join(_tags(group) for group in (touched, callers) if group)
    share = f", {words.number(reach.percent or 0)} % of all requests"
    count = words.plural(len(reach.services), "service")
    rows = [
        [code(words.shorten(one.service, 80)), one.role, *_compared(one)]
        for one in reach.services[:_ROWS]
    ]
    body = _table(["service", "", "requests", "failed", "p95"], rows)
    told = _compared_times(check)
    return _fold(f"Reach: {names} ({count}{share})", f"{body}\n\n{told}", is_html=True)


def _tags(names: Sequence[str]) -> str:
    """Names inside HTML, where markdown does nothing and code is never linked."""
    shown = [f"<code>{escape(words.shorten(name, 80))}</code>" for name in names[:10]]
    more = [f"{len(names) - 10} more"] if len(names) > 10 else []
    return ", ".join(shown + more)


def _compared(one: Health) -> Iterator[str]:
    """Requests, failures and p95, each now and before."""
    pair = (one.now, one.before)
    yield _beside("none" if level is None else f"{level.requests:,}" for level in pair)
    yield _beside(f"{words.number(level.failed_percent)} %" if level else _NONE for level in pair)
    yield _beside(f"{words.number(level.p95_ms)} ms" if level else _NONE for level in pair)


def _beside(pair: Iterable[str]) -> str:
    now, before = pair
    return f"{now}, before {before}"


def _compared_times(check: Check) -> str:
    reach = check.reach
    if reach.now_since is None or reach.as_of is None or reach.before_since is None:
        return ""
    now = words.duration((reach.as_of - reach.now_since).total_seconds())
    before = words.duration((reach.now_since - reach.before_since).total_seconds())
    ids = ", ".join(map(code, reach.evidence))
    return f"Now is the {now} to {_moment(reach.as_of)}, before is the {before} to then ({ids})."


def _moment(at: datetime) -> str:
    return f"{words.day(at)} {words.clock(at)} UTC"


def _changes(check: Check) -> str:
    return _bullets([_change(one) for one in check.changes])


def _change(one: RecentChange) -> str:
    facts = [
        f"{code(one.service)} {text(one.kind)} {code(words.shorten(one.version, 80))}".rstrip(),
        _moment(one.declared_at),
        code(one.revision[:12]),
        "failed" if one.failed else "",
    ]
    return " · ".join(filter(None, facts))


def _incidents(check: Check) -> str:
    return _bullets([_incident(one) for one in check.incidents])


def _incident(one: PastIncident) -> str:
    files = ", ".join(code(words.shorten(path, 120)) for path in one.same_files[:3])
    title = f"{text(words.spoken(one.verdict))}: {text(words.shorten(one.title, _LONGEST))}"
    same = f"changed {files} too" if files else ""
    return " · ".join(filter(None, [f"{code(one.id)} {words.day(one.started_at)}", title, same]))


def _unmapped(check: Check) -> str:
    return _bullets([code(words.shorten(path, 200)) or "(unnamed)" for path in check.unmapped])


def _evidence(check: Check) -> str:
    lines = [_one_evidence(one) for one in check.evidence.values()]
    weights = ", ".join(f"{name} {weight:g}" for name, weight in RISK_OF.items())
    reckoned = f"The risk is {check.risk_is}: the gravest finding of each service ({weights})."
    return f"{_bullets(lines)}\n\n{reckoned} The SQL is in the run's JSON." if lines else ""


def _one_evidence(one: Evidence) -> str:
    facts = [words.plural(one.rows, "row"), code(words.digest(one.digest))]
    pinned = code(words.snapshots(one.snapshots))
    return f"{code(one.id)} {text(one.question)} {' · '.join(filter(None, [*facts, pinned]))}"


def _footer(check: Check, run_url: str) -> str:
    url = words.link(run_url)
    facts = [
        "advisory",
        f"commit {code(check.pull.head[:7])}",
        f"Inquest {text(check.engine_version)}",
        words.plural(check.cost.queries, "query"),
        words.duration(check.cost.wall_s),
        f'<a href="{escape(url)}">run</a>' if url else "",
    ]
    return f"<sub>{' · '.join(filter(None, facts))}</sub>"


def _bullets(lines: Sequence[str]) -> str:
    more = len(lines) - _ROWS
    shown = [*lines[:_ROWS], *([f"and {more:,} more"] if more > 0 else [])]
    return "\n".join(f"- {line}" for line in shown)


def _fold(title: str, body: str, *, is_html: bool = False) -> str:
    """`body` under a title that can be opened; empty if there is nothing in it."""
    shown = title if is_html else escape(title)
    return f"<details><summary>{shown}</summary>\n\n{body}\n\n</details>" if body else ""


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *(map(_cell, row) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(markdown: str) -> str:
    """Escape the bars that a code span leaves bare: https://github.github.com/gfm/#example-200."""
    return re.sub(r"(?<!\\)\|", r"\\|", markdown)
