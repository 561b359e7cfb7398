"""Who calls whom and what runs where, from other than spans: flows, a mesh, what is stated."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from langgraph.runtime import Runtime
from numpy.typing import NDArray

from agent.analysis.anomalies import Departures, departures
from agent.nodes.context import Context
from agent.nodes.survey.axis import Axis
from agent.quotes import named
from agent.state import Anomaly, Call, Gap, Indicator, Investigation, Relation

Row = dict[str, Any]

_HOSTS = frozenset(
    {"node", "host", "pod", "zone", "region", "cluster", "instance", "vm", "machine"}
)
_MOST = 4  # anomalies of a resource
_LEAST = 1.0  # nats: less is not worth a word


def survey_topology(state: Investigation, runtime: Runtime[Context]) -> Investigation:
    """Draw what spans do not tell of the topology, and find edges of flows that came, went or fail.

    An address that several live at makes no edge, and that is said.
    """
    context, axis = runtime.context, Axis(state["window"])
    context.progress("survey: topology from flows, mesh and configuration")
    window = axis.window
    stated, mesh, placed = (
        context.notebook.ask(tool, **window.span) for tool in ("stated", "mesh", "placed")
    )
    flows, rows, evidence = axis.ask(context, "flows")
    known = [row for row in rows if row["caller"] and row["callee"]]
    return {
        "evidence": evidence | stated.noted() | mesh.noted() | placed.noted(),
        "calls": [
            *_stated(stated.rows.dicts()),
            *(
                Call(row["caller"], row["callee"], row["system"] or "", 0, 0)
                for row in mesh.rows.dicts()
            ),
            *_connected(known),
            *_placed(placed.rows.dicts()),
        ],
        "anomalies": _departed(known, axis, flows.id) if known else [],
        "gaps": _untold(rows),
    }


def _stated(rows: Iterable[Row]) -> Iterator[Call]:
    """What is stated: a call, a store by what it is, or what something runs on."""
    for row in rows:
        kind = row["kind"]
        if kind in _HOSTS:
            yield Call(row["source"], row["target"], "", 0, 0, relation="runs_on")
        elif kind == "service":
            yield Call(row["source"], row["target"], "", 0, 0)
        else:
            yield Call(row["source"], row["target"], kind, 0, 0, relation="stores")


def _connected(rows: Iterable[Row]) -> Iterator[Call]:
    """Whom flows connected, on whatever ports; how many flows is not how many calls."""
    systems: defaultdict[tuple[str, str], str] = defaultdict(str)
    for row in rows:
        pair = row["caller"], row["callee"]
        systems[pair] = max(systems[pair], row["system"] or "")
    for (caller, callee), system in sorted(systems.items()):
        relation: Relation = "stores" if system else "calls"
        yield Call(caller, callee, system, 0, 0, relation=relation)


def _placed(rows: Iterable[Row]) -> Iterator[Call]:
    """Services on nodes, and nodes in zones; a service whose node nobody names is in a zone."""
    pairs = {(r["service"], r["node"] or r["zone"]) for r in rows if r["service"]}
    pairs |= {(r["node"], r["zone"]) for r in rows if r["node"] and r["zone"]}
    for resident, host in sorted(pairs):
        if resident != host:
            yield Call(resident, host, "", 0, 0, relation="runs_on")


def _untold(rows: Iterable[Row]) -> list[Gap]:
    """The flows whose ends nobody names or too many live at."""
    shared = sum(row["flows"] for row in rows if row["residents"] > 1 and not row["callee"])
    if not shared:
        return []
    return [
        Gap(
            "thin_data",
            f"{shared:,} network flows went to addresses that several workloads had: "
            "whom they reached is not told.",
        )
    ]


def _departed(rows: list[Row], axis: Axis, evidence: str) -> list[Anomaly]:
    """The strongest departures of the flows of each pair: how many there are, and how many fail."""
    pairs = sorted({(row["caller"], row["callee"]) for row in rows})
    at = {pair: place for place, pair in enumerate(pairs)}
    counts = np.zeros((2, len(pairs), axis.buckets))
    for row in rows:
        bucket = row["bucket"] + row["offset"]
        if 0 <= bucket < axis.buckets:
            counts[:, at[row["caller"], row["callee"]], bucket] += row["flows"], row["failed"]
    counts[:, :, counts[0].sum(axis=0) == 0] = np.nan  # nothing was captured
    every = [
        *_told(pairs, departures(counts[0], axis.calm, axis.trouble), axis, evidence, "traffic"),
        *_told(pairs, departures(counts[1], axis.calm, axis.trouble), axis, evidence, "errors"),
    ]
    return _strongest(every)


def _told(
    pairs: list[tuple[str, str]],
    found: Departures,
    axis: Axis,
    evidence: str,
    indicator: Indicator,
) -> Iterator[Anomaly]:
    """What departed; flows that fail are the callee's, that there are more or fewer is nobody's."""
    fails = indicator == "errors"
    heard: NDArray[np.intp] = np.flatnonzero(found.surprise >= _LEAST)
    for place in heard.tolist():
        levels = np.array([found.before[place], found.during[place]])
        before, during = np.nan_to_num(levels).tolist()  # none is known where none was captured
        if fails and during <= before:
            continue
        caller, callee = pairs[place]
        yield Anomaly(
            look="calls",
            resource=callee,
            indicator=indicator,
            subject=f"{'failed ' if fails else ''}network flows from {named(caller)}",
            surprise=float(found.surprise[place]),
            effect=float(found.effect[place]),
            onset=axis.at(int(found.start[place])),
            before=before,
            during=during,
            unit="flows",
            evidence=evidence,
            own=fails,
            peer=caller,
        )


def _strongest(anomalies: Iterable[Anomaly]) -> list[Anomaly]:
    """The strongest few of each resource."""
    had: Counter[str] = Counter()
    kept = []
    for one in sorted(anomalies, key=lambda a: (-a.surprise, a.resource, a.peer, a.indicator)):
        if had[one.resource] < _MOST:
            kept.append(one)
        had[one.resource] += 1
    return kept
