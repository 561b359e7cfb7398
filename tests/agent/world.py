"""A small world for tests: a generated shop whose truth is known, written straight into a lake.

users → web → checkout → payment → postgresql, and web → catalog. Two instances a service; noise is
drawn from a seed; what goes wrong is a function of the test.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pyarrow as pa

from lake.schema import arrow_schema
from lake.store import Lake

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MINUTES = 12
Row = dict[str, Any]


@dataclass(frozen=True)
class Served:
    """What one service adds to one request by itself."""

    own_ms: float
    failed: bool = False
    answered: bool = True


@dataclass(frozen=True)
class Release:
    """A rollout: instance by instance, `previous` gives way to `version` at these seconds.

    A `config` has no version: its instances are restarted, and behave as `version+config`.
    """

    service: str
    version: str
    previous: str
    at_s: tuple[float, float]
    announced: bool = True
    kind: str = "deploy"


Behaviour = Callable[[str, str, float, Random], Served]


def well(_service: str, _version: str, _at_s: float, random: Random) -> Served:
    """Every service takes about ten milliseconds and hardly ever fails."""
    return Served(random.lognormvariate(2.3, 0.25), failed=random.random() < 0.002)


@dataclass
class World:
    """The shop's recorded rows, before they are in a lake."""

    random: Random
    releases: tuple[Release, ...]
    behaviour: Behaviour
    failing_query: str = ""
    held_s: tuple[float, float] | None = None
    spans: list[Row] = field(default_factory=list)
    ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def version(self, service: str, instance: int, at_s: float) -> str:
        """What an instance runs at a time."""
        of_service = [r for r in self.releases if r.service == service and r.version]
        running = of_service[0].previous if of_service else "1.0.0"
        for release in of_service:
            if at_s >= release.at_s[instance]:
                running = release.version
        return running

    def configured(self, service: str, instance: int, at_s: float) -> bool:
        """Whether a configuration change has reached an instance."""
        changes = (r for r in self.releases if (r.service, r.kind) == (service, "config"))
        return any(at_s >= change.at_s[instance] for change in changes)

    def serve(self, service: str, at_s: float, trace: str, parent: str | None) -> Served:
        """One request to a service and all that it calls; spans are written on the way."""
        instance = self.random.randrange(2)
        version = self.version(service, instance, at_s)
        configured = "+config" * self.configured(service, instance, at_s)
        mine = self.behaviour(service, version + configured, at_s, self.random)
        span, spent, failed = self._id(), 0.0, mine.failed
        who = (service, version, f"{instance}{configured}")
        if not mine.answered:
            return Served(mine.own_ms, failed=True)
        for callee in {"web": ("catalog", "checkout"), "checkout": ("payment",)}.get(service, ()):
            client = self._id()
            answer = self.serve(callee, at_s + spent / 1e3, trace, client)
            self._span(who, "client", trace, client, span, at_s + spent / 1e3, answer, callee)
            spent += answer.own_ms
            failed |= answer.failed
        if service == "payment":
            failing = mine.failed and version == self.failing_query
            held = self.held_s is not None and self.held_s[0] <= at_s < self.held_s[1]
            took = self.random.uniform(1500, 2000) if held else self.random.lognormvariate(1.0, 0.2)
            query = Served(took, failing or held)
            if held:
                mine = replace(mine, failed=True)
            self._span(who, "client", trace, self._id(), span, at_s, query, "db", "postgresql")
            spent += query.own_ms
        whole = Served(spent + mine.own_ms, failed)
        self._span(who, "server", trace, span, parent, at_s, whole)
        return whole

    def _id(self) -> str:
        return f"{next(self.ids):016x}"

    def _span(
        self,
        who: tuple[str, str, str],
        kind: str,
        trace: str,
        span: str,
        parent: str | None,
        at_s: float,
        took: Served,
        address: str | None = None,
        system: str | None = None,
    ) -> None:
        service, version, instance = who
        at = START + timedelta(seconds=at_s)
        self.spans.append(
            {
                "time": at,
                "ingested_at": at + timedelta(seconds=5),
                "status_id": 2 if took.failed else 0,
                "workload": _workload(service, version, instance),
                "trace_uid": trace,
                "span_uid": span,
                "parent_span_uid": parent,
                "span_name": f"{kind} {service}",
                "span_kind": kind,
                "start_time_ns": int(at.timestamp() * 1e9),
                "duration_ns": int(took.own_ms * 1e6),
                "peer": {
                    "address": address,
                    "system": system,
                    "namespace": "shop" if system else None,
                },
            }
        )


def record(
    lake: Lake,
    *,
    seed: int = 1,
    releases: tuple[Release, ...] = (),
    behaviour: Behaviour = well,
    alerts: tuple[tuple[str, float, float | None], ...] = (("checkout", 420.0, None),),
    minutes: int = MINUTES,
    per_s: float = 3.0,
    failing_query: str = "",
    held_s: tuple[float, float] | None = None,
    only: str = "",
) -> None:
    """Let the shop run and write what it did; an alert is (service, fires, resolves) in seconds.

    The version `failing_query` fails by its queries; in `held_s` somebody holds a lock that all of
    payment's queries wait for; `only` one service is traced, if it is named.
    """
    world = World(Random(seed), releases, behaviour, failing_query, held_s)
    at_s = 0.0
    while (at_s := at_s + world.random.expovariate(per_s)) < minutes * 60:
        world.serve("web", at_s, f"{next(world.ids):032x}", None)
    end = START + timedelta(minutes=minutes)
    rows = {
        "trace_span": [s for s in world.spans if only in ("", s["workload"]["service"])],
        "application_lifecycle": [_announced(n, r) for n, r in enumerate(releases) if r.announced],
        "log_record": [row for row in _lock_log(*(held_s or (0, 0))) if row["time"] < end],
        "detection_finding": [row for alert in alerts for row in _alert(*alert)],
    }
    for table, of_table in rows.items():
        if of_table:
            schema = arrow_schema(table)
            lake.append(table, pa.Table.from_pylist(of_table, schema), f"world {table}")


def _workload(service: str, version: str, instance: str) -> Row:
    return {"service": service, "version": version, "instance": f"{service}-{instance}"}


def _announced(number: int, release: Release) -> Row:
    at = START + timedelta(seconds=release.at_s[0] - 5)
    return {
        "time": at,
        "ingested_at": at,
        "workload": {"service": release.service, "version": release.version},
        "app": {"name": release.service, "version": release.version},
        "change": {
            "uid": str(100 + number),
            "kind": release.kind,
            "state": "success",
            "revision": f"{number:040x}",
        },
    }


def _lock_log(since_s: float, until_s: float) -> Iterator[Row]:
    """What PostgreSQL logs of a session by hand, of those that wait for it, and of their waits."""
    if until_s <= since_s:
        return
    by_hand = {"user.name": "ana_reyes", "postgresql.application_name": "psql"}
    done = "UPDATE stock SET held = 0"
    yield _logged(since_s - 4, 4711, by_hand | {"db.query.text": "BEGIN"})
    yield _logged(since_s - 2, 4711, by_hand | {"db.query.text": done})
    for n, at_s in enumerate(range(int(since_s) + 1, int(until_s), 2)):
        pid, ahead = 100 + n % 8, 4711 if n % 8 == 0 else 100
        waiting = {
            "postgresql.application_name": "payment",
            "postgresql.lock.event": "waiting",
            "postgresql.lock.waiter": pid,
            "postgresql.lock.holders": [ahead],
            "postgresql.lock.relation": "stock",
            "postgresql.lock.waited_ms": 1000.5,
        }
        yield _logged(at_s, pid, waiting)
        yield _logged(at_s + 15.5, pid, {})


def _logged(at_s: float, pid: int, attributes: Row) -> Row:
    at = START + timedelta(seconds=at_s)
    known = {"db.system.name": "postgresql", "db.namespace": "shop", "process.pid": pid}
    return {
        "time": at,
        "ingested_at": at,
        "severity_id": 1,
        "workload": {"service": "postgresql"},
        "attributes": json.dumps(known | attributes),
    }


def _alert(service: str, fires_s: float, resolves_s: float | None) -> list[Row]:
    moments = [(fires_s, 1), *([(resolves_s, 4)] if resolves_s is not None else [])]
    return [
        {
            "time": START + timedelta(seconds=at_s),
            "ingested_at": START + timedelta(seconds=at_s),
            "status_id": status,
            "workload": {"service": service},
            "finding_info": {"uid": f"{service}-slow", "title": f"{service.title()}Burn"},
            "attributes": json.dumps({"labels": {"service": service}}),
        }
        for at_s, status in moments
    ]


GUILTY = Release("payment", "2.8.0", "2.7.9", (300.0, 390.0))
EARLY = Release("catalog", "41", "40", (180.0, 260.0))
LATE = Release("web", "319", "318", (370.0, 450.0))
BACK = Release("payment", "2.7.9", "2.8.0", (560.0, 580.0))


def leaking(service: str, version: str, at_s: float, random: Random) -> Served:
    """Let payment 2.8.0 be well for half a minute, then wait and fail."""
    if service == "payment" and version.startswith("2.8.0") and at_s > 330:
        return Served(random.uniform(900, 1500), failed=random.random() < 0.7)
    return well(service, version, at_s, random)
