"""How an answer is read off a report: what it blames, best first, and how sure it is of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from agent.apps.bench.pack import Rank
    from agent.state import Anomaly, Cause, Report

NO_CHANGE = "none"

_MOST_NATS = 31.0  # more than any surprise
_PLACE = {"implicated": 0.0, "not_assessable": -1.0, "cleared": -2.0}
_VERDICTS: dict[str, Literal["incident", "healthy"]] = {
    "cause_found": "incident",
    "no_incident": "healthy",
}

Ranked = list[tuple[str, float]]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a report says: a ranking with scores, and the probability of its first entry."""

    ranking: Ranked
    probability: float
    grounded: bool


def read_off(report: Report, rank: Rank) -> Reading:
    """Read the ranking that a case asks for off a report."""
    causes = (*report.causes, *report.ruled_out)
    first = causes[0] if causes else None
    probability = first.probability if first else 0.0
    grounded = bool(first and first.grounded)
    if rank == "metric":
        return Reading(metrics(report.anomalies), probability, grounded)
    if rank == "commit":
        ranking = commits(report)
        return Reading(ranking, min(1.0, ranking[0][1]), grounded)
    blamed = resources(report)
    return Reading(
        _instances(blamed, report) if rank == "instance" else blamed, probability, grounded
    )


def line(report: Report, rank: Rank) -> dict[str, Any]:
    """The fields of an answer that both scoring scripts read, and those that calibration takes."""
    reading = read_off(report, rank)
    return {
        "ranking": [name for name, _ in reading.ranking],
        "scores": [score for _, score in reading.ranking],
        "indicators": [one.subject for one in _strongest(report.anomalies)][:3],
        "verdict": _VERDICTS.get(report.verdict, "insufficient"),
        "causes": [_told(cause) for cause in (*report.causes, *report.ruled_out)],
        "ranked_changes": [name for name, _ in changed_services(report)],
        "probability": reading.probability,
        "change_probability": _of_change(report),
        "confidence": report.confidence,
        "grounded": reading.grounded,
    }


def resources(report: Report) -> Ranked:
    """The resources that a report names, each once: causes, then what it ruled out, then anomalies.

    A resource scores what its causes' probabilities come to, and 1 more if one stands; an anomaly
    1 less than its share of the most surprise that there is.
    """
    blamed: dict[str, float] = {}
    for cause in (*report.causes, *report.ruled_out):
        name = cause.resource.name
        blamed[name] = blamed.get(name, 0.0) + cause.probability
    stands = {cause.resource.name for cause in report.causes}
    scored = [(name, (name in stands) + probability) for name, probability in blamed.items()]
    scored += [(a.resource, a.surprise / _MOST_NATS - 1) for a in report.anomalies if a.resource]
    return _best(scored)


def metrics(anomalies: Iterable[Anomaly]) -> Ranked:
    """The metrics that departed, most surprising first."""
    return _best((a.subject.partition("{")[0], a.surprise) for a in anomalies)


def commits(report: Report) -> Ranked:
    """The revisions that may be to blame, and that none is, by their probability; then the others.

    No commit is guilty where any cause without a change is the one, or one that the report does not
    know: what its causes leave of 1.
    """
    causes = (*report.causes, *report.ruled_out)
    revisions = {c.id: c.revision or c.id for c in report.changes}
    blamed = {NO_CHANGE: max(0.0, 1 - sum(cause.probability for cause in causes))}
    for cause in causes:
        name = revisions.get(cause.change, NO_CHANGE)
        blamed[name] = blamed.get(name, 0.0) + cause.probability
    others = [(revisions[c.id], _PLACE[c.verdict] - 1) for c in report.changes]
    return _best([*blamed.items(), *others])


def changed_services(report: Report) -> Ranked:
    """The services that were changed: implicated before undecided before cleared, then by blame.

    The trial of a change says more of it than the share of its resource's probability does.
    """
    blame = {c.change: c.probability for c in (*report.ruled_out, *report.causes)}
    return _best((c.service, _PLACE[c.verdict] + blame.get(c.id, 0.0)) for c in report.changes)


def _of_change(report: Report) -> float:
    """The highest probability of a cause that is a change."""
    causes = (*report.causes, *report.ruled_out)
    return max((cause.probability for cause in causes if cause.change), default=0.0)


def _instances(blamed: Ranked, report: Report) -> Ranked:
    """Each resource by the instance that shows most of it, where one does."""
    shown: dict[str, str] = {}
    for one in _strongest(report.anomalies):
        if one.instance:
            shown.setdefault(one.resource, one.instance)
    return _best((shown.get(name, name), score) for name, score in blamed)


def _strongest(anomalies: Iterable[Anomaly]) -> list[Anomaly]:
    return sorted(anomalies, key=lambda a: -a.surprise)


def _told(cause: Cause) -> dict[str, str]:
    text = f"{cause.text}. {cause.reason}" if cause.reason else cause.text
    return {"text": text, "resource": cause.resource.name}


def _best(scored: Iterable[tuple[str, float]]) -> Ranked:
    """Each name once, by its highest score."""
    best: dict[str, float] = {}
    for name, score in scored:
        best[name] = max(score, best.get(name, score))
    return sorted(best.items(), key=lambda pair: -pair[1])
