"""Reports about an invented shop, as an investigation would write them."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from agent.state import (
    Anomaly,
    Attribute,
    Carrier,
    Cause,
    Change,
    Chart,
    Control,
    Cost,
    Drilldown,
    Evidence,
    Gap,
    Hop,
    Incident,
    MapEdge,
    MapNode,
    Mark,
    NextStep,
    Report,
    Resource,
    Rollout,
    Series,
    Statement,
    TimelineEntry,
    TopologyMap,
)

NIGHT = datetime(2026, 3, 9, tzinfo=UTC)


def at(clock: str) -> datetime:
    """That time on the day of the incident: `21:14:05`."""
    hours, minutes, seconds = map(int, clock.split(":"))
    return NIGHT + timedelta(hours=hours, minutes=minutes, seconds=seconds)


def cause_found() -> Report:
    """A release of `pricing` holds its connections; `orders` and `storefront` wait for it."""
    return Report(
        id="inq-20260309-2118-orders",
        title="Release pricing 4.2.0 never returns its database connections; orders wait for it",
        verdict="cause_found",
        confidence=0.93,
        created_at=at("21:21:07"),
        incident=Incident(
            detected_at=at("21:18:00"),
            window_start=at("20:00:00"),
            window_end=at("21:30:00"),
            started_at=at("21:12:40"),
            services=("orders", "storefront"),
            trigger="alert OrdersLatencyHigh",
            alerts=("OrdersLatencyHigh",),
        ),
        summary=(
            Statement(
                "From 21:12:40 the 95th percentile of orders rose from 0.14 s to 1.06 s and 11.4 % "
                "of its calls failed.",
                ("E1", "E2"),
            ),
            Statement(
                "Instances on pricing 4.2.0 keep every connection they open; those still on 4.1.9 "
                "stayed healthy beside them.",
                ("E5", "E7"),
            ),
        ),
        impact=(
            Statement("2,310 of 20,263 orders failed between 21:12:40 and 21:30:00.", ("E2",)),
            Statement("storefront shows the error page to 1 visitor in 9.", ("E3",)),
        ),
        causes=(_pricing(), _catalogue_db()),
        changes=_changes(),
        timeline=_timeline(),
        ruled_out=(
            Cause(
                rank=3,
                text="More visitors than usual",
                resource=Resource("service", "storefront"),
                indicator="traffic",
                mechanism="traffic",
                probability=0.01,
                status="refuted",
                evidence_against=("E9",),
                reason="Calls to storefront stayed within 4 % of the hour before.",
            ),
        ),
        gaps=(
            Gap(
                "no_history",
                "The lake begins on 6 March, so the same hour last week could not be compared.",
            ),
            Gap("no_data", "catalogue-db writes no slow-query log."),
        ),
        next_steps=(
            NextStep(
                "Roll pricing back to 4.1.9.",
                reversible=True,
                command="kubectl rollout undo deployment/pricing -n shop",
            ),
            NextStep(
                "End the idle sessions that pricing left in catalogue-db.",
                reversible=False,
                command="SELECT pg_terminate_backend(pid) FROM pg_stat_activity\n"
                "WHERE usename = 'pricing' AND state = 'idle in transaction';",
            ),
        ),
        charts=_charts(),
        topology=_topology(),
        drilldowns=_drilldowns(),
        anomalies=_anomalies(),
        evidence={evidence.id: evidence for evidence in _evidence()},
        cost=Cost(queries=31, wall_s=2.41, trace_id="4bf92f3577b34da6"),
        engine_version="0.1.0",
    )


def no_incident() -> Report:
    """An alert about a service in which nothing deviates."""
    calls = wave("21:00:00", 30, 0.14, 0.14, seed=4)
    questions = (
        ("requests", "Does the latency of search leave its band?"),
        ("requests", "Do errors of search leave their band?"),
        ("changes", "Did anything change on search or what it calls?"),
    )
    return Report(
        id="inq-20260309-2118-search",
        title="search is healthy; the alert fired on three slow calls of 41,208",
        verdict="no_incident",
        confidence=0.97,
        created_at=at("21:21:07"),
        incident=Incident(
            detected_at=at("21:18:00"),
            window_start=at("20:00:00"),
            window_end=at("21:30:00"),
            services=("search",),
            trigger="alert SearchSlow",
        ),
        summary=(
            Statement(
                "Latency, errors and traffic of search stayed within their bands.", ("E1", "E2")
            ),
            Statement("Nothing was changed on it, nor on the two services that it calls.", ("E3",)),
        ),
        charts=(
            Chart(
                title="search · latency p95",
                unit="s",
                series=(Series("search", calls, "good"),),
                evidence="E1",
                marks=(Mark(at("21:18:00"), "SearchSlow", "alert"),),
            ),
        ),
        timeline=(TimelineEntry(at("21:18:00"), "alert SearchSlow", "alert"),),
        evidence={
            f"E{number}": evidence(number, question, rows=90, tool=tool)
            for number, (tool, question) in enumerate(questions, start=1)
        },
        cost=Cost(queries=3, wall_s=0.62, trace_id="9c1d"),
        engine_version="0.1.0",
    )


def inconclusive() -> Report:
    """Something is wrong, but the telemetry that would say what is missing."""
    return Report(
        id="inq-20260309-0204-billing",
        title="billing fails from 01:58, and what it calls sends no telemetry",
        verdict="inconclusive",
        confidence=0.41,
        created_at=at("02:11:00"),
        incident=Incident(
            detected_at=at("02:04:00"),
            window_start=at("00:30:00") - timedelta(hours=2),
            window_end=at("02:10:00"),
            started_at=at("01:58:20"),
            services=("billing",),
        ),
        summary=(
            Statement("Errors of billing rose from 0 to 38 % at 01:58:20.", ("E1",)),
            Statement("No candidate passes the three checks.", ()),
        ),
        causes=(
            Cause(
                rank=1,
                text="The payment gateway outside refuses calls",
                resource=Resource("external", "gateway.example"),
                indicator="errors",
                mechanism="dependency",
                probability=0.41,
                status="untested",
                evidence_for=("E2",),
                reason="Only its callers were seen.",
            ),
            Cause(
                rank=2,
                text="The certificate rotated at 23:40 is not trusted",
                resource=Resource("service", "billing", "7.0.3"),
                indicator="errors",
                mechanism="config",
                probability=0.22,
                status="weakened",
                evidence_against=("E3",),
            ),
        ),
        changes=(
            Change(
                id="C1",
                kind="config",
                what="certificate of billing",
                service="billing",
                who="cert-manager",
                declared_at=at("00:00:00") - timedelta(minutes=20),
                verdict="not_assessable",
                reason="No instance reports which certificate it uses.",
                controls=(
                    Control("order", "neutral", "138 minutes before the first error.", ("E3",)),
                ),
            ),
        ),
        timeline=(
            TimelineEntry(
                at("00:00:00") - timedelta(minutes=20), "certificate of billing rotated", "change"
            ),
            TimelineEntry(at("01:58:20"), "errors of billing leave their band", "signal", ("E1",)),
        ),
        gaps=(
            Gap(
                "no_data",
                "The gateway sends no spans: ask its operator, or add a client-side metric.",
            ),
            Gap("not_yet_arrived", "Logs of billing end at 02:01:12; later ones have not arrived."),
        ),
        evidence={
            f"E{number}": evidence(number, question, rows=number * 7)
            for number, question in enumerate(
                ("When did errors begin?", "Which peers fail?", "What changed before?"), start=1
            )
        },
        cost=Cost(
            model="a-model", input_tokens=5120, output_tokens=611, usd=None, queries=9, wall_s=74.2
        ),
        engine_version="0.1.0",
    )


def evidence(
    number: int, question: str, *, rows: int = 2, tool: str = "latency_by_version"
) -> Evidence:
    """A piece of evidence with rows by version."""
    return Evidence(
        id=f"E{number}",
        question=question,
        tool=tool,
        sql="SELECT workload.version AS version, count(*) AS calls,\n"
        "       round(quantile_cont(duration_ns, 0.95) / 1e9, 6) AS p95_s\n"
        "FROM trace_span\n"
        "WHERE workload.service = 'pricing'\n"
        "GROUP BY version ORDER BY version",
        snapshots={"trace_span": 8813 + number, "metric_point": 5127},
        rows=rows,
        digest=f"sha256:{number:02x}" + "5c1e9af0" * 7 + "77b20d",
        columns=("version", "calls", "p95_s"),
        sample=(
            {"version": "4.1.9", "calls": 18211, "p95_s": 0.138211},
            {"version": "4.2.0", "calls": 2052, "p95_s": 1.06402},
        ),
    )


def wave(
    start: str, minutes: int, before: float, after: float, *, turn: int = 10**6, seed: int = 1
) -> tuple[tuple[datetime, float | None], ...]:
    """A value a minute that wobbles around `before` and, from minute `turn`, climbs to `after`."""
    chance = random.Random(seed)
    points = []
    for minute in range(minutes):
        level = before + (after - before) * min(max((minute - turn) / 6, 0.0), 1.0)
        points.append((at(start) + timedelta(minutes=minute), level * chance.uniform(0.94, 1.06)))
    return tuple(points)


def _pricing() -> Cause:
    return Cause(
        rank=1,
        text="pricing 4.2.0 opens a connection a call and returns none; catalogue-db then refuses.",
        resource=Resource("service", "pricing", "4.2.0"),
        indicator="saturation",
        mechanism="deploy",
        probability=0.93,
        status="confirmed",
        grounded=True,
        change="C2",
        path=(
            Hop(
                "pricing 4.2.0",
                "orders",
                "7.6 times the wait for a connection",
                onset=at("21:11:30"),
                structure=True,
                deviation=True,
                order=True,
                evidence=("E5",),
            ),
            Hop(
                "orders",
                "storefront",
                "31 times the time-outs",
                onset=at("21:12:40"),
                structure=True,
                deviation=True,
                order=True,
                evidence=("E3",),
            ),
        ),
        evidence_for=("E4", "E5", "E7"),
        evidence_against=("E10",),
    )


def _catalogue_db() -> Cause:
    return Cause(
        rank=2,
        text="catalogue-db itself slowed down",
        resource=Resource("database", "catalogue-db"),
        indicator="latency",
        mechanism="resource_exhaustion",
        probability=0.05,
        status="weakened",
        evidence_for=("E6",),
        evidence_against=("E10",),
        reason="Its queries from other clients kept their latency.",
    )


def _anomalies() -> tuple[Anomaly, ...]:
    return (
        Anomaly(
            look="traces",
            resource="pricing",
            indicator="latency",
            subject="own time of GET /quote",
            surprise=22.4,
            effect=9.0,
            onset=at("21:12:40"),
            before=41.0,
            during=870.0,
            unit="ms",
            evidence="E1",
        ),
        Anomaly(
            look="metrics",
            resource="pricing",
            indicator="saturation",
            subject="db.client.connection.count{state=used}",
            surprise=6.1,
            effect=4.0,
            onset=at("21:13:00"),
            before=3.0,
            during=10.0,
            unit="",
            evidence="E2",
            instance="pricing-7d9",
            peer="catalogue-db",
        ),
    )


def _drilldowns() -> tuple[Drilldown, ...]:
    return (
        Drilldown(
            service="pricing",
            indicator="latency",
            text="Of 1,302 requests to pricing that were slow, 1,190 had version “4.2.0” and route "
            "“/quote”: 58.2 % of those with it were slow, of all others at the same time 0.6 %.",
            start=at("21:12:40"),
            end=at("21:30:00"),
            requests=20263,
            bad=1302,
            carriers=(
                Carrier(
                    attributes=(Attribute("version", "4.2.0"), Attribute("route", "/quote")),
                    share_of_excess=0.971,
                    requests=2046,
                    bad=1190,
                    bad_inside=0.5816,
                    bad_outside=0.0061,
                    p_value=1e-9,
                    also=(Attribute("image", "pricing:4.2.0"),),
                    evidence=("E7",),
                ),
            ),
            looked_at=("version", "route", "zone"),
            evidence=("E7", "E5"),
        ),
        Drilldown(
            service="orders",
            indicator="errors",
            text="No attribute tells the requests to orders that failed from the others: 2310 of "
            "20263 failed, alike by zone and customer.",
            start=at("21:12:40"),
            end=at("21:30:00"),
            requests=20263,
            bad=2310,
            looked_at=("zone", "customer"),
            evidence=("E2",),
        ),
    )


def _changes() -> tuple[Change, ...]:
    return (
        Change(
            id="C1",
            kind="flag",
            what="flag new-basket on",
            service="storefront",
            who="maria",
            declared_at=at("21:06:15"),
            verdict="cleared",
            reason="Visitors without the flag met the same errors.",
            controls=(
                Control("peers", "clears", "6.1 % with it, 6.3 % without", ("E8",), 0.62),
                Control("order", "neutral", "six minutes before the first deviation", ("E8",)),
            ),
        ),
        Change(
            id="C2",
            kind="deploy",
            what="pricing 4.2.0",
            service="pricing",
            revision="a1f9c3e",
            version="4.2.0",
            previous_version="4.1.9",
            who="deploy-bot",
            url="https://git.example/shop/pricing/compare/4.1.9...4.2.0",
            declared_at=at("21:08:50"),
            rollouts=(
                Rollout("pricing-6c9f-1", at("21:09:31")),
                Rollout("pricing-6c9f-2", at("21:10:20")),
                Rollout("pricing-6c9f-3", at("21:11:04")),
            ),
            verdict="implicated",
            reason="The old version beside it stayed healthy, and it comes first.",
            controls=(
                Control(
                    "order", "implicates", "first deviation 119 s after its first instance", ("E4",)
                ),
                Control(
                    "old_against_new",
                    "implicates",
                    "0.14 s on 4.1.9, 1.06 s on 4.2.0",
                    ("E7",),
                    1e-5,
                ),
                Control(
                    "reach", "implicates", "orders calls pricing in 94 % of its traces", ("E3",)
                ),
                Control("same_hour_last_week", "not_assessable", "the lake begins on 6 March"),
            ),
        ),
        Change(
            id="C3",
            kind="scale",
            what="search from 4 to 6 replicas",
            service="search",
            declared_at=at("21:14:00"),
            verdict="not_assessable",
            reason="search sends no telemetry in this window.",
            controls=(Control("own_signals", "not_assessable", "no spans of search"),),
        ),
    )


def _timeline() -> tuple[TimelineEntry, ...]:
    return (
        TimelineEntry(at("21:06:15"), "flag new-basket turned on by maria", "change"),
        TimelineEntry(at("21:09:31"), "pricing 4.2.0 starts on pricing-6c9f-1", "change", ("E4",)),
        TimelineEntry(
            at("21:11:30"), "open connections of pricing leave their band", "signal", ("E4",)
        ),
        TimelineEntry(at("21:12:40"), "latency of orders leaves its band", "signal", ("E1",)),
        TimelineEntry(at("21:14:00"), "search scaled from 4 to 6 replicas", "change"),
        TimelineEntry(at("21:18:00"), "alert OrdersLatencyHigh", "alert"),
    )


def _charts() -> tuple[Chart, ...]:
    marks = (
        Mark(at("21:06:15"), "flag new-basket", "cleared"),
        Mark(at("21:09:31"), "pricing 4.2.0", "implicated"),
        Mark(at("21:14:00"), "search to 6 replicas", "not_assessable"),
        Mark(at("21:18:00"), "OrdersLatencyHigh", "alert"),
    )
    shaded = (at("21:12:40"), at("21:30:00"))
    orders = wave("20:00:00", 90, 0.14, 1.06, turn=73, seed=1)
    holes = tuple((when, None if 20 <= i < 26 else value) for i, (when, value) in enumerate(orders))
    return (
        Chart("orders · latency p95", "s", (Series("orders", holes, "bad"),), "E1", marks, shaded),
        Chart(
            "pricing · own time p95",
            "ms",
            (
                Series("4.1.9", wave("20:00:00", 90, 138, 138, seed=3), "good"),
                Series("4.2.0", wave("21:10:00", 20, 140, 1060, turn=1, seed=2), "bad"),
            ),
            "E7",
            marks[1:2],
            shaded,
            group="cohorts of pricing",
        ),
        Chart(
            "pricing · own failures",
            "%",
            (
                Series("4.1.9", wave("20:00:00", 90, 0.2, 0.2, seed=6), "good"),
                Series("4.2.0", wave("21:10:00", 20, 0.2, 12, turn=1, seed=7), "bad"),
            ),
            "E7",
            marks[1:2],
            shaded,
            group="cohorts of pricing",
        ),
        Chart(
            "pricing to catalogue-db · open connections",
            "{connection}",
            (Series("pricing", wave("20:00:00", 90, 18, 97, turn=70, seed=5), "bad"),),
            "E5",
            marks[1:2],
            shaded,
            limit=100,
        ),
    )


def _topology() -> TopologyMap:
    return TopologyMap(
        nodes=(
            MapNode("pricing", "service", "cause", "open connections", at("21:11:30")),
            MapNode("storefront", "service", "symptom", "failed requests", at("21:12:40")),
            MapNode("orders", "service", "path", "latency p95", at("21:12:40")),
            MapNode("search", "service", "deviates", "latency p95", at("21:14:10")),
            MapNode("catalogue-db", "database", "well"),
        ),
        edges=(
            MapEdge("storefront", "orders", 20263, 2310, 1063.0, 141.5, on_path=True),
            MapEdge("storefront", "search", 41208, 0, 62.0, 40.5),
            MapEdge("orders", "pricing", 20263, 1986, 1012.0, 92.1, on_path=True),
            MapEdge("pricing", "catalogue-db", 18211, 0, 4.2, 4.1),
        ),
        evidence=("E3",),
        others_well=7,
    )


def _evidence() -> tuple[Evidence, ...]:
    questions = (
        "When did the latency of orders leave its band?",
        "How many orders failed?",
        "Who calls whom, and which calls fail?",
        "When did each instance start, and when did its connections grow?",
        "How many connections does each instance hold?",
        "Is catalogue-db slow for its other clients?",
        "Did the old version degrade beside the new one?",
        "Do visitors without the flag meet the same errors?",
        "Is there more traffic than in the hour before?",
        "How long does catalogue-db take for a query?",
    )
    return tuple(evidence(number, question) for number, question in enumerate(questions, start=1))
