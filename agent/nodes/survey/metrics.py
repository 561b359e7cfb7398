"""Which metric series left their band: saturation of pools, memory, CPU, queues."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import chain
from math import ceil, exp, expm1, log, log1p
from typing import Any

import numpy as np
from langgraph.runtime import Runtime

from agent.analysis.anomalies import Departures, departures
from agent.analysis.daily import without_days
from agent.analysis.habits import tempered
from agent.analysis.meaning import indicator_of, meaning
from agent.nodes.context import Context
from agent.nodes.survey.axis import Axis
from agent.nodes.survey.deviations import Floats, Identity, Measure, of_series
from agent.quotes import named, plain
from agent.state import Anomaly, Gap, Incident, Investigation, Signal, Window

Row = dict[str, Any]

_MOVED = Measure(
    "metrics", "level", "saturation", "", "", own=True, least=0.0, ratio=1.25, rises_only=False
)
_A_SERVICE = 12
_A_RESOURCE = 8
_COMPARED = 3 * _A_RESOURCE  # of a resource's anomalies: the strongest are told from each other
_IN_ALL = 40  # anomalies, where few resources have metrics
_LEAST_NATS = 0.02
_LEAST_APART = 0.5  # nats of an instance that is said to depart alone
_TINY = 1e-12
_SAME = 0.9  # correlation in calm time of two series that show one thing
_ENOUGH = 480  # buckets tell how series go together
_HELD_AGAINST_ALL = 1000  # rows tell how many go together
_LEAST_SHARED = 8  # buckets in which both were seen
_SAMPLED = "as sampled"
_BEFORE, _AFTER = 2, 3  # buckets about the alarm
_KEY = ("service", "node", "metric_name", "attributes", "is_rate")
_OF_INSTANCE = ("service", "instance", "metric_name", "attributes", "is_rate")


@dataclass(frozen=True, slots=True)
class _Seen:
    """Series of one tool, what they show, and the evidence."""

    rows: list[Row]
    values: Floats
    found: Departures
    evidence: str


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A series that may be told of: its surprise so far, its values, and who shows it alone."""

    seen: _Seen
    at: int
    surprise: float
    instance: str = ""

    @property
    def row(self) -> Row:
        return self.seen.rows[self.at]

    @property
    def values(self) -> Floats:
        return np.asarray(self.seen.values[self.at])


def survey_metrics(state: Investigation, runtime: Runtime[Context]) -> Investigation:
    """Look for shifts in every series that moved at all; the clearest of each service are kept."""
    context = runtime.context
    context.progress("survey: metric series")
    alarm = None if context.request.until else state.get("incident")
    sampled = context.notebook.ask("metrics", **state["window"].span).rows.dicts()
    window = _as_sampled(state["window"], sampled, alarm)
    axis = Axis(window)
    coarser = window.bucket_s > state["window"].bucket_s
    answer, rows, evidence = axis.ask(context, "metrics", _SAMPLED if coarser else "")
    series, values = axis.spread(rows, _KEY, "values")
    moved = np.flatnonzero(_moves(values[:, axis.elsewhere :]))
    signals = of_series(
        values[moved, axis.elsewhere :],
        _MOVED,
        window,
        answer.id,
        [_identity(series[at]) for at in moved].__getitem__,
    )
    told, apart, more = _instances(context, axis)
    seen = _seen(series, values, axis, answer.id)
    return {
        "evidence": evidence | more,
        "signals": _clearest(signals),
        "anomalies": _strongest(chain(_candidates(seen, apart), told), axis),
        "gaps": _thin(values),
    }


def _thin(values: Floats) -> list[Gap]:
    """That most series have too few values for anything to be told of them."""
    few = int(np.count_nonzero(np.isfinite(values).sum(axis=1) < _LEAST_SHARED))
    if 2 * few <= len(values):
        return []
    text = f"{few:,} of {len(values):,} metric series have fewer than {_LEAST_SHARED} values"
    return [Gap("thin_data", f"{text}: too few to tell whether they depart.")]


def _as_sampled(window: Window, rows: list[Row], incident: Incident | None) -> Window:
    """The window in buckets no finer than metrics are sampled, by the median of their medians.

    The trouble is then some such buckets before the alarm and after it, as far as the window goes.
    """
    gaps = [float(np.median(np.diff(row["buckets"]))) for row in rows if len(row["buckets"]) > 1]
    window = replace(window, bucket_s=window.bucket_s * max(1, round(np.median(gaps or [1.0]))))
    if window.trouble is None or incident is None:
        return window
    start, end = window.trouble
    bucket, at = timedelta(seconds=window.bucket_s), incident.detected_at
    start = max(window.start, min(start, at - _BEFORE * bucket))
    return replace(window, trouble=(start, min(window.end, max(end, at + _AFTER * bucket))))


def _seen(rows: list[Row], values: Floats, axis: Axis, evidence: str) -> _Seen:
    """What series show about the alarm, beside what such series show in calm time."""
    clock = np.array([axis.at(bucket).timestamp() for bucket in range(axis.buckets)])
    unusual = without_days(values, axis.calm, clock)
    names = [(row["metric_name"], row["is_rate"]) for row in rows]
    known = {name: at for at, name in enumerate(sorted(set(names)))}
    groups = np.array([known[name] for name in names], dtype=np.int64)
    found = departures(unusual, axis.calm, axis.trouble, groups)
    weighed = tempered(found, unusual, axis.calm, axis.trouble, groups)
    return _Seen(rows, values, weighed, evidence)


def _instances(
    context: Context, axis: Axis
) -> tuple[list[_Candidate], dict[tuple[Any, ...], str], dict[str, Any]]:
    """The instances that depart alone, of which series each is one, and the evidence.

    A series that an instance has only now, or no longer, is what instances come and go with.
    """
    answer, rows, evidence = axis.ask(context, "metrics_of_instances")
    series, values = axis.spread(rows, _OF_INSTANCE, "values")
    if not series:
        return [], {}, evidence
    seen = _seen(series, values, axis, answer.id)
    of_metric: dict[tuple[Any, ...], list[int]] = {}
    for at, row in enumerate(series):
        of_metric.setdefault(_metric_of(row), []).append(at)
    surprise = np.where(np.isin(seen.found.kind, ("missing", "appeared")), 0, seen.found.surprise)
    told, apart = [], {}
    for metric, instances in of_metric.items():
        most = max(instances, key=lambda at: (surprise[at], -at))
        alone = sum(surprise[at] >= surprise[most] / 2 for at in instances) == 1
        nats = float(surprise[most]) - log(len(instances))
        if alone and len(instances) > 1 and nats > _LEAST_APART:
            apart[metric] = series[most]["instance"]
            told.append(_Candidate(seen, most, nats, series[most]["instance"]))
    return told, apart, evidence


def _metric_of(row: Row) -> tuple[Any, ...]:
    return row["service"], row["metric_name"], row["attributes"], row["is_rate"]


def _candidates(seen: _Seen, apart: dict[tuple[Any, ...], str]) -> list[_Candidate]:
    """The series that surprise, each with the instance that alone does, if one does."""
    return [
        _Candidate(seen, int(at), float(seen.found.surprise[at]), apart.get(_metric_of(row), ""))
        for at in np.flatnonzero(seen.found.surprise > _LEAST_NATS)
        if _resource(row := seen.rows[at])
    ]


def _strongest(candidates: Iterable[_Candidate], axis: Axis) -> list[Anomaly]:
    """The few strongest anomalies of each resource; of a metric and its instances the strongest.

    Where more are worth a word than are told, those go that show what a stronger one shows. Each
    pays for how many series of the resource were looked at, those that go together being one.
    """
    of_resource: dict[str, list[_Candidate]] = {}
    for one in candidates:
        of_resource.setdefault(_resource(one.row), []).append(one)
    asked = _asked(of_resource, axis)
    most = max(_A_RESOURCE, _IN_ALL // max(1, len(of_resource)))
    anomalies = []
    for resource, those in of_resource.items():
        paying = [replace(c, surprise=_paid(c.surprise, asked[resource])) for c in those]
        ranked = sorted(paying, key=lambda c: (-c.surprise, labelled(c.row), c.instance))
        of_metric: dict[tuple[Any, ...], _Candidate] = {}
        for one in ranked:
            of_metric.setdefault(_metric_of(one.row), one)
        told = [c for c in of_metric.values() if c.surprise > _LEAST_NATS]
        told = told if len(told) <= most else _distinct(told[:_COMPARED], axis)
        anomalies += [_anomaly(c, axis) for c in told[:most]]
    return anomalies


def _paid(nats: float, asked: float) -> float:
    """The surprise of the most surprising of so many, in nats (Šidák 1967)."""
    p = -expm1(asked * log1p(-min(exp(-nats), 1.0 - _TINY)))
    return max(0.0, -log(p)) if p > 0 else nats - log(asked)


def _asked(of_resource: dict[str, list[_Candidate]], axis: Axis) -> dict[str, float]:
    """How many looks each resource's series are; those of its instances were paid for already."""
    seen = {id(c.seen): c.seen for c in chain.from_iterable(of_resource.values())}
    rows: dict[str, list[Floats]] = {name: [] for name in of_resource}
    for one in seen.values():
        for row, values in zip(one.rows, one.values[:, axis.calm], strict=True):
            if "node" in row and _resource(row) in rows:
                rows[_resource(row)].append(values)
    return {name: _independent(np.array(those)) if those else 1.0 for name, those in rows.items()}


def _independent(values: Floats) -> float:
    """How many things these rows show: each counts as one among all that go along with it.

    A row that is constant, or of which too little is known, counts as one. Of long rows some
    buckets are enough, and of very many rows some that are held against all.
    """
    values = values[:, :: ceil(values.shape[1] / _ENOUGH) or 1]
    known = np.isfinite(values)
    ranks = np.array([_ranks(np.where(k, v, -np.inf)) for v, k in zip(values, known, strict=True)])
    counted = np.count_nonzero(known, axis=1, keepdims=True)
    mean = np.where(known, ranks, 0.0).sum(axis=1, keepdims=True) / np.maximum(counted, 1)
    off = np.where(known, ranks - mean, 0.0)
    length = np.sqrt(np.einsum("ij,ij->i", off, off))
    tells = (length > 0.0) & (counted[:, 0] >= _LEAST_SHARED)
    unit = off[tells] / length[tells, None]
    some = unit[np.random.default_rng(0).permutation(len(unit))[:_HELD_AGAINST_ALL]]
    together = np.count_nonzero(np.abs(some @ unit.T) >= _SAME, axis=1)
    shown = len(unit) * float(np.mean(1.0 / together)) if len(unit) else 0.0
    return max(1.0, shown + np.count_nonzero(~tells))


def _distinct(ranked: list[_Candidate], axis: Axis) -> list[_Candidate]:
    """Those of `ranked` that no stronger one goes along with in calm time."""
    kept: list[_Candidate] = []
    for one in ranked:
        if not any(_alike(one, other, axis) for other in kept):
            kept.append(one)
    return kept


def _alike(one: _Candidate, other: _Candidate, axis: Axis) -> bool:
    """Whether two series show one thing: in calm time, or all along if either was constant then."""
    for where in (axis.calm, np.ones_like(axis.calm)):
        both = where & np.isfinite(one.values) & np.isfinite(other.values)
        if np.count_nonzero(both) < _LEAST_SHARED:
            continue
        ranks = [_ranks(c.values[both]) for c in (one, other)]
        if all(np.ptp(r) > 0 for r in ranks):
            return abs(float(np.corrcoef(ranks[0], ranks[1])[0, 1])) >= _SAME
    return False


def _ranks(values: Floats) -> Floats:
    """Ranks, ties sharing the lowest: one outlier makes no correlation."""
    ordered = np.sort(values)
    return np.searchsorted(ordered, values).astype(np.float64)


def _anomaly(one: _Candidate, axis: Axis) -> Anomaly:
    found, at = one.seen.found, one.at
    start, end = int(found.start[at]), int(found.end[at])
    row, identity = one.row, _identity(one.row)
    told = meaning(row["metric_name"], row["unit"] or "", row["attributes"], is_rate=row["is_rate"])
    return Anomaly(
        look="metrics",
        resource=identity["resource"],
        indicator=identity["indicator"],
        subject=identity["subject"],
        surprise=one.surprise,
        effect=float(found.effect[at]),
        onset=axis.at(start),
        before=_typical(one.values[axis.calm]),
        during=_typical(one.values[start:end]),
        unit=identity["unit"],
        evidence=one.seen.evidence,
        worse=told.worse,
        instance=one.instance,
    )


def _typical(values: Floats) -> float:
    """The lower median of what is finite, a value that was really measured; 0 if nothing was."""
    known = np.sort(values[np.isfinite(values)])
    return float(known[(known.size - 1) // 2]) if known.size else 0.0


def _moves(values: Floats) -> Any:
    """The series that have two different values at least."""
    known = np.isfinite(values)
    low = np.where(known, values, np.inf).min(axis=1, initial=np.inf)
    return np.where(known, values, -np.inf).max(axis=1, initial=-np.inf) > low


def labelled(row: Row) -> str:
    """A series in words: its metric and the attributes that tell it from its siblings.

    What an attribute's name shares with the metric's is left out: `db.client.connection.count`
    says `state=used` for `db.client.connection.state=used`.
    """
    metric = str(row["metric_name"])
    space = metric.rpartition(".")[0] + "."
    attributes = sorted(json.loads(row["attributes"]).items())
    labels = ", ".join(f"{key.removeprefix(space)}={value}" for key, value in attributes)
    return f"{named(metric)}{{{plain(labels)}}}" if labels else named(metric)


def _resource(row: Row) -> str:
    """Whose a series is: a service's, or that of a node where no service is named."""
    return str(row["service"] or row.get("node") or "")


def _identity(row: Row) -> Identity:
    return {
        "resource": _resource(row),
        "subject": labelled(row),
        "indicator": indicator_of(
            row["metric_name"], row["unit"] or "", row["attributes"], is_rate=row["is_rate"]
        ),
        "unit": (row["unit"] or "") + ("/s" if row["is_rate"] else ""),
        "attributes": row["attributes"],
    }


def _clearest(found: list[Signal]) -> list[Signal]:
    kept: dict[str, list[Signal]] = {}
    for signal in sorted(found, key=lambda s: (-abs(s.effect), s.subject)):
        of_service = kept.setdefault(signal.resource, [])
        if len(of_service) < _A_SERVICE:
            of_service.append(signal)
    return [signal for of_service in kept.values() for signal in of_service]
