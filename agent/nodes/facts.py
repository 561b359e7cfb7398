"""What the survey found, put together: the symptom, what deviated with it, and who calls whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import nan

from agent.analysis.amounts import Harm
from agent.analysis.ranking import CEILING
from agent.analysis.topology import Edge, Topology
from agent.nodes.scope import BY_ITSELF
from agent.nodes.survey.calls import UNANSWERED
from agent.nodes.survey.requests import ENTRANCE
from agent.state import Anomaly, Call, Change, Incident, Investigation, ResourceKind, Signal, Window

_BY_USERS = ("requests", "calls", "locks")  # where what callers got is seen
_ILL = ("latency", "errors")
_BY_REQUESTS = ("requests", "calls", "traces")
_FAILING = ("errors", "availability")
_SENSE = {"latency": 1, "errors": 1, "availability": -1}  # which way is worse
_SOON = timedelta(minutes=5)
_PAUSE = timedelta(seconds=15)  # without a request, which nobody minds
_CHANCE = 7.0  # nats: what is less may be chance
SURE = 12.0  # nats: chance brings as much once in a hundred incidents of a thousand series
_LOAD = 0.3  # of what it says: how much is asked of a resource is seldom its own doing
_ALREADY = 0.3  # of what it says: what was so before cannot have brought the symptom about
_RELIEF = 0.3  # of what it says: what gets no worse is seldom the trouble
_WATCHED = 12  # buckets with requests: fewer do not show how users fared
_SIGNIFICANT = 9.0  # nats of a shift that is significant at 1 % among a hundred series
_CACHES = frozenset({"redis", "memcached", "valkey", "cache"})
_QUEUES = frozenset({
    "queue", "topic", "broker", "messaging_system",
    "kafka", "rabbitmq", "activemq", "aws_sqs", "nats", "pulsar",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Facts:
    """The survey's findings as the later nodes use them.

    `symptom` is what users or the alert saw, strongest first; `signals` are all that deviated
    while it lasted, the symptom among them; `elsewhere` is what was bad at another time.
    `anomalies` of each resource are graded, and the signals among them, most surprising first.
    `watched` says that there are requests to see the symptom in, `changes_read` that changes were
    looked for. What deviates from calm time
    elsewhere since `settled`, or before, did so for an unknown time.
    """

    window: Window
    incident: Incident
    symptom: tuple[Signal, ...]
    signals: tuple[Signal, ...]
    calls: tuple[Call, ...]
    changes: dict[str, Change]
    topology: Topology
    services: frozenset[str]
    elsewhere: tuple[Signal, ...] = ()
    anomalies: Mapping[str, tuple[Anomaly, ...]] = field(default_factory=dict)
    watched: bool = True
    changes_read: bool = True
    settled: datetime | None = None

    @property
    def symptomatic(self) -> tuple[str, ...]:
        """The services that show the symptom; where only users do, those that serve them first."""
        names = dict.fromkeys(s.resource for s in self.symptom if s.resource != ENTRANCE)
        if self.symptom and not names:
            return tuple(sorted(s for s in self.services if not self.topology.callers(s)))
        return tuple(names) or self._surely_ill()

    def _surely_ill(self) -> tuple[str, ...]:
        """Where no signal shows a symptom: the alarmed resources, or those that deviate for sure.

        Of the latter those that nothing calls which deviates too: the others may suffer from them.
        """
        if not self.watched and (
            alarmed := tuple(s for s in self.incident.services if s in self.topology.names)
        ):
            return alarmed
        sure = {n: _sure(of_it, watched=self.watched) for n, of_it in self.anomalies.items()}
        ill = {name for name, found in sure.items() if any(map(_is_suffered, found))}
        ill = ill or {name for name, found in sure.items() if found}
        return tuple(sorted(n for n in ill if ill.isdisjoint(self.topology.callers(n))))

    @property
    def felt(self) -> bool:
        """Whether somebody suffers: a signal shows it, or what else there is leaves no doubt."""
        return self.incident.started_at is not None

    @property
    def begins_ill(self) -> bool:
        """Whether the telemetry begins with the trouble, and no calm time elsewhere is known."""
        started = self.incident.started_at
        if started is None or self.window.calm:
            return False
        return started <= self.window.start + self.slack

    @property
    def unseen(self) -> tuple[str, ...]:
        """The changed services that deviate by what they say, though no request of them is seen."""
        changed = {change.service for change in self.changes.values()}
        seen = self.services | self.topology.names
        return tuple(sorted(n for n in changed - seen if self.watched and n in self.anomalies))

    def of(self, resource: str) -> list[Signal]:
        """The request signals of a resource that coincide with the symptom."""
        return [
            s
            for s in self.signals
            if s.resource == resource and s.look in _BY_USERS and s.indicator in _ILL
        ]

    def own(self, resource: str) -> list[Signal]:
        """Of those, the ones that its callees do not explain, strongest first."""
        return sorted((s for s in self.of(resource) if s.own), key=lambda s: -abs(s.effect))

    def saturation(self, resource: str) -> list[Signal]:
        """The metric series of a resource that moved with the symptom, clearest first."""
        moved = [s for s in self.signals if s.resource == resource and s.indicator == "saturation"]
        return sorted(moved, key=lambda s: -abs(s.effect))

    def leads(self, resource: str) -> list[Signal]:
        """What a resource's logs and metrics showed with the symptom, new kinds of errors first."""
        found = [
            s for s in self.signals if s.resource == resource and s.look in ("logs", "metrics")
        ]
        return sorted(found, key=lambda s: (s.look != "logs", -abs(s.effect)))

    def quieter(self, resource: str) -> bool:
        """Whether fewer requests of a resource are seen, or none, while the symptom lasts."""
        return any(
            s.resource == resource
            and ((s.indicator == "traffic" and s.during < s.before) or s.subject == UNANSWERED)
            and s.look in _BY_USERS
            for s in self.signals
        )

    def says(self, anomaly: Anomaly) -> float:
        """What an anomaly says of a cause, in nats.

        Less of what others do to a resource, of what got no worse, and of what differs from calm
        time elsewhere since before the symptom: that may have been so for days.
        """
        if self.settled and anomaly.onset <= self.settled:
            return anomaly.surprise * _ALREADY
        if anomaly.indicator == "traffic":
            return anomaly.surprise * _LOAD
        return anomaly.surprise * (_RELIEF if _worse(anomaly) <= 0 else 1.0)

    def onset(self, resource: str) -> datetime | None:
        """When a resource first deviated, as far as that is no chance."""
        found = [(self.says(one), one.onset) for one in self.anomalies.get(resource, ())]
        least = min(_CHANCE, max((nats for nats, _ in found), default=0.0))
        return min((onset for nats, onset in found if nats >= least), default=None)

    def own_nats(self, resource: str) -> dict[str, float]:
        """What the strongest anomaly of its own says of a resource, in nats, by look."""
        nats: dict[str, float] = {}
        for one in self.anomalies.get(resource, ()):
            if one.own:
                nats[one.look] = max(nats.get(one.look, 0.0), self.says(one))
        return nats

    def harm(self, resource: str) -> Harm:
        """How much worse a resource got, by what users may suffer from, in its unit."""
        harm: dict[tuple[str, ...], float] = {}
        for one in self.anomalies.get(resource, ()):
            if (worse := _worse(one)) > 0:
                measure = one.look, one.subject, one.unit
                harm[measure] = max(worse, harm.get(measure, 0.0))
        return harm

    def lock_waits(self, resource: str) -> list[Signal]:
        """The sessions of a database that others waited for while the symptom lasted."""
        return [s for s in self.signals if s.resource == resource and s.look == "locks"]

    def kind(self, resource: str) -> ResourceKind:
        """What sort of thing a resource is."""
        systems = {call.system for call in self.calls if call.callee == resource} - {""}
        if not systems:
            return "node" if self._is_host(resource) else "service"
        if "external" in systems:
            return "external"
        if systems & _CACHES:
            return "cache"
        return "queue" if systems & _QUEUES else "database"

    def _is_host(self, resource: str) -> bool:
        """Whether others run on a resource, and it neither calls nor is called."""
        return bool(self.topology.residents(resource)) and resource not in self.services

    @property
    def slack(self) -> timedelta:
        """How far apart two times may be and still count as the same: an onset is a bucket."""
        return timedelta(seconds=2 * self.window.bucket_s)

    def when(self, at: datetime) -> str:
        """A time of day; with its day where that is not the window's."""
        return f"{at:%H:%M:%S}" if at.date() == self.window.start.date() else f"{at:%d %b %H:%M:%S}"


def gather(state: Investigation) -> Facts:
    """Find the symptom in the signals, and what goes with it."""
    window, incident, evidence = state["window"], state["incident"], state.get("evidence", {})
    edges = state.get("calls", [])
    calls = tuple(call for call in edges if call.relation != "runs_on")
    signals = _by_store(state.get("signals", []), calls)
    symptom = tuple(_symptom(signals, incident, calls))
    around = [
        s for s in signals if (_together(s, symptom, window) if symptom else _alarming(s, incident))
    ]
    topology = Topology([Edge(c.caller, c.callee, c.calls, kind=c.relation) for c in edges])
    if symptom:
        incident = _lasting(incident, symptom, around, topology)
    graded = [_graded(s) for s in around if s.look in _BY_USERS]
    graded += _named(state.get("anomalies", []), _stores(calls))
    anomalies = _by_resource(graded)
    watched = any(
        evidence[of].rows >= _WATCHED for of in ("entrance", "requests") if of in evidence
    )
    if not symptom:
        incident = _begun(incident, anomalies, watched=watched)
    facts = Facts(
        window=window,
        incident=incident,
        symptom=symptom,
        signals=tuple(around),
        calls=calls,
        changes=state.get("changes", {}),
        topology=topology,
        elsewhere=tuple(s for s in signals if _is_bad(s) and not symptom),
        anomalies=anomalies,
        watched=watched,
        changes_read="changes" in evidence,
        services=frozenset({*state.get("services", ()), *_callers_and_callees(calls)}),
    )
    return replace(facts, settled=_settled(facts))


def _settled(facts: Facts) -> datetime | None:
    """The window's first bucket, where calm time lies elsewhere and the symptom began later."""
    first = facts.window.start + timedelta(seconds=facts.window.bucket_s)
    shown = [onset for name in facts.symptomatic if (onset := facts.onset(name))]
    return first if facts.window.calm and shown and min(shown) > first + facts.slack else None


def _by_store(signals: list[Signal], calls: tuple[Call, ...]) -> list[Signal]:
    """The signals with what a store says of itself under the name that its callers know it by.

    `postgresql` logs as itself and is called as `postgresql/shop`; two databases are not told.
    """
    known = _stores(calls)
    return [replace(s, resource=known.get(s.resource, s.resource)) for s in signals]


def _named(anomalies: list[Anomaly], known: dict[str, str]) -> list[Anomaly]:
    return [replace(a, resource=known.get(a.resource, a.resource)) for a in anomalies]


def _stores(calls: tuple[Call, ...]) -> dict[str, str]:
    """The one store of each system."""
    stores: dict[str, set[str]] = {}
    for call in calls:
        stores.setdefault(call.system, set()).add(call.callee)
    return {system: min(names) for system, names in stores.items() if system and len(names) == 1}


def _begun(
    incident: Incident, anomalies: Mapping[str, tuple[Anomaly, ...]], *, watched: bool
) -> Incident:
    """The incident with the first anomaly that is sure, where no signal shows when it began."""
    onsets = [a.onset for found in anomalies.values() for a in _sure(found, watched=watched)]
    return replace(incident, started_at=min(onsets, default=None))


def _sure(anomalies: Iterable[Anomaly], *, watched: bool) -> list[Anomaly]:
    """The anomalies that are no chance; where requests are watched, those that they suffer from."""
    sure = [a for a in anomalies if a.surprise >= SURE]
    return [a for a in sure if a.look in _BY_REQUESTS and _is_suffered(a)] if watched else sure


def _is_suffered(anomaly: Anomaly) -> bool:
    """Whether users may suffer from it: slower, or another share of failures or of answers."""
    if anomaly.indicator == "latency":
        return anomaly.during > anomaly.before
    return anomaly.indicator in _FAILING and anomaly.during != anomaly.before


def _worse(anomaly: Anomaly) -> float:
    """By how much it got worse, in its unit: 0 or less if it did not; NaN if nothing says."""
    by_requests = _SENSE.get(anomaly.indicator, 0) if anomaly.look in _BY_REQUESTS else 0
    sense = anomaly.worse or by_requests
    return sense * (anomaly.during - anomaly.before) if sense else nan


def _by_resource(anomalies: list[Anomaly]) -> dict[str, tuple[Anomaly, ...]]:
    found: dict[str, list[Anomaly]] = {}
    for one in sorted(anomalies, key=lambda a: (-a.surprise, a.onset, a.subject)):
        if one.resource not in ("", ENTRANCE):
            found.setdefault(one.resource, []).append(one)
    return {name: tuple(of_it) for name, of_it in found.items()}


def _graded(signal: Signal) -> Anomaly:
    """A signal as an anomaly: one that is significant among all, and by how much it deviates."""
    return Anomaly(
        look=signal.look,
        resource=signal.resource,
        indicator=signal.indicator,
        subject=signal.subject,
        surprise=min(max(abs(signal.effect), _SIGNIFICANT), CEILING),
        effect=signal.effect,
        onset=signal.onset,
        before=signal.before,
        during=signal.during,
        unit=signal.unit,
        evidence=signal.evidence,
        own=signal.own,
    )


def _callers_and_callees(calls: tuple[Call, ...]) -> set[str]:
    stores = {call.callee for call in calls if call.system}
    return {name for call in calls for name in (call.caller, call.callee)} - stores


def _symptom(signals: list[Signal], incident: Incident, calls: tuple[Call, ...]) -> list[Signal]:
    """The alarmed services' bad requests; without any, the entrance's, then any service's."""
    bad = [s for s in signals if _is_bad(s)]
    served = {call.callee for call in calls}
    callers = {call.caller for call in calls}
    for resources in ({*incident.services}, {ENTRANCE, *(callers - served)}, callers | served):
        shown = [s for s in bad if s.resource in resources and _alarming(s, incident)]
        if shown:
            main = max(shown, key=lambda s: abs(s.effect))
            return [main, *(s for s in shown if s is not main and _overlap(s, main))]
    return []


def _alarming(signal: Signal, incident: Incident) -> bool:
    """Whether a signal was there about the time of the alarm: just before, at it, soon after."""
    at, ended = incident.detected_at, signal.ended_at
    if incident.trigger == BY_ITSELF:
        return True
    return signal.onset <= at + _SOON and (ended is None or ended >= at - _SOON)


def _is_bad(signal: Signal) -> bool:
    """Whether users would mind: slow, failing, or no longer there for longer than a pause."""
    lasts = signal.ended_at is None or signal.ended_at - signal.onset >= _PAUSE
    lost = signal.indicator == "traffic" and signal.during < signal.before and lasts
    return signal.look in _BY_USERS and (signal.indicator in _ILL or lost)


def _together(signal: Signal, symptom: tuple[Signal, ...], window: Window) -> bool:
    """Whether a signal lasts into the symptom, or begins within it."""
    return any(_overlap(signal, shown) for shown in symptom) and signal.onset < window.end


def _overlap(one: Signal, other: Signal) -> bool:
    far = max(one.onset, other.onset)
    return all(s.ended_at is None or s.ended_at > far for s in (one, other))


def _lasting(
    incident: Incident, symptom: tuple[Signal, ...], around: list[Signal], topology: Topology
) -> Incident:
    """The incident with the first deviation of what the symptom depends on, and with its end."""
    shown = {s.resource for s in symptom}
    concerned = shown.union(*(topology.dependencies(name) for name in shown))
    bad = [s for s in around if _is_bad(s) and s.resource in concerned]
    ends = [s.ended_at for s in symptom]
    return replace(
        incident,
        started_at=min(s.onset for s in bad),
        ended_at=None if None in ends else max(e for e in ends if e is not None),
        services=tuple(dict.fromkeys([*incident.services, *sorted(shown - {ENTRANCE})])),
    )
