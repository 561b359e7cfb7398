"""State: what the cluster says is wrong with its objects, and what it warns of."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from langgraph.runtime import Runtime

from agent.nodes.context import Context
from agent.quotes import named
from agent.state import Anomaly, Indicator, Investigation, Window

Row = dict[str, Any]

_MOST = 8  # anomalies of a resource
_LEAST = 0.5  # nats: less is not worth a word
_FAILING = 4  # severity
_USUAL = {True: 50.0, False: 10.0}  # objects that are well, for one that fails or one that warns
_CHRONIC = 0.75  # of its nats that an object has lost which was as bad in all of calm time
_RARELY = timedelta(days=1)  # of calm in which half a warning is believed of who gave none
_LEADS = timedelta(minutes=15)  # by so much a state may be older than the trouble that it makes
_INDICATORS: tuple[tuple[Indicator, tuple[str, ...]], ...] = (
    ("saturation", ("oom", "evict", "pressure", "insufficient", "exceededquota", "throttl")),
    ("errors", ("error", "backofflimit", "deadlineexceeded")),
)


@dataclass(frozen=True, slots=True)
class _Times:
    """The calm time and the trouble; without an alarm all is trouble, and nothing is calm."""

    calm: timedelta
    begins: datetime
    start: datetime
    end: datetime

    @property
    def lasts(self) -> timedelta:
        """How long the trouble is looked at."""
        return self.end - self.start


def survey_state(state: Investigation, runtime: Runtime[Context]) -> Investigation:
    """Look for objects of a cluster that are not as they should be, and for warnings about them."""
    context, window = runtime.context, state["window"]
    context.progress("survey: the cluster's objects and events")
    objects = context.notebook.ask("kube_objects", **window.span)
    events = context.notebook.ask("kube_events", **window.span)
    times = _times(window)
    found = [
        *_of_objects(objects.rows.dicts(), times, objects.id),
        *_of_events(events.rows.dicts(), times, events.id),
    ]
    return {"evidence": objects.noted() | events.noted(), "anomalies": _strongest(found)}


def _times(window: Window) -> _Times:
    start, end = window.trouble or (window.start, window.end)
    if window.trouble is None:
        return _Times(timedelta(), start, start, end)
    earlier = max(window.start, start - _LEADS)
    return _Times(earlier - window.start, window.start, earlier, end)


def _of_objects(rows: list[Row], times: _Times, evidence: str) -> Iterator[Anomaly]:
    """Objects that are ill: the more of their kind are well, the more it surprises."""
    kinds = Counter(row["kind"] for row in rows)
    ill = Counter((row["kind"], row["severity_id"] >= _FAILING) for row in rows if row["is_bad"])
    for row in rows:
        if row["is_bad"]:
            failing = row["severity_id"] >= _FAILING
            others = ill[row["kind"], failing] - 1
            share = (others + 0.5) / (kinds[row["kind"]] + _USUAL[failing])
            since = _fell_ill(row, times)
            nats = -math.log(share) * (1.0 - _CHRONIC * _since_before(since, times))
            yield _anomaly(row, nats, since, times, evidence)
        elif begun := [at for at in row["restarted_at"] if at >= times.start]:
            before = sum(times.begins <= at < times.start for at in row["restarted_at"])
            nats = _surprising(len(begun), before, times)
            restarted = {**row, "reason": "Restarted"}
            yield _anomaly(restarted, nats, begun[0], times, evidence, times=len(begun))


def _fell_ill(row: Row, times: _Times) -> datetime | None:
    """From when on an object was ill at the latest; None if that may have been long before.

    What was never seen well and is older than the trouble may have been ill before it was seen.
    """
    since: datetime = row["since"]
    is_new = row["created_at"] is not None and row["created_at"] >= times.start
    return since if row["well_at"] or is_new or since < times.start else None


def _since_before(since: datetime | None, times: _Times) -> float:
    """The share of the calm time in which an object was as ill as now."""
    if since is None or not times.calm:
        return 0.0
    return min(1.0, max(0.0, (times.start - since) / times.calm))


def _of_events(rows: list[Row], times: _Times, evidence: str) -> Iterator[Anomaly]:
    """Warnings that began in the trouble, by resource and reason, beside those of calm time.

    What lasts from before the trouble began in calm time.
    """
    groups: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        groups[_resource(row), row["reason"]].append(row)
    reasons = Counter(resource for resource, _ in groups)
    for (resource, _), group in sorted(groups.items()):
        begun = [row for row in group if row["first_at"] >= times.start]
        before = [row for row in group if times.begins <= row["first_at"] < times.start]
        if not begun:
            continue
        nats = _surprising(len(begun), len(before), times) - math.log(reasons[resource])
        first = min(begun, key=lambda row: (row["first_at"], row["kind"], row["name"] or ""))
        yield _anomaly(first, nats, first["first_at"], times, evidence, times=len(begun))


def _surprising(now: int, before: int, times: _Times) -> float:
    """-ln of the chance of so many in the trouble, where so many were in calm time.

    Poisson counts whose rate is known by the calm time only (gamma, Jeffreys' prior), and where it
    has none by how rare they are believed to be; so a negative binomial tail: https://en.wikipedia.org/wiki/Conjugate_prior#When_likelihood_function_is_a_discrete_distribution
    """
    shape = before + 0.5
    known = times.calm if before else times.calm + _RARELY
    share = times.lasts / (known + times.lasts)
    log_none = shape * math.log1p(-share)
    terms = [
        math.lgamma(shape + n) - math.lgamma(shape) - math.lgamma(n + 1) + n * math.log(share)
        for n in range(now)
    ]
    fewer = math.fsum(math.exp(log_none + term) for term in terms)
    return -math.log(max(1.0 - fewer, 1e-13))


def _anomaly(
    row: Row,
    nats: float,
    since: datetime | None,
    span: _Times,
    evidence: str,
    times: int = 1,
) -> Anomaly:
    place = "/".join(part for part in (row["namespace"], row["name"]) if part)
    words = (row["reason"] or "not ready", row["kind"] or "object", place)
    reason, kind, what = (named(word) if word else "" for word in words)
    resource = _resource(row)
    return Anomaly(
        look="state",
        resource=resource,
        indicator=_indicator(f"{row['reason']} {row['message']}"),
        subject=f"{reason} of {kind} {what}".rstrip(),
        surprise=max(0.0, nats),
        effect=float(times),
        onset=max(since, span.begins) if since else span.start,
        before=0.0,
        during=float(times),
        unit="objects",
        evidence=evidence,
        instance=row["name"] if row["kind"] == "Pod" and row["name"] != resource else "",
    )


def _resource(row: Row) -> str:
    """Whose an object is: its service, the node that it is, else itself."""
    if row["kind"] == "Node":
        return str(row["node"] or row["name"])
    return str(row["service"] or row["name"] or row["kind"] or "the cluster")


def _indicator(text: str) -> Indicator:
    lower = text.lower()
    for indicator, words in _INDICATORS:
        if any(word in lower for word in words):
            return indicator
    return "availability"


def _strongest(anomalies: Iterable[Anomaly]) -> list[Anomaly]:
    """The strongest few of each resource; of the same reason one for each, the most surprising."""
    had: Counter[str] = Counter()
    kept = []
    for one in sorted(anomalies, key=lambda a: (-a.surprise, a.resource, a.subject)):
        if one.surprise >= _LEAST and had[one.resource] < _MOST:
            kept.append(one)
            had[one.resource] += 1
    return kept
