"""Many investigations as one page, and one line of JSON each: what a batch leaves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydantic import ConfigDict, with_config

from agent.redaction import redact
from agent.report import words
from agent.report.axis import Axis, seconds, time_axis
from agent.report.html import environment
from agent.state import ChangeKind, Report, Verdict

_LAST = datetime.max.replace(tzinfo=UTC)


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True, slots=True)
class Result:
    """What came of one incident of a batch: a verdict, or the error that stood in its way.

    `asked` is its line of the batch; `report` is the page, relative to the batch's folder.
    `implicated` counts changes; `usd` is None where a price is not known.
    """

    id: str
    asked: dict[str, Any] = field(default_factory=dict)
    verdict: Verdict | None = None
    error: str = ""
    confidence: float | None = None
    title: str = ""
    began_at: datetime | None = None
    service: str = ""
    version: str = ""
    change_kind: ChangeKind | None = None
    revision: str = ""
    implicated: int = 0
    report: str = ""
    report_id: str = ""
    lake: str = ""
    seconds: float = 0.0
    queries: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    usd: float | None = 0.0


def result(report: Report, /, **known: Any) -> Result:
    """Sum up a report; `known` is what the batch knows besides."""
    cause = report.causes[0] if report.verdict == "cause_found" and report.causes else None
    blamed = [change for change in report.changes if change.verdict == "implicated"]
    change = next((c for c in blamed if cause and c.id == cause.change), None)
    return Result(
        verdict=report.verdict,
        confidence=report.confidence,
        title=_safe(report.title),
        began_at=report.incident.started_at or report.incident.detected_at,
        service=_safe(cause.resource.name) if cause else "",
        version=_safe(cause.resource.version) if cause else "",
        change_kind=change.kind if change else None,
        revision=_safe(change.revision) if change else "",
        implicated=len(blamed),
        report_id=report.id,
        queries=report.cost.queries,
        input_tokens=report.cost.input_tokens,
        output_tokens=report.cost.output_tokens,
        usd=report.cost.usd,
        **known,
    )


def index(results: Iterable[Result]) -> str:
    """The page of a batch: verdicts counted, the incidents in time, and a link to each report."""
    by_time = sorted(results, key=lambda one: (one.began_at or _LAST, one.id))
    return (
        environment()
        .get_template("index.html.j2")
        .render(
            results=by_time,
            counts=Counter(one.verdict for one in by_time),
            axis=_axis(by_time),
            place=seconds,
            period=_period(by_time),
            spent=_spent(by_time),
        )
    )


def _axis(by_time: Sequence[Result]) -> Axis | None:
    moments = [seconds(one.began_at) for one in by_time if one.began_at]
    return time_axis(moments[0], moments[-1], most=5) if moments else None


def _period(by_time: Sequence[Result]) -> str:
    days = [words.day(one.began_at) for one in by_time if one.began_at]
    return " to ".join(dict.fromkeys((days[0], days[-1]))) if days else ""


def _spent(by_time: Sequence[Result]) -> str:
    tokens = sum(one.input_tokens + one.output_tokens for one in by_time)
    prices = [one.usd for one in by_time]
    return " · ".join(
        [
            words.plural(sum(one.queries for one in by_time), "query"),
            words.duration(sum(one.seconds for one in by_time)),
            words.plural(tokens, "token"),
            "price not known" if None in prices else f"${sum(filter(None, prices)):,.2f}",
        ]
    )


def _safe(text: str) -> str:
    return redact(words.line(text))
