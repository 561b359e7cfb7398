"""Which kinds of log lines came, went, multiplied or fell away."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np
from langgraph.runtime import Runtime
from numpy.typing import NDArray

from agent.analysis.excursions import Bools
from agent.analysis.log_rates import Turns, Written, turns
from agent.analysis.log_templates import grouped
from agent.nodes.context import Context
from agent.nodes.lines import MEDIUM
from agent.nodes.survey.axis import Axis, Row
from agent.nodes.survey.blame import Blame
from agent.nodes.survey.deviations import Identity, Measure, of_series
from agent.quotes import quoted
from agent.state import Anomaly, Evidence, Indicator, Investigation, Signal, Window
from agent.tools.notebook import Answer

_GAP = 2  # buckets
_LINES = Measure("logs", "lines", "errors", "", "lines", own=False, least=1.0, ratio=3.0)

_A_SERVICE = 8  # anomalies
_LEAST = 0.5  # nats: less is not worth saying
_MOST_KINDS = 20_000
_DRIFT, _DRIFT_PLAIN = 0.3, 1.0  # of the ln of a rate: of warnings, and of what follows the traffic
_A_LEVEL = 4.0  # how many times likelier a line tells of trouble for each level of severity
_WORST = 6
_KIND = ("service", "severity_id", "template", "exception")
_ALIKE = 0.9  # correlation of two kinds of lines that are one event


def survey_logs(state: Investigation, runtime: Runtime[Context]) -> Investigation:
    """Look for templates that appear, multiply or disappear; warnings and errors weigh most."""
    context, axis = runtime.context, Axis(state["window"])
    context.progress("survey: log templates")
    answer, rows, evidence = axis.ask(context, "templates")
    logged, covering, coverage = axis.ask(context, "logged")
    return {
        "evidence": evidence | coverage,
        "signals": _signals(answer, logged, axis.window),
        "anomalies": _anomalies(rows, _covered_of_both(covering, axis), axis, answer.evidence),
    }


def _signals(answer: Answer, logged: Answer, window: Window) -> list[Signal]:
    """The warnings and errors that appear or multiply beyond doubt."""
    bad = [row for row in answer.rows.dicts() if (row["severity_id"] or 0) >= MEDIUM]
    _, counts = Axis(replace(window, calm=None)).spread(bad, _KIND, "counts")
    counts = np.nan_to_num(counts)  # none seen is none written,
    covered = _covered((row["bucket"] for row in logged.rows.dicts()), window.buckets)
    counts[:, ~covered] = np.nan  # but where nobody wrote nothing is known
    identities = [_identity(row) for row in bad]
    return of_series(counts, _LINES, window, answer.id, identities.__getitem__)


def _covered(buckets: Iterable[int], number: int) -> Bools:
    """The buckets in which there are logs, with their gaps of a bucket or two filled."""
    seen = np.zeros(number, dtype=np.bool_)
    seen[[at for at in buckets if 0 <= at < number]] = True
    padded = np.pad(seen, _GAP)
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * _GAP + 1)
    return np.asarray(around.any(axis=1))


def _covered_of_both(rows: list[Row], axis: Axis) -> Bools:
    """The covered buckets of the calm stretch elsewhere and of the window, each by itself."""
    parts = []
    for offset, number in ((0, axis.elsewhere), (axis.elsewhere, axis.window.buckets)):
        of_part = (row["bucket"] for row in rows if row["offset"] == offset)
        parts.append(_covered(of_part, number) if number else np.zeros(0, dtype=np.bool_))
    return np.concatenate(parts)


def _identity(row: Row) -> Identity:
    return {
        "resource": row["service"] or "",
        "subject": _subject(row),
        "version": ", ".join(v for v in row["versions"] if v),
    }


def _subject(row: Row) -> str:
    words = f"{row['exception']}: {row['template']}" if row["exception"] else row["template"]
    return f"log {quoted(words)}"


def _anomalies(rows: list[Row], covered: Bools, axis: Axis, evidence: Evidence) -> list[Anomaly]:
    """The kinds of lines of each service that turn most in the trouble, one of those alike."""
    end = axis.trouble.stop
    kinds, counts = _kinds([row for row in rows if row["service"]], end)
    if not kinds:
        return []
    services = sorted({row["service"] for row in kinds})
    owner = np.searchsorted(services, [row["service"] for row in kinds]).astype(np.int64)
    level = np.array([_level(row) for row in kinds])
    plain = level < MEDIUM
    found = turns(
        Written(
            counts=counts,
            owner=owner,
            usual=plain,
            drift=np.where(plain, _DRIFT_PLAIN, _DRIFT),
            covered=covered[:end],
            start=axis.trouble.start,
        )
    )
    blame = Blame(services)
    blamed = [_blamed(row, blame) for row in kinds]
    surprise = found.surprise + _prior(level, owner)
    return [
        _anomaly(kinds[at], float(surprise[at]), found, at, blamed[at], counts, axis, evidence)
        for at in _telling(surprise, found.effect, counts, owner)
    ]


def _kinds(rows: list[Row], end: int) -> tuple[list[Row], NDArray[np.float64]]:
    """One row and its counts a kind of line: service, severity, exception and template group.

    The commonest template stands for its group. Of too many kinds the most severe are kept.
    """
    groups = grouped({row["template"] for row in rows})
    members: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        key = (row["service"], _level(row), row["exception"] or "", groups[row["template"]])
        members.setdefault(key, []).append(row)
    if len(members) > _MOST_KINDS:
        kept = sorted(members, key=lambda key: (-key[1], -sum(r["lines"] for r in members[key])))
        members = {key: members[key] for key in kept[:_MOST_KINDS]}
    counts = np.zeros((len(members), end))
    for at, of_kind in enumerate(members.values()):
        places = np.fromiter(
            chain.from_iterable((b + row["offset"] for b in row["buckets"]) for row in of_kind),
            np.int64,
        )
        lines = np.fromiter(chain.from_iterable(row["counts"] for row in of_kind), np.float64)
        inside = (places >= 0) & (places < end)
        np.add.at(counts[at], places[inside], lines[inside])
    firsts = [max(of, key=lambda row: (row["lines"], row["template"])) for of in members.values()]
    return firsts, counts


def _level(row: Row) -> int:
    """The severity, where OCSF's "unknown" and "other" are as good as "informational"."""
    severity = row["severity_id"] or 0
    return severity if 1 <= severity <= _WORST else 1


def _blamed(row: Row, blame: Blame) -> str | None:
    """Who failed the author of a warning or an error; None if it says no such thing."""
    if _level(row) < MEDIUM:
        return None
    return blame.of(f"{row['exception'] or ''} {row['template']}", row["service"])


def _prior(level: NDArray[np.int64], owner: NDArray[np.int64]) -> NDArray[np.float64]:
    """What each kind pays for all that a service writes: less the severer it is (ln of a share)."""
    weight = _A_LEVEL ** np.maximum(level - MEDIUM + 1.0, 0.0)
    return np.asarray(np.log(weight / np.bincount(owner, weights=weight)[owner]), dtype=np.float64)


def _telling(
    surprise: NDArray[np.float64],
    effect: NDArray[np.float64],
    counts: NDArray[np.float64],
    owner: NDArray[np.int64],
) -> list[int]:
    """The few strongest of each service; what moves together the same way is one event."""
    kept: dict[int, list[int]] = {}
    for at in np.argsort(-surprise, kind="stable"):
        of_service = kept.setdefault(int(owner[at]), [])
        if surprise[at] < _LEAST:
            break
        if len(of_service) < _A_SERVICE and not any(
            effect[at] * effect[other] > 0 and _alike(counts[at], counts[other])
            for other in of_service
        ):
            of_service.append(int(at))
    return [at for of_service in kept.values() for at in of_service]


def _alike(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    one, other = one - one.mean(), other - other.mean()
    norm = float(np.sqrt(one @ one) * np.sqrt(other @ other))
    return norm > 0 and float(one @ other) >= _ALIKE * norm


def _anomaly(
    row: Row,
    surprise: float,
    found: Turns,
    at: int,
    blamed: str | None,
    counts: NDArray[np.float64],
    axis: Axis,
    evidence: Evidence,
) -> Anomaly:
    onset = int(found.onset[at])
    if found.effect[at] > 0:  # a rise shows with the first line
        onset += int(np.argmax(counts[at, onset:] > 0))
    bad = _level(row) >= MEDIUM
    indicator: Indicator = "errors" if bad else "traffic"
    a_minute = 60.0 / axis.window.bucket_s
    return Anomaly(
        look="logs",
        resource=row["service"],
        indicator=indicator,
        subject=_subject(row),
        surprise=min(surprise, 30.0),
        effect=float(found.effect[at]),
        onset=axis.at(onset),
        before=float(found.before[at]) * a_minute,
        during=float(found.during[at]) * a_minute,
        unit="lines/min",
        evidence=evidence.id,
        own=blamed is None,
        peer=blamed or "",
    )
