"""A Report as one OCSF Incident Finding (class 2005), a row of the lake's `incident_finding`."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from agent.report.words import line
from agent.state import Change, Incident, Report, Verdict
from lake.schema import OCSF_VERSION, arrow_schema

Row = dict[str, Any]

_CREATE = 1
_IN_PROGRESS, _CLOSED = 2, 5
_UNKNOWN, _INFORMATIONAL, _MEDIUM, _HIGH = 0, 1, 3, 4
_FALSE_POSITIVE, _TRUE_POSITIVE, _BENIGN, _INSUFFICIENT_DATA = 1, 2, 5, 7
_MEDIUM_SURE, _HIGH_SURE = 0.5, 0.8  # as a cause is likely, and confirmed
_VERDICTS: dict[Verdict, int] = {
    "cause_found": _TRUE_POSITIVE,
    "no_incident": _BENIGN,
    "inconclusive": _INSUFFICIENT_DATA,
    "stopped_by_budget": _INSUFFICIENT_DATA,
}


def finding(report: Report, page: str) -> pa.Table:
    """`report` as a table of one row; `page` is where a person reads it, relative to the lake.

    https://schema.ocsf.io/1.8.0/classes/incident_finding; the culprit is `workload` with `cause`,
    and neither is given unless the report found it.
    """
    row = {**_what(report), **_why(report), "src_url": page, "ocsf_rest": _rest(report)}
    return pa.Table.from_pylist([row], schema=arrow_schema("incident_finding"))


def _what(report: Report) -> Row:
    incident, calm = report.incident, report.verdict == "no_incident"
    told = report.summary[0].text if report.summary else report.title
    return {
        "time": report.created_at,
        "ingested_at": datetime.now(UTC),
        "activity_id": _CREATE,
        "severity_id": _severity(report),
        "status_id": _CLOSED if calm else _IN_PROGRESS,
        "message": line(told),
        "metadata": {"uid": report.id},
        "start_time": _began(incident),
        "end_time": incident.ended_at,
        "verdict_id": _FALSE_POSITIVE if calm and incident.alerts else _VERDICTS[report.verdict],
        "verdict": report.verdict,
        "confidence_id": 1 + sum(report.confidence >= p for p in (_MEDIUM_SURE, _HIGH_SURE)),
        "confidence_score": round(report.confidence * 100),
        "desc": line(report.title),
        "impacted_services": list(incident.services),
    }


def _why(report: Report) -> Row:
    """What is to blame; no candidate that falls short of it, or the next report would cite it."""
    if report.verdict != "cause_found" or not report.causes:
        return {}
    cause = report.causes[0]
    blamed = (c for c in report.changes if c.id == cause.change and c.verdict == "implicated")
    return {
        "workload": {"service": cause.resource.name, "version": cause.resource.version or None},
        "cause": {
            "kind": cause.resource.kind,
            "indicator": cause.indicator,
            "mechanism": cause.mechanism,
            "probability": cause.probability,
        },
        "change": next(map(_change, blamed), None),
    }


def _change(change: Change) -> Row:
    given = {"revision": change.revision, "url": change.url}
    return {"uid": change.id, "kind": change.kind, **{k: v or None for k, v in given.items()}}


def _severity(report: Report) -> int:
    """As OCSF words it: act at once while users suffer, and soon where they no longer do."""
    if report.verdict == "no_incident":
        return _INFORMATIONAL
    if report.incident.started_at is None:
        return _UNKNOWN
    return _MEDIUM if report.incident.ended_at else _HIGH


def _rest(report: Report) -> str:
    """What the class asks for and the table has no column of, with times in milliseconds."""
    rest = {
        "assignee": {"name": "inquest", "type_id": 4},
        "finding_info_list": [
            {
                "uid": report.id,
                "title": line(report.title),
                "created_time": _milliseconds(report.created_at),
                "first_seen_time": _milliseconds(_began(report.incident)),
            }
        ],
        "metadata": {
            "version": OCSF_VERSION,
            "product": {"name": "Inquest", "version": report.engine_version},
        },
    }
    return json.dumps(rest, ensure_ascii=False)


def _began(incident: Incident) -> datetime:
    """When the trouble began, or was thought to."""
    return incident.started_at or incident.detected_at


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)
