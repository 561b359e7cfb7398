"""Scope: which stretch of time, which services, and what was there to be read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from langgraph.runtime import Runtime

from agent.config import Request
from agent.errors import RequestError
from agent.nodes.calm import DAYS, Calm, calm_stretch
from agent.nodes.context import Context
from agent.nodes.failing import may_fail
from agent.state import Evidence, Gap, Incident, Investigation, Sharpened, Window
from agent.tools.notebook import Answer, Notebook

Row = dict[str, Any]

_BUCKETS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
_MOST_BUCKETS, _MOST_FINE = 120, 480
_LEAST_BUCKETS = 24  # in which there are requests
_REQUESTS = {"trace_span", "http_activity"}
_AFTER = timedelta(minutes=15)
_LEADS = {True: timedelta(minutes=10), False: timedelta(minutes=2)}  # whether an alert fired
_LASTS = timedelta(minutes=5)
_LEAST_LEAD, _LEAST_LASTS = 2, 3  # buckets
BY_ITSELF = "the telemetry itself, no alert"
EVER = (datetime(1970, 1, 1, tzinfo=UTC), datetime(2300, 1, 1, tzinfo=UTC))
_SAME_INCIDENT = timedelta(minutes=30)
_WATERMARK_S = 60
_KINDS = {
    "trace_span": "traces",
    "log_record": "application logs",
    "metric_point": "metrics",
    "http_activity": "access logs",
    "application_lifecycle": "announced changes",
    "detection_finding": "alerts",
}
_STATES = ("kubernetes_object", "kubernetes_event", "application_lifecycle")
_SIGNALS = ("trace_span", "log_record", "metric_point", "http_activity")


def scope(state: Investigation, runtime: Runtime[Context]) -> Investigation:
    """Settle the window and the symptom from the alert, the request or, last, the data."""
    context = _sharpened(runtime.context, state.get("sharpened"))
    context.progress("scope: what is there, and what was the alarm")
    extent = context.notebook.ask("extent", start=EVER[0], end=EVER[1])
    evidence, unread = _unread(context.notebook)
    first, last = _extent(_held(extent))
    told = _told(context)
    at = next((row["last_at"] for row in told.rows.dicts()), last)
    alerts = context.notebook.ask("alerts", **_around(context.request.at or at, context.request))
    firings = _chosen(alerts.rows.dicts(), context.request)
    detected = context.request.at or next((a["time"] for a in firings if not a["resolved"]), last)
    if context.request.whole and not first <= detected <= last + _AFTER:
        detected = last  # an alert without a time is as old as the bundle
    early = detected - timedelta(seconds=context.request.lookback_s)
    late = (context.request.until or detected) + _AFTER
    around = context.notebook.ask("extent", "around", start=early, end=late)
    held = _held(around)
    if not _telling(held) and not context.request.whole:
        raise RequestError(
            f"There is no telemetry around {detected:%Y-%m-%d %H:%M} UTC: the lake holds "
            f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}; ask for a time in it."
        )
    begins = min((row["begins_at"] for row in _telling(held)), default=max(first, early))
    incident = _incident(firings, context.request, detected, begins, last)
    window = _looked_at(_window(incident, held), incident, context.request)
    calm = _calm(context, window, first, alerts.rows.dicts())
    stretch = None if calm.reason else window.calm or calm.stretch
    return {
        "window": replace(window, calm=_apart(stretch, window)),
        "incident": incident,
        "evidence": extent.noted()
        | around.noted()
        | told.noted()
        | alerts.noted()
        | evidence
        | calm.evidence,
        "gaps": [
            *([Gap("no_history", calm.reason)] if calm.reason else []),
            *_missing(held, _held(extent)),
            *_not_yet_arrived(held, window),
            *unread,
        ],
    }


def _sharpened(context: Context, read: Sharpened | None) -> Context:
    """The request with what a model read in its question, where it says nothing else."""
    if read is None:
        return context
    request = context.request
    at, service = request.at or read.at, request.service or read.service
    return replace(context, request=replace(request, at=at, service=service))


def _extent(held: dict[str, Row]) -> tuple[datetime, datetime]:
    """From when to when there is telemetry at all."""
    signals = _telling(held)
    if not signals:
        raise RequestError(
            "The lake holds no telemetry (no spans, logs, metrics, access logs or states): "
            "put some in with `inquest ingest SOURCE PATH`."
        )
    return min(row["first_at"] for row in signals), max(row["last_at"] for row in signals)


def _telling(held: dict[str, Row]) -> list[Row]:
    """The telemetry that there is; where nothing else was kept the alerts, or a cluster's state."""
    for tables in (_SIGNALS, ("detection_finding",), _STATES):
        if signals := [held[table] for table in tables if table in held]:
            return signals
    return []


def _told(context: Context) -> Answer:
    """When the alerts that are wanted were last told of; of an unknown name, which there are."""
    request, ask = context.request, context.notebook.ask
    start, end = EVER
    if request.at:
        start, end = request.at - _SAME_INCIDENT, request.at + _SAME_INCIDENT
    told = ask("last_alerts", start=start, end=end, alert=request.alert, service=request.service)
    if request.alert and not any(row["fired"] for row in told.rows.dicts()):
        known = ask("last_alerts", start=EVER[0], end=EVER[1], alert=None, service=None)
        names = ", ".join(sorted({str(a["title"]) for a in known.rows.dicts()})) or "none at all"
        raise RequestError(f"There is no alert {request.alert!r} in this lake; it holds {names}.")
    return told


def _around(at: datetime, request: Request) -> Row:
    """The stretch whose alerts matter to an incident about then: it is read, and so is calm before.

    Calm is as long as what is read and lies as far before it, or up to `DAYS`. A day more on either
    side is for the alerts that chain into one incident.
    """
    day, until = timedelta(days=1), request.until or at
    read = until - at + timedelta(seconds=request.lookback_s)
    return {"start": at - (DAYS + 2) * day - 2 * read, "end": until + day}


def _chosen(alerts: list[Row], request: Request) -> list[Row]:
    """The alerts that belong to the one incident asked about, a firing one first in time.

    Those make the incident that fire, not those that say that all is well again, and of these those
    about services that telemetry shows, where there are any; others only belong to it.
    """
    wanted = [a for a in alerts if _is_wanted(a, request)]
    telling = [a for a in wanted if a["is_observed"]] or wanted
    first = last = None
    for alert in [a for a in telling if not a["resolved"]] or telling:
        if last is None or alert["time"] - last > _SAME_INCIDENT:
            first = alert["time"]
        last = alert["time"]
    if first is None or last is None:
        return []
    until = {True: last + _SAME_INCIDENT, False: last}  # whether it says that all is well again
    return [a for a in wanted if first <= a["time"] <= until[a["resolved"]]]


def _is_wanted(alert: Row, request: Request) -> bool:
    if request.alert and request.alert not in (alert["title"], alert["uid"]):
        return False
    if request.service and alert["service"] not in (None, request.service):
        return False
    return request.at is None or abs(alert["time"] - request.at) <= _SAME_INCIDENT


def _held(extent: Answer) -> dict[str, Row]:
    return {row["table"]: row for row in extent.rows.dicts()}


def _incident(
    alerts: list[Row], request: Request, detected: datetime, begins: datetime, last: datetime
) -> Incident:
    """The alarm, and the window around it as far as there is telemetry."""
    firing = [a for a in alerts if not a["resolved"]]
    services = [request.service] if request.service else [a["service"] for a in firing]
    titles = list(dict.fromkeys(str(a["title"]) for a in firing))
    quiet_since = max([request.until or detected, detected, *(a["time"] for a in alerts)])
    return Incident(
        detected_at=detected,
        window_start=begins.replace(microsecond=0),
        window_end=min(last + timedelta(seconds=1), quiet_since + _AFTER),
        services=tuple(dict.fromkeys(s for s in services if s)),
        trigger=_trigger(titles, firing, request),
        alerts=tuple(titles),
    )


def _trigger(titles: list[str], firing: list[Row], request: Request) -> str:
    if not titles:
        return "a time given by hand" if request.at else BY_ITSELF
    if len(titles) > 1:
        return f"{', '.join(titles)} fired"
    return f"{titles[0]} fired {'once' if len(firing) == 1 else f'{len(firing)} times'}"


def _window(incident: Incident, held: dict[str, Row]) -> Window:
    """The window in buckets: fine enough for requests that are known of a part of it only."""
    span = (incident.window_end - incident.window_start).total_seconds()
    bucket = next((b for b in _BUCKETS_S if span / b <= _MOST_BUCKETS), _BUCKETS_S[-1])
    for table in _REQUESTS & held.keys():
        known = (held[table]["last_at"] - held[table]["begins_at"]).total_seconds()
        finer = [b for b in _BUCKETS_S if span / b <= _MOST_FINE and b <= known / _LEAST_BUCKETS]
        bucket = min(bucket, max(finer, default=bucket))
    return Window(incident.window_start, incident.window_end, bucket)


def _looked_at(window: Window, incident: Incident, request: Request) -> Window:
    """The window with where the alarm says to look, and the calm stretch that was named."""
    if incident.trigger == BY_ITSELF:
        return replace(window, calm=request.calm)
    bucket = timedelta(seconds=window.bucket_s)
    lead = max(_LEADS[bool(incident.alerts)], _LEAST_LEAD * bucket)
    lasts = max(_LASTS, _LEAST_LASTS * bucket)
    start = max(window.start, incident.detected_at - (timedelta() if request.until else lead))
    end = min(window.end, request.until or incident.detected_at + lasts)
    return replace(window, trouble=(start, end) if start < end else None, calm=request.calm)


def _calm(context: Context, window: Window, first: datetime, alerts: list[Row]) -> Calm:
    """The calm stretch that was named, or one of the days before if the lake goes back so far."""
    if window.calm:
        return _named(context, window)
    if first > window.start - (window.end - window.start):
        return Calm()
    return calm_stretch(context, window, alerts)


def _named(context: Context, window: Window) -> Calm:
    """The calm stretch that was asked for, with the reason if it cannot be used."""
    since, until = (f"{at:%Y-%m-%d %H:%M:%S}" for at in window.calm or ())
    apart = _apart(window.calm, window)
    if apart is None:
        why = "lies in the window, which is read anyway"
        return Calm(reason=f"The calm stretch from {since} to {until} {why}: it was not used.")
    there = context.notebook.ask("extent", "calm", start=apart[0], end=apart[1])
    if not _telling(_held(there)):
        reason = f"There is no telemetry in the calm stretch from {since} to {until}."
        return Calm(reason=reason, evidence=there.noted())
    return Calm(evidence=there.noted())


def _apart(
    calm: tuple[datetime, datetime] | None, window: Window
) -> tuple[datetime, datetime] | None:
    """The longer part of a calm stretch that does not lie in the window, which is read already."""
    if calm is None:
        return None
    parts = (calm[0], min(calm[1], window.start)), (max(calm[0], window.end), calm[1])
    longer = max(parts, key=lambda part: part[1] - part[0])
    return longer if longer[1] > longer[0] else None


def _missing(held: dict[str, Row], ever: dict[str, Row]) -> list[Gap]:
    """The kinds of telemetry that there are none of about the incident; perhaps a clock is off."""
    return [
        Gap("no_data", f"{_elsewhere(words, ever.get(table))} was looked at.")
        for table, words in _KINDS.items()
        if table not in held and table != "detection_finding"
    ]


def _elsewhere(words: str, row: Row | None) -> str:
    if row is None:
        return f"No {words} in the lake: nothing that only they show"
    since, until = (f"{row[at]:%Y-%m-%d %H:%M}" for at in ("first_at", "last_at"))
    clock = "a clock or a time zone is off, or none were kept" if row["table"] in _SIGNALS else ""
    because = f", those in the lake are of {since} to {until}{f' ({clock})' if clock else ''}"
    return f"No {words} about the incident{because}: nothing that only they show"


def _not_yet_arrived(held: dict[str, Row], window: Window) -> list[Gap]:
    """A source that falls silent before the others is late until shown otherwise."""
    slack = timedelta(seconds=max(_WATERMARK_S, 3 * window.bucket_s))
    return [
        Gap(
            "not_yet_arrived",
            f"{_KINDS[table].capitalize()} end at {held[table]['last_at']:%H:%M:%S}, before the "
            f"window does ({window.end:%H:%M:%S}): later ones count as not yet arrived.",
        )
        for table in _SIGNALS
        if table in held and window.end - held[table]["last_at"] > slack
    ]


def _unread(notebook: Notebook) -> tuple[dict[str, Evidence], list[Gap]]:
    """What ingest could not read."""
    gaps: list[Gap] = []
    with may_fail(lambda why: gaps.append(Gap("not_looked_at", f"The quarantine failed: {why}"))):
        answer = notebook.ask("quarantine")
        for row in answer.rows.dicts():
            text = f"{row['records']:,} {row['source']} records unread: {row['reason']}."
            gaps.append(Gap("quarantined", text))
        return answer.noted(), gaps
    return {}, gaps
