"""How an answer is read off a report: what it blames, best first, and how sure it is of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
    """What a report says: a ranking with scores, and of its first entry how probable it is.

    `probability` is None where the report has none: it knows none of a metric. `grounded` is
    whether the path of the likeliest cause that names the first entry was checked.
    """

    ranking: Ranked
    probability: float | None
    grounded: bool


def read_off(report: Report, rank: Rank) -> Reading:
    """Read the ranking that a case asks for off a report."""
    if rank == "metric":
        return Reading(metrics(report.anomalies), None, grounded=False)
    causes = (*report.causes, *report.ruled_out)
    if rank == "commit":
        ranking = commits(report)
        revisions = _revisions(report)
        first = ranking[0][0]
        naming = [c for c in causes if revisions.get(c.change, NO_CHANGE) == first]
        return Reading(ranking, min(1.0, ranking[0][1]), _grounded(naming))
    blamed = resources(report)
    naming = [c for c in causes if c.resource.name == blamed[0][0]] if blamed else []
    ranking = _instances(blamed, report) if rank == "instance" else blamed
    return Reading(ranking, _together(naming), _grounded(naming))


def of_changes(report: Report) -> Reading:
    """The services that were changed, and how probable it is that the first one's change did it."""
    ranking = changed_services(report)
    services = {change.id: change.service for change in report.changes}
    naming = [
        cause
        for cause in (*report.causes, *report.ruled_out)
        if ranking and services.get(cause.change) == ranking[0][0]
    ]
    return Reading(ranking, _together(naming), _grounded(naming))


def line(report: Report, rank: Rank) -> dict[str, Any]:
    """The fields of an answer that both scoring scripts read, and those that calibration takes."""
    reading, changes = read_off(report, rank), of_changes(report)
    return {
        "ranking": [name for name, _ in reading.ranking],
        "scores": [score for _, score in reading.ranking],
        "indicators": [one.subject for one in _strongest(report.anomalies)][:3],
        "verdict": _VERDICTS.get(report.verdict, "insufficient"),
        "causes": [_told(cause) for cause in (*report.causes, *report.ruled_out)],
        "ranked_changes": [name for name, _ in changes.ranking],
        "change_scores": [score for _, score in changes.ranking],
        "probability": reading.probability,
        "change_probability": changes.probability,
        "confidence": report.confidence,
        "grounded": reading.grounded,
        "change_grounded": changes.grounded,
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
    revisions = _revisions(report)
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


def _revisions(report: Report) -> dict[str, str]:
    return {change.id: change.revision or change.id for change in report.changes}


def _together(causes: Sequence[Cause]) -> float:
    """How probable it is that one of them is the cause: only one of all causes is."""
    return min(1.0, sum(cause.probability for cause in causes))


def _grounded(causes: Sequence[Cause]) -> bool:
    """Whether the path of the likeliest was checked; those that stand come first."""
    return bool(causes) and causes[0].grounded


def _instances(blamed: Ranked, report: Report) -> Ranked:
    """Each resource by the instance that shows most of it, where one does."""
    shown: dict[str, str] = {}
    for one in _strongest(report.anomalies):
        if one.instance:
            shown.setdefault(one.resource, one.instance)
    return _best((shown.get(name, name), score) for name, score in blamed)


def _strongest(anomalies: Iterable[Anomaly]) -> list[Anomaly]:
    return sorted(anomalies, key=lambda a: -a.surprise)


def _told(cause: Cause) -> dict[str, Any]:
    said = "" if cause.said in cause.text else f" {cause.said}"
    text = f"{cause.text}{said}. {cause.reason}" if cause.reason else f"{cause.text}{said}"
    return {
        "text": text,
        "resource": cause.object or cause.resource.name,
        "probability": cause.probability,
        "grounded": cause.grounded,
    }


def _best(scored: Iterable[tuple[str, float]]) -> Ranked:
    """Each name once, by its highest score."""
    best: dict[str, float] = {}
    for name, score in scored:
        best[name] = max(score, best.get(name, score))
    return sorted(best.items(), key=lambda pair: -pair[1])
