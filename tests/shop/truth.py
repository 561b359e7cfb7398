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

from tests.shop.fault import Fault
from tests.shop.fleet import Configuration, Flag, Instance, Release, Replacement, Values, after
from tests.shop.framing import frames
from tests.shop.psql import Session
from tests.shop.recorder import Alert
from tests.shop.story import Blamed, Culprit, Story, is_way_back
from tests.shop.story import Change as Made

Kind = Literal["deploy", "config", "flag"]
Role = Literal["innocent", "culprit", "rollback"]


@dataclass(frozen=True)
class Change:
    """A change, as announced and as it reached each instance; times are UTC.

    `id` is that of GitHub's deployment, or of the sync in the history of Argo CD's application.
    """

    kind: Kind
    id: int
    role: Role
    service: str
    version: str
    previous_version: str
    configuration: Values
    previous_configuration: Values
    sha: str
    creator: str | None
    declared_at: datetime
    finished_at: datetime
    instances: tuple[Replacement, ...]


@dataclass(frozen=True)
class Blocker:
    """The session whose locks everyone waited for; times are UTC."""

    pid: int
    user: str
    application_name: str
    statement: str
    table: str
    locked_at: datetime
    released_at: datetime


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
class Cause:
    """One thing that went wrong; any of `resources` is right to be blamed; times are UTC.

    `ended_at` is None when it was still wrong at the end. `fault` is what was done where nobody
    announced a change.
    """

    resources: tuple[Blamed, ...]
    indicator: str
    mechanism: str
    detail: str
    change: Change | None
    fault: str
    began_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True)
class Schedule:
    """How well the recorder kept its own times, in seconds, and how the shop did before the fault.

    `late_p99_s` and `late_max_s` are how late requests were sent; `calm_p95_s` is what they took in
    the first calm, or all the time where nothing was wrong, `calm_failed` the share that failed.
    """

    late_p99_s: float
    late_max_s: float
    calm_p95_s: float
    calm_failed: float = 0.0


@dataclass(frozen=True)
class Service:
    """How users were served for a while: how many requests, the share that failed, their p90."""

    requests: int
    failed: float
    p90_s: float


def hurt(served: Sequence[Service]) -> bool:
    """Say whether one more in a hundred failed during the fault, or many took twice as long."""
    if len(served) < 2:
        return False
    before, during = served
    return during.failed > before.failed + 0.01 or during.p90_s > 2 * before.p90_s


@dataclass(frozen=True)
class Truth:
    """The whole answer to a recording; `service` is that before the fault, and during it.

    `harms` says whether users' requests suffered by it, as they were measured.
    """

    name: str
    seed: int
    recorded_at: datetime
    ended_at: datetime
    verdict: str
    culprit: Change | None
    blocker: Blocker | None
    indicator: str | None
    mechanism: str | None
    detail: str | None
    fault_started_at: datetime | None
    first_failure_at: datetime | None
    recovered_at: datetime | None
    innocent_changes: tuple[Change, ...]
    rollback: Change | None
    alerts: tuple[Fired, ...]
    calm: bool
    causes: tuple[Cause, ...]
    symptom: str
    schedule: Schedule | None = None
    service: tuple[Service, ...] = ()
    harms: bool | None = None


@dataclass(frozen=True)
class Rolled:
    """A change that was carried out, and what ran before."""

    change: Made
    id: int
    creator: str | None
    declared_at: datetime
    before: Instance
    replacements: tuple[Replacement, ...]
    finished_at: datetime


@dataclass(frozen=True)
class Suffered:
    """A fault that was there, and when; `ended_at` is None if nobody mended it."""

    fault: Fault
    began_at: datetime
    ended_at: datetime | None


Done = Rolled | Suffered | Session
KINDS: dict[type[Made], Kind] = {Release: "deploy", Configuration: "config", Flag: "flag"}


def change(rolled: Rolled, story: Story) -> Change:
    """Tell what a change was in its story."""
    made, before = rolled.change, rolled.before
    version, configuration = after(before, made)
    role: Role = "rollback" if is_way_back(made) else "innocent"
    return Change(
        kind=KINDS[type(made)],
        id=rolled.id,
        role="culprit" if any(made == each.change for each in story.culprits) else role,
        service=made.service,
        version=version,
        previous_version=before.version,
        configuration=configuration.values,
        previous_configuration=before.configuration.values,
        sha=made.sha,
        creator=rolled.creator,
        declared_at=rolled.declared_at,
        finished_at=rolled.finished_at,
        instances=rolled.replacements,
    )


def blocker(session: Session, evidence: Path) -> Blocker:
    """Tell who held locks; the server's own log knows the process."""
    step = session.step
    with (evidence / "postgresql.json").open(encoding="utf-8") as lines:
        entries = (json.loads(line) for line in lines)
        typed = next(each for each in entries if each.get("user") == step.user)
    return Blocker(
        pid=typed["pid"],
        user=step.user,
        application_name="psql",
        statement=step.statement,
        table=step.table,
        locked_at=session.locked_at,
        released_at=session.released_at,
    )


def tell(
    story: Story,
    seed: int,
    window: tuple[datetime, datetime],
    done: Sequence[Done],
    alerts: Sequence[Alert],
    evidence: Path,
) -> Truth:
    """Put the truth together once the recording has ended."""
    changes = [change(each, story) for each in done if isinstance(each, Rolled)]
    culprit = next((each for each in changes if each.role == "culprit"), None)
    back = next((each for each in changes if each.role == "rollback"), None)
    held = next((blocker(each, evidence) for each in done if isinstance(each, Session)), None)
    known = story.culprit
    causes = tuple(cause(each, story, done) for each in story.culprits)
    began, ended = fault(culprit, back, held)
    if not held and causes and causes[0].began_at:
        began, ended = causes[0].began_at, causes[0].ended_at
    return Truth(
        name=story.name,
        seed=seed,
        recorded_at=window[0],
        ended_at=window[1],
        verdict=story.verdict,
        culprit=culprit,
        blocker=held,
        indicator=known.indicator if known else None,
        mechanism=known.mechanism if known else None,
        detail=known.detail if known else None,
        fault_started_at=began,
        first_failure_at=first_failure(began, culprit, evidence) if began else None,
        recovered_at=ended,
        innocent_changes=tuple(each for each in changes if each.role == "innocent"),
        rollback=back,
        alerts=tuple(fired(alerts)),
        calm=not story.culprits,
        causes=causes,
        symptom=next((f"{each.alertname} {each.service}".strip() for each in alerts), ""),
    )


def cause(culprit: Culprit, story: Story, done: Sequence[Done]) -> Cause:
    """Tell what one culprit did, and when."""
    rolled = [each for each in done if isinstance(each, Rolled)]
    made = next((change(each, story) for each in rolled if each.change == culprit.change), None)
    suffered = (each for each in done if isinstance(each, Suffered))
    there = next((each for each in suffered if each.fault == culprit.fault), None)
    back = next((each for each in rolled if made and takes_back(each, made)), None)
    began = onset(made) if made else there.began_at if there else None
    ended = back.finished_at if back else there.ended_at if there else None
    return Cause(
        resources=culprit.resources,
        indicator=culprit.indicator,
        mechanism=culprit.mechanism,
        detail=culprit.detail,
        change=made,
        fault=repr(culprit.fault) if culprit.fault else "",
        began_at=began,
        ended_at=ended,
    )


def takes_back(rolled: Rolled, made: Change) -> bool:
    """Say whether something takes a change back."""
    same = (rolled.change.service, KINDS[type(rolled.change)]) == (made.service, made.kind)
    return same and is_way_back(rolled.change)


def onset(made: Change) -> datetime:
    """Give when a change reached the first request: a flag does at once."""
    return made.instances[0].new_in_rotation_at if made.instances else made.declared_at


def fault(
    culprit: Change | None, back: Change | None, held: Blocker | None
) -> tuple[datetime | None, datetime | None]:
    """Give when the fault began and when it was over."""
    if held:
        return held.locked_at, held.released_at
    began = onset(culprit) if culprit else None
    return began, back.finished_at if back else None


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


def first_failure(since: datetime, culprit: Change | None, evidence: Path) -> datetime | None:
    """Find when the first request failed, of the changed service or else of any."""
    failed = [
        served.end_time_unix_nano
        for service, _, served in served_spans(evidence)
        if status(served) >= 500 and (culprit is None or culprit.service == service)
    ]
    since_the_fault = (at for at in sorted(map(moment, failed)) if at >= since)
    return next(since_the_fault, None)


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
