"""What really happened in a recording: kept beside the evidence, never in it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.shop.fleet import FIRST_VERSIONS, Replacement
from tests.shop.framing import frames
from tests.shop.github import Deployment
from tests.shop.recorder import Alert
from tests.shop.story import Story

Role = Literal["innocent", "culprit", "rollback"]


@dataclass(frozen=True)
class Change:
    """A deployment, as announced and as it reached each instance; times are UTC."""

    deployment_id: int
    role: Role
    service: str
    version: str
    previous_version: str
    ref: str
    sha: str
    creator: str
    declared_at: datetime
    finished_at: datetime
    instances: tuple[Replacement, ...]


@dataclass(frozen=True)
class Fired:
    """One firing of an alert; `ends_at` is None when it was still firing at the end."""

    alertname: str
    service: str
    severity: str
    starts_at: str
    ends_at: str | None
    received_at: datetime


@dataclass(frozen=True)
class Truth:
    """The whole answer to a recording."""

    name: str
    seed: int
    recorded_at: datetime
    ended_at: datetime
    verdict: str
    culprit: Change | None
    indicator: str | None
    mechanism: str | None
    detail: str | None
    fault_started_at: datetime | None
    first_failure_at: datetime | None
    recovered_at: datetime | None
    innocent_changes: tuple[Change, ...]
    rollback: Change | None
    alerts: tuple[Fired, ...]


@dataclass(frozen=True)
class Rolled:
    """A deployment that was carried out."""

    deployment: Deployment
    previous_version: str
    replacements: tuple[Replacement, ...]
    finished_at: datetime


def change(rolled: Rolled, story: Story) -> Change:
    """Tell what a deployment was in its story."""
    deployment = rolled.deployment
    release = deployment.release
    role: Role = "innocent"
    if story.culprit and release == story.culprit.release:
        role = "culprit"
    elif release.version == FIRST_VERSIONS[release.service]:
        role = "rollback"
    return Change(
        deployment_id=deployment.id,
        role=role,
        service=release.service,
        version=release.version,
        previous_version=rolled.previous_version,
        ref=f"v{release.version}",
        sha=release.sha,
        creator=deployment.creator,
        declared_at=deployment.created_at,
        finished_at=rolled.finished_at,
        instances=rolled.replacements,
    )


def tell(
    story: Story,
    seed: int,
    window: tuple[datetime, datetime],
    rolled: Sequence[Rolled],
    alerts: Sequence[Alert],
    evidence: Path,
) -> Truth:
    """Put the truth together once the recording has ended."""
    changes = [change(each, story) for each in rolled]
    culprit = next((each for each in changes if each.role == "culprit"), None)
    back = next((each for each in changes if each.role == "rollback"), None)
    known = story.culprit
    return Truth(
        name=story.name,
        seed=seed,
        recorded_at=window[0],
        ended_at=window[1],
        verdict=story.verdict,
        culprit=culprit,
        indicator=known.indicator if known else None,
        mechanism=known.mechanism if known else None,
        detail=known.detail if known else None,
        fault_started_at=culprit.instances[0].new_in_rotation_at if culprit else None,
        first_failure_at=first_failure(culprit, evidence) if culprit else None,
        recovered_at=back.instances[-1].new_in_rotation_at if back else None,
        innocent_changes=tuple(each for each in changes if each.role == "innocent"),
        rollback=back,
        alerts=tuple(fired(alerts)),
    )


def fired(alerts: Sequence[Alert]) -> Iterator[Fired]:
    """Pair each notified firing with the next notified end.

    Alertmanager may fold an end and a new start within `group_interval` into one notification, so
    the end can be that of a later `startsAt`.
    """
    seen = set()
    for number, alert in enumerate(alerts):
        key = alert.alertname, alert.service, alert.starts_at
        if alert.status != "firing" or key in seen:
            continue
        seen.add(key)
        later = (each for each in alerts[number + 1 :] if same_alert(each, alert))
        ended = next((each for each in later if each.status == "resolved"), None)
        yield Fired(
            alertname=alert.alertname,
            service=alert.service,
            severity=alert.severity,
            starts_at=alert.starts_at,
            ends_at=ended.ends_at if ended else None,
            received_at=moment(alert.received_unix_nano),
        )


def same_alert(one: Alert, other: Alert) -> bool:
    return (one.alertname, one.service) == (other.alertname, other.service)


def first_failure(culprit: Change, evidence: Path) -> datetime | None:
    """Find when the guilty version's first request failed, by its own server spans."""
    failed = [
        served.end_time_unix_nano
        for service, version, served in served_spans(evidence)
        if (service, version) == (culprit.service, culprit.version) and status(served) >= 500
    ]
    return moment(min(failed)) if failed else None


def served_spans(evidence: Path) -> Iterator[tuple[str, str, Span]]:
    """Read every server span of a recording, with its service and version."""
    for body in frames(evidence / "traces.otlp.binpb.zst"):
        for group in ExportTraceServiceRequest.FromString(body).resource_spans:
            about = texts(group.resource.attributes)
            for scope in group.scope_spans:
                for each in scope.spans:
                    if each.kind == Span.SPAN_KIND_SERVER:
                        yield about["service.name"], about["service.version"], each


def texts(attributes: Sequence[KeyValue]) -> dict[str, str]:
    """Give the attributes that are strings."""
    return {pair.key: pair.value.string_value for pair in attributes}


def status(span: Span) -> int:
    """Give a span's HTTP status, 0 when it has none."""
    named = (pair for pair in span.attributes if pair.key == "http.response.status_code")
    return next((pair.value.int_value for pair in named), 0)


def moment(unix_nano: int) -> datetime:
    """Give a time to the microsecond."""
    return datetime.fromtimestamp(unix_nano / 1e9, UTC)


def write(truth: Truth, file: Path) -> None:
    """Write the truth as JSON."""
    text = json.dumps(dataclasses.asdict(truth), indent=2, default=datetime.isoformat)
    file.write_text(text + "\n", encoding="utf-8")
