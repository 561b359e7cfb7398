"""The frozen values that an investigation is made of: Incident, Evidence, Change, Cause, Report.

Times are UTC-aware, durations are seconds unless a name says otherwise, probabilities are 0 to 1.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, TypedDict

from pydantic import ConfigDict, Field, with_config

SCHEMA_VERSION: Literal["1"] = "1"

Verdict = Literal["cause_found", "no_incident", "inconclusive", "stopped_by_budget"]
Status = Literal["confirmed", "likely", "weakened", "refuted", "untested"]
ResourceKind = Literal[
    "service", "database", "cache", "queue", "node", "proxy", "external", "object", "unknown"
]
Indicator = Literal["latency", "errors", "traffic", "saturation", "availability", "none"]
Mechanism = Literal[
    "deploy",
    "config",
    "flag",
    "scale",
    "infrastructure",
    "resource_exhaustion",
    "dependency",
    "contention",
    "traffic",
    "unknown",
]
ChangeKind = Literal["deploy", "config", "flag", "scale", "node", "schema", "infrastructure"]
ChangeVerdict = Literal["implicated", "cleared", "not_assessable"]
ControlKind = Literal[
    "order",
    "reach",
    "own_signals",
    "relevance",
    "old_against_new",
    "spared",
    "before_against_after",
    "peers",
    "recovery",
    "same_hour_last_week",
    "track_record",
]
ControlVerdict = Literal["implicates", "clears", "neutral", "not_assessable"]
GapKind = Literal[
    "no_data",
    "thin_data",
    "not_yet_arrived",
    "no_history",
    "not_looked_at",
    "quarantined",
    "budget",
]
TimelineKind = Literal["change", "signal", "alert", "recovery"]
MarkKind = Literal["implicated", "cleared", "not_assessable", "alert"]
Origin = Literal["engine", "model"]
Outcome = Literal["held", "refuted", "not_assessable"]
Role = Literal["root", "proximate", "symptom", "benign", "standing"]
Look = Literal["requests", "calls", "traces", "metrics", "logs", "locks", "state", "alerts"]
SeriesRole = Literal["bad", "good", "plain"]
Relation = Literal["calls", "stores", "runs_on"]
NodeState = Literal["cause", "path", "symptom", "deviates", "well"]

_strict = with_config(ConfigDict(extra="forbid", populate_by_name=True))


@_strict
@dataclass(frozen=True, slots=True)
class Incident:
    """What is being investigated: when, where, and how it showed.

    `window_start` to `window_end` is all that was read; what lies before `started_at` in it is the
    baseline. `started_at` is the first deviation found, None while (or if) nothing deviates.
    """

    detected_at: datetime
    window_start: datetime
    window_end: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    services: tuple[str, ...] = ()
    trigger: str = ""
    alerts: tuple[str, ...] = ()


@_strict
@dataclass(frozen=True, slots=True)
class Evidence:
    """A question, the SQL that answers it, the snapshots it ran on and the digest of its rows.

    What a model asked (`asked_by`) carries what was made of it, and no other sentence.
    """

    id: str
    question: str
    tool: str
    sql: str
    snapshots: dict[str, int]
    rows: int
    digest: str
    columns: tuple[str, ...] = ()
    sample: tuple[dict[str, Any], ...] = ()
    asked_by: Origin = "engine"


@dataclass(frozen=True, slots=True)
class Window:
    """The stretch of time that is read, cut into buckets of `bucket_s` seconds.

    `trouble` is the part of it in which the alarm says to look; None if there was no alarm. What
    lies before it is calm as far as is known; `calm` is a stretch elsewhere in the lake that is
    known, or was found, to be well; both are (start, end).
    """

    start: datetime
    end: datetime
    bucket_s: int
    trouble: tuple[datetime, datetime] | None = None
    calm: tuple[datetime, datetime] | None = None

    @property
    def span(self) -> dict[str, Any]:
        """The window as the parameters that tools take."""
        return {"start": self.start, "end": self.end, "bucket_s": self.bucket_s}

    @property
    def calm_span(self) -> dict[str, Any] | None:
        """The calm stretch elsewhere as the parameters that tools take, if there is one."""
        if self.calm is None:
            return None
        return {"start": self.calm[0], "end": self.calm[1], "bucket_s": self.bucket_s}

    @property
    def buckets(self) -> int:
        """How many buckets the window has, the last one perhaps cut short."""
        return -int((self.start - self.end).total_seconds() // self.bucket_s)

    def at(self, bucket: int) -> datetime:
        """When `bucket` begins."""
        return self.start + timedelta(seconds=int(bucket) * self.bucket_s)

    def bucket(self, at: datetime) -> int:
        """The bucket that `at` lies in."""
        return int((at - self.start).total_seconds() // self.bucket_s)


@dataclass(frozen=True, slots=True)
class Signal:
    """Something that deviated: of which resource, what, since when, and by how much.

    `look` is where it was seen. `own` says that the resource's callees do not explain it; `effect`
    is a robust z; `before` and `during` are levels in `unit`; `attributes` tell a metric's series.
    """

    look: Look
    resource: str
    indicator: Indicator
    subject: str
    own: bool
    onset: datetime
    ended_at: datetime | None
    effect: float
    before: float
    during: float
    unit: str
    evidence: str
    version: str = ""
    attributes: str = ""


@_strict
@dataclass(frozen=True, slots=True)
class Anomaly:
    """How far something departs, about the alarm, from how it is in calm time: sure or not.

    A `Signal` is significant and matters to users; anomalies are graded, and rank what is to blame.
    `surprise` is in nats: -ln of the chance that calm time shows as much, 0 to 30, after paying for
    the series and the segments that were searched within one resource. `effect` is a signed robust
    z. `own` says that callees do not explain it by its nature; `worse` is 1 where more is worse, -1
    where less is, 0 where nothing says. `peer` is the other end where it is about an edge,
    `instance` the one that shows it where others of the resource do not.
    """

    look: Look
    resource: str
    indicator: Indicator
    subject: str
    surprise: float
    effect: float
    onset: datetime
    before: float
    during: float
    unit: str
    evidence: str
    own: bool = True
    instance: str = ""
    peer: str = ""
    worse: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """An edge of the topology: `caller` calls `callee`, which is a store if `system` says so.

    What is known by other means than spans has no calls; `relation` tells what runs on what.
    """

    caller: str
    callee: str
    system: str
    calls: int
    failed: int
    relation: Relation = "calls"


@_strict
@dataclass(frozen=True, slots=True)
class Series:
    """One line of a chart; `points` are (time, value), a None value is a break in the line."""

    name: str
    points: tuple[tuple[datetime, float | None], ...]
    role: SeriesRole = "plain"


@_strict
@dataclass(frozen=True, slots=True)
class Mark:
    """A moment drawn on a chart: a change or an alert."""

    at: datetime
    label: str
    kind: MarkKind


@_strict
@dataclass(frozen=True, slots=True)
class Chart:
    """Deviating series of one piece of evidence, ready to draw; `limit` is a ceiling to show.

    Neighbouring charts of one `group` are small multiples, to be drawn beside each other.
    """

    title: str
    unit: str
    series: tuple[Series, ...]
    evidence: str
    marks: tuple[Mark, ...] = ()
    shaded: tuple[datetime, datetime] | None = None
    limit: float | None = None
    group: str = ""


@_strict
@dataclass(frozen=True, slots=True)
class MapNode:
    """A resource on the map; `text` is what deviated of it first, `onset` when."""

    name: str
    kind: ResourceKind
    state: NodeState
    text: str = ""
    onset: datetime | None = None


@_strict
@dataclass(frozen=True, slots=True)
class MapEdge:
    """Calls from one resource to another, during the incident or, without one, in the window.

    A p95 is the median of the buckets' own; before the incident it is `p95_before_ms`. Trouble
    spreads over an edge `on_path` from callee to caller.
    """

    caller: str
    callee: str
    calls: int
    failed: int
    p95_ms: float | None = None
    p95_before_ms: float | None = None
    on_path: bool = False


@_strict
@dataclass(frozen=True, slots=True)
class TopologyMap:
    """Who calls whom around the trouble; what else was seen is counted: the ill and the well."""

    nodes: tuple[MapNode, ...]
    edges: tuple[MapEdge, ...]
    evidence: tuple[str, ...] = ()
    others_deviating: int = 0
    others_well: int = 0


@_strict
@dataclass(frozen=True, slots=True)
class Statement:
    """One sentence and the evidence ids that carry it."""

    text: str
    evidence: tuple[str, ...] = ()


@_strict
@dataclass(frozen=True, slots=True)
class Control:
    """One way a change was tried, and what came of it; `p_value` where a test was made.

    `log_odds` is what it adds, in nats, where it gives no verdict but leans.
    """

    kind: ControlKind
    verdict: ControlVerdict
    text: str
    evidence: tuple[str, ...] = ()
    p_value: float | None = None
    log_odds: float = 0.0


@_strict
@dataclass(frozen=True, slots=True)
class Rollout:
    """When one instance was first seen on the changed version and, if it is over, last seen."""

    instance: str
    first_observed_at: datetime
    finished_at: datetime | None = None


@_strict
@dataclass(frozen=True, slots=True)
class Change:
    """Something that was changed near the incident, and the verdict of its trial.

    `declared_at` is None for a change that nobody announced but telemetry shows.
    """

    id: str
    kind: ChangeKind
    what: str
    service: str
    revision: str = ""
    version: str = ""
    previous_version: str = ""
    who: str = ""
    url: str = ""
    reverts: str = ""
    declared_at: datetime | None = None
    rollouts: tuple[Rollout, ...] = ()
    verdict: ChangeVerdict = "not_assessable"
    reason: str = ""
    controls: tuple[Control, ...] = ()


@_strict
@dataclass(frozen=True, slots=True)
class Resource:
    """What is to blame: one node of the topology, with its version where that matters."""

    kind: ResourceKind
    name: str
    version: str = ""


@_strict
@dataclass(frozen=True, slots=True)
class Hop:
    """One step of the path from cause to symptom, and the three checks outside any model."""

    source: Annotated[str, Field(alias="from")]
    target: Annotated[str, Field(alias="to")]
    text: str = ""
    onset: datetime | None = None
    structure: bool = False
    deviation: bool = False
    order: bool = False
    evidence: tuple[str, ...] = ()


@_strict
@dataclass(frozen=True, slots=True)
class NextStep:
    """Something a person may do; Inquest never does it. `why` is a model's word, if it has one."""

    text: str
    reversible: bool
    command: str = ""
    why: Statement | None = None


@_strict
@dataclass(frozen=True, slots=True)
class Finding:
    """What a playbook found: of which object (`Kind/namespace/name`), and the line that says it.

    `role` says how far down it lies (`agent.playbook.form.ROLES`). `certainty` is the playbook's
    own, after its checks; `refuted` says which check spoke against it. `resource` is the service
    that the object is of, else its own name. `explained_by` is the object of the finding that this
    one follows from, and `path` the references that lead there. `relevance` is 1 if it is about
    what was asked, -1 if something else was asked about. `chronic` is what was so long before the
    trouble.
    """

    playbook: str
    title: str
    role: Role
    object: str
    resource: Resource
    text: str
    said: str
    mechanism: Mechanism
    indicator: Indicator
    certainty: float
    seen_at: datetime
    evidence_for: tuple[str, ...]
    evidence_against: tuple[str, ...] = ()
    refuted: str = ""
    remedies: tuple[NextStep, ...] = ()
    explains: tuple[str, ...] = ()
    explained_by: str = ""
    path: tuple[Hop, ...] = ()
    relevance: float = 0.0
    chronic: bool = False


@_strict
@dataclass(frozen=True, slots=True)
class Cause:
    """A hypothesis: what failed, how, with what probability, and the evidence both ways.

    Where a playbook found it, `object` is what explains it as `Kind/namespace/name`, `said` the
    line that says so. What a model proposed is weighed by the same checks as the engine's own.
    """

    rank: int
    text: str
    resource: Resource
    indicator: Indicator
    mechanism: Mechanism
    probability: float
    status: Status
    grounded: bool = False
    change: str = ""
    path: tuple[Hop, ...] = ()
    evidence_for: tuple[str, ...] = ()
    evidence_against: tuple[str, ...] = ()
    reason: str = ""
    object: str = ""
    said: str = ""
    playbook: str = ""
    proposed_by: Origin = "engine"


@_strict
@dataclass(frozen=True, slots=True)
class Proposal:
    """A hypothesis of a model's, and what came of the query that would refute it.

    `resource` is empty where telemetry knows none of that name. `expected` is what some row of the
    query was to have: the model's own, so that no evidence has to carry it. `text` is ours. `known`
    says that the engine had it already; `probability` is what the engine's checks give it, whatever
    came of the query, which can only refute.
    """

    resource: str
    mechanism: Mechanism
    outcome: Outcome
    text: str
    expected: str = ""
    change: str = ""
    known: bool = False
    probability: float = 0.0
    evidence: tuple[str, ...] = ()


@_strict
@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """Something that happened, in UTC."""

    at: datetime
    text: str
    kind: TimelineKind
    evidence: tuple[str, ...] = ()


@_strict
@dataclass(frozen=True, slots=True)
class Gap:
    """What could not be looked at, and what would close the gap."""

    kind: GapKind
    text: str


@_strict
@dataclass(frozen=True, slots=True)
class Cost:
    """What the investigation took; `usd` is None where a price is not known.

    Input tokens are all that were sent; `cached_tokens` of them came from the provider's cache.
    """

    model: str | None = None
    calls: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    usd: float | None = 0.0
    queries: int = 0
    wall_s: float = 0.0
    trace_id: str = ""


@_strict
@dataclass(frozen=True, slots=True)
class Attribute:
    """What a request may have: the name of an attribute, and its value as text."""

    name: str
    value: str


@_strict
@dataclass(frozen=True, slots=True)
class Carrier:
    """Requests that have all of `attributes`, and carry a share of the excess of bad requests.

    `bad_inside` is the share of them that is bad, `bad_outside` that of all others at the same
    time. `p_value` is paid for all combinations that were searched. `also` is what the same
    requests have too, and no others: another name of the same thing.
    """

    attributes: tuple[Attribute, ...]
    share_of_excess: float
    requests: int
    bad: int
    bad_inside: float
    bad_outside: float
    p_value: float
    also: tuple[Attribute, ...] = ()
    evidence: tuple[str, ...] = ()


@_strict
@dataclass(frozen=True, slots=True)
class Drilldown:
    """What a service's bad requests have in common: those that failed, or that were slow.

    Without carriers no attribute of `looked_at` tells them apart. Slow is what took longer than 95
    in 100 of the same operation's requests in calm time. `requests` and `bad` are those from
    `start` to `end`.
    """

    service: str
    indicator: Indicator
    text: str
    start: datetime
    end: datetime
    requests: int
    bad: int
    carriers: tuple[Carrier, ...] = ()
    looked_at: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()


@_strict
@dataclass(frozen=True, slots=True)
class Report:
    """The answer. Its JSON is the source of truth; every other dress derives from it.

    `anomalies` are the most surprising about the alarm, those of likelier resources first.
    """

    id: str
    title: str
    verdict: Verdict
    confidence: float
    created_at: datetime
    incident: Incident
    schema_version: Literal["1"] = SCHEMA_VERSION
    summary: tuple[Statement, ...] = ()
    impact: tuple[Statement, ...] = ()
    causes: tuple[Cause, ...] = ()
    changes: tuple[Change, ...] = ()
    timeline: tuple[TimelineEntry, ...] = ()
    ruled_out: tuple[Cause, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    anomalies: tuple[Anomaly, ...] = ()
    gaps: tuple[Gap, ...] = ()
    next_steps: tuple[NextStep, ...] = ()
    charts: tuple[Chart, ...] = ()
    topology: TopologyMap | None = None
    drilldowns: tuple[Drilldown, ...] = ()
    evidence: dict[str, Evidence] = field(default_factory=dict)
    cost: Cost = field(default_factory=Cost)
    engine_version: str = ""


def noted(left: dict[str, Evidence], right: dict[str, Evidence]) -> dict[str, Evidence]:
    """Join two branches' evidence; ValueError if one id stands for two questions."""
    for name in left.keys() & right.keys():
        if left[name].sql != right[name].sql:
            raise ValueError(f"evidence {name} has two queries")
    return {**left, **right}


def merged(left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    """Join two branches' updates; the later word on a key holds."""
    return {**left, **right}


@dataclass(frozen=True, slots=True)
class Sharpened:
    """What a model read in a question, each word of it found there: it narrows the scope."""

    at: datetime | None = None
    service: str | None = None


class Investigation(TypedDict, total=False):
    """What the nodes of the graph pass on; branches that run side by side are joined.

    `dialogue` is what was said with a model while it proposed, as its messages. `cut` names the
    looks and hypotheses that a budget left out, `missed` those that failed.
    """

    sharpened: Sharpened
    window: Window
    incident: Incident
    evidence: Annotated[dict[str, Evidence], noted]
    services: list[str]
    signals: Annotated[list[Signal], operator.add]
    anomalies: Annotated[list[Anomaly], operator.add]
    calls: Annotated[list[Call], operator.add]
    changes: Annotated[dict[str, Change], merged]
    findings: list[Finding]
    causes: Annotated[dict[str, Cause], merged]
    gaps: Annotated[list[Gap], operator.add]
    cut: Annotated[list[str], operator.add]
    missed: Annotated[list[str], operator.add]
    drilldowns: Annotated[list[Drilldown], operator.add]
    dialogue: Annotated[list[dict[str, Any]], operator.add]
    proposals: list[Proposal]
    subject: str
    report: Report
