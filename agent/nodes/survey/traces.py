"""What each service did for a request on its way: time of its own, failures, calls and log lines.

A method that returns early makes fewer calls and writes fewer lines, an exception brings steps that
were never taken: per request that shows among tens of requests, and it shows where it happens, not
in those who call or are called.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from langgraph.runtime import Runtime
from numpy.typing import NDArray

from agent.analysis.hosts import Residence, slowed
from agent.analysis.per_request import PRESSING, Noise, Shift, Sums, pooled, shifts, surprises
from agent.nodes.context import Context
from agent.nodes.lines import MEDIUM
from agent.nodes.survey.blame import Blame
from agent.quotes import named, quoted
from agent.state import Anomaly, Evidence, Investigation, Window
from agent.tools.notebook import Answer

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BEFORE, ABOUT = 6, 8  # slots of parts/tree.sql: before the trouble, and in it
_FIRST = BEFORE + BEFORE  # of the trouble, after those of the calm stretch elsewhere and before
_SLOTS = _FIRST + ABOUT
_FEW = 8  # anomalies of a resource
_STRETCHES = 2 * ABOUT  # of slots are asked: 36, which go together (measured on noise)
_MOST, _LEAST = 30.0, 1.0  # nats
_LOG = 1000.0  # logarithms of times are in thousandths
_TIME = Noise(  # a trace tells a time to a third; times differ by a tenth, by a quarter far away
    (0.3 * _LOG) ** 2,
    near=(0.1 * _LOG) ** 2,
    far=(0.25 * _LOG) ** 2,
    elsewhere=_FIRST - 1,
    apart=True,
)
_COUNT = Noise(0.25)  # of one trace: half a step more or less
_CHOICE = 0.05  # of what runs do by their data is common to a stretch: 20 say all that it says
_EXTRA = 3.0  # nats against a step more: it is no fault twenty times in twenty-one
_RUN = ["service", "operation"]
_RUNS = ("traces", "runs", "runs_runs")
_OWN = ("own", "own_own", "own_runs")
_FAILED = ("failed", "failed_failed", "failed_runs")
_SAID = ("resource", "indicator", "subject", "surprise", "effect", "before", "during", "unit",
         "evidence", "own", "peer")  # fmt: skip
_TIMES = ("times", "times_times", "times_runs")


def survey_traces(state: Investigation, runtime: Runtime[Context]) -> Investigation:
    """Compare what requests do on their way about the alarm with what they do in calm time."""
    context = runtime.context
    context.progress("survey: what each request does on its way")
    phases = _Phases.of(state["window"])
    operations, steps = _ask(context, "operations", phases), _ask(context, "steps", phases)
    if not len(operations):
        return {"evidence": operations.evidence | steps.evidence}
    runs, sums = operations.spread([*_RUN, "peer", "kind"], (*_RUNS, *_OWN, *_FAILED))
    seconds = phases.seconds(sums[0].sum(axis=0) > 0)
    failures = _failures(runs, Sums(*sums[:3], *sums[6:]), seconds)
    counted = pd.concat([failures, _steps(runs, sums[:3], steps)])
    nodes, evidence = _nodes(context, state["window"])
    found = [*_times(runs, Sums(*sums[:6]), seconds), _worse(counted), *nodes]
    return {
        "evidence": operations.evidence | steps.evidence | evidence,
        "anomalies": _strongest(pd.concat(found, ignore_index=True), phases),
    }


@dataclass(frozen=True, slots=True)
class _Phases:
    """Where the trouble is in the window, and the calm stretch elsewhere."""

    start: datetime
    onset: datetime
    end: datetime
    calm: tuple[datetime, datetime] | None

    @classmethod
    def of(cls, window: Window) -> _Phases:
        onset, end = window.trouble or (window.start, window.end)
        return cls(window.start, onset, end, window.calm)

    def at(self, slot: int) -> datetime:
        """When a slot of the trouble begins."""
        return self.onset + (self.end - self.onset) / ABOUT * (slot - _FIRST)

    def seconds(self, seen: NDArray[np.bool_]) -> Floats:
        """How long each slot is; one in which nothing was seen has no length."""
        calm = self.calm or (self.start, self.start)
        parts = (*calm, BEFORE), (self.start, self.onset, BEFORE), (self.onset, self.end, ABOUT)
        lengths = [np.full(n, (end - start).total_seconds() / n) for start, end, n in parts]
        return np.concatenate(lengths) * seen


@dataclass(frozen=True, slots=True)
class _Asked:
    """A tool's answers, each with where its slots begin; `id` is the window's evidence."""

    answers: tuple[tuple[Answer, int], ...]
    evidence: dict[str, Evidence]
    id: str

    def __len__(self) -> int:
        return sum(len(answer.rows) for answer, _ in self.answers)

    def spread(self, keys: list[str], columns: Iterable[str]) -> tuple[pd.DataFrame, list[Floats]]:
        """One row for what `keys` tell apart, and of each column an array of rows x slots."""
        tables = [(answer.rows.arrow, offset) for answer, offset in self.answers]
        rows = pd.concat([table.select(keys).to_pandas() for table, _ in tables])
        rows = rows.reset_index(drop=True).assign(evidence=self.id)
        code = rows.groupby(keys, sort=False, dropna=False).ngroup().to_numpy()
        first = ~pd.Series(code).duplicated().to_numpy()
        lengths = [pc.list_value_length(table["slots"]).to_numpy() for table, _ in tables]
        row = np.repeat(code, np.concatenate(lengths).astype(np.int64))
        slot = np.concatenate([_flat(table, "slots") + offset for table, offset in tables])
        spread = [np.zeros((int(first.sum()), _SLOTS)) for _ in columns]
        for values, column in zip(spread, columns, strict=True):
            seen = np.concatenate([_flat(table, column) for table, _ in tables])
            np.add.at(values, (row, slot), seen)
        return rows[first].reset_index(drop=True), spread


def _flat(table: pa.Table, column: str) -> Ints:
    return np.asarray(pc.list_flatten(table[column]).to_numpy(), dtype=np.int64)


def _ask(context: Context, tool: str, phases: _Phases) -> _Asked:
    start, onset, end = phases.start, phases.onset, phases.end
    window = context.notebook.ask(tool, start=start, onset=onset, end=end)
    if phases.calm is None:
        return _Asked(((window, BEFORE),), window.noted(), window.id)
    start, end = phases.calm
    calm = context.notebook.ask(tool, "calm", start=start, onset=end, end=end)
    return _Asked(((window, BEFORE), (calm, 0)), window.noted() | calm.noted(), window.id)


def _told(names: pd.DataFrame, shift: Shift, **more: Any) -> pd.DataFrame:
    """Series with their shifts; `more` is what else an anomaly says."""
    return names.assign(
        surprise=shift.surprise,
        effect=shift.z,
        start=shift.start,
        before=shift.before,
        during=shift.during,
        **more,
    )


def _times(runs: pd.DataFrame, sums: Sums, seconds: Floats) -> list[pd.DataFrame]:
    """Operations that take longer by themselves; what a service, a store or the network took."""
    shift = shifts(sums, _FIRST, _TIME)
    told = _told(runs, shift, indicator="latency", unit="ms", own=runs["kind"] == "inner")
    pressed = _pressed(runs, sums, shift, seconds)
    told[["before", "during"]] = np.exp(told[["before", "during"]] / _LOG) / 1e6
    known = shift.z != 0.0
    inner, call, store, lost = (
        told[known & (runs["kind"] == kind)] for kind in ("inner", "call", "store", "lost")
    )
    inner = inner.assign(resource=inner["service"], peer="")
    incoming = call.assign(resource=call["peer"], peer=call["service"])
    outgoing = pd.concat([call, store]).assign(resource=lambda frame: frame["service"])
    found = [
        inner.assign(subject="own time of " + inner["operation"].map(named)),
        lost.assign(resource=lost["service"], subject="time of " + lost["operation"].map(named)),
        incoming.assign(subject="time on the way of " + incoming["operation"].map(named)),
        _whole(inner, "own time of its operations", several="operation"),
        _whole(_beside(incoming), "time on the way of calls to it"),
        _whole(_beside(outgoing), "time on the way of its calls", several="peer"),
        _whole(
            store[~pressed[store.index]].assign(resource=store["peer"]), "time of the calls to it"
        ),
    ]
    return [one[one["effect"] > 0] for one in found]


def _beside(edges: pd.DataFrame) -> pd.DataFrame:
    """Edges of each resource, less what the other end's edges with others have in common with them.

    A delay of an edge is its caller's and its callee's (the two-way fit of Tukey 1977): a callee is
    not slow to reach because all that its caller calls is.
    """
    ends = edges.groupby("peer")["effect"]
    pairs = edges.groupby(["peer", "resource"])["effect"]
    others = ends.transform("size") - pairs.transform("size")
    mean = (ends.transform("sum") - pairs.transform("sum")) / others.clip(lower=1)
    return edges.assign(effect=edges["effect"] - mean.clip(lower=0.0))


def _whole(told: pd.DataFrame, subject: str, several: str = "") -> pd.DataFrame:
    """Each resource as one, if its series are of `several` operations or peers: shifts as a whole.

    All that a caller asks of one callee may be slow by either.
    """
    if told.empty:
        return told.assign(subject=subject)
    code, names = pd.factorize(told["resource"], sort=True)
    z = pooled(told["effect"].to_numpy(), code, len(names))
    middle = told.groupby(code).agg(
        start=("start", "median"),
        before=("before", "median"),
        during=("during", "median"),
        several=(several or "effect", "nunique"),
        evidence=("evidence", "first"),
    )
    whole = middle.assign(
        resource=names, subject=subject, effect=z, surprise=surprises(z),
        indicator="latency", unit="ms", own=True, peer="",
    )  # fmt: skip
    return whole[whole["several"] > bool(several)].drop(columns="several")


def _nodes(context: Context, window: Window) -> tuple[list[pd.DataFrame], dict[str, Evidence]]:
    """Nodes on which several services take longer by themselves than they do on others."""
    if not _compares(context.notebook.ask("placed", **window.span)):
        return [], {}
    asked = _ask(context, "on_nodes", _Phases.of(window))
    if not len(asked):
        return [], asked.evidence
    keys = ["service", "operation", "node"]
    series, sums = asked.spread(keys, (*_RUNS, *_OWN))
    operation, _ = pd.factorize(pd.MultiIndex.from_frame(series[_RUN]))
    service, _ = pd.factorize(series["service"])
    node, names = pd.factorize(series["node"])
    shift = slowed(Sums(*sums), Residence(operation, service, node), _FIRST, _TIME)
    told = _told(
        pd.DataFrame({"resource": names}), shift, subject="own time of the services on it",
        indicator="latency", unit="ms", own=True, peer="", evidence=asked.id,
    )  # fmt: skip
    told[["before", "during"]] = np.exp(told[["before", "during"]] / _LOG) / 1e6
    return [told], asked.evidence


def _compares(placed: Answer) -> bool:
    """Whether several services run on several nodes each, so that nodes can be compared."""
    rows = placed.rows.dicts()
    places = {(row["service"], row["node"]) for row in rows if row["service"] and row["node"]}
    nodes = Counter(service for service, _ in places)
    return sum(several > 1 for several in nodes.values()) > 1


def _pressed(runs: pd.DataFrame, sums: Sums, shift: Shift, seconds: Floats) -> NDArray[np.bool_]:
    """Which of the operations ask one who was asked so much more that it may fail them by that.

    Whole requests are counted, for a call that fails may be made again within its request.
    """
    peer, _ = pd.factorize(runs["peer"])
    traces = np.zeros((len(runs), _SLOTS))
    np.add.at(traces, peer, sums.traces)
    asked, slots = np.cumsum(traces, axis=1)[peer], np.cumsum(seconds)
    row, before = np.arange(len(asked)), shift.start - 1
    inside = asked[row, shift.end - 1] - asked[row, before]
    usual = asked[row, before] * (slots[shift.end - 1] - slots[before])
    return np.asarray(inside * slots[before] > PRESSING * usual)


def _failures(runs: pd.DataFrame, sums: Sums, seconds: Floats) -> pd.DataFrame:
    """Operations that fail more often than they did, though nothing that they called failed."""
    shift = shifts(sums, _FIRST, _COUNT)
    told = _told(
        runs, shift, indicator="errors", unit="%",
        own=runs["kind"] != "lost", resource=runs["service"],
        subject="own failures of " + runs["operation"].map(named),
    )  # fmt: skip
    told[["before", "during"]] *= 100.0
    store = told[told["kind"] == "store"]
    store = store.assign(
        resource=store["peer"],
        peer=store["service"],
        own=~_pressed(runs, sums, shift, seconds)[store.index],
    )
    return pd.concat([told, store.assign(subject="failures of calls to it")])


def _steps(runs: pd.DataFrame, sums: list[Floats], steps: _Asked) -> pd.DataFrame:
    """Calls, inner steps and log lines that come oftener or more rarely in a run than they did."""
    done, counted = steps.spread([*_RUN, "child", "peer", "kind", "severity_id"], _TIMES)
    at, whole = _parents(runs, done)
    base = [np.zeros((whole, _SLOTS)) for _ in sums]
    for one, values in zip(base, sums, strict=True):
        np.add.at(one, at[: len(runs)], values)
    parent = at[len(runs) :]
    ill = done["severity_id"] >= MEDIUM
    noise = replace(_COUNT, together=np.where(ill, 0.0, _CHOICE))
    shift = shifts(Sums(*(one[parent] for one in base), *counted), _FIRST, noise)
    is_line = done["severity_id"] > 0
    child = done["child"].map(quoted).where(is_line, done["child"].map(named))
    told = _told(
        done, shift, indicator=np.where(ill, "errors", "traffic"), unit="a run",
        own=~_blaming(done, ill), resource=done["service"],
        subject=done["operation"].map(named) + ": " + child,
    )  # fmt: skip
    return _unanswered(told)


def _blaming(done: pd.DataFrame, ill: pd.Series[bool]) -> pd.Series[bool]:
    """The warnings and errors that say that somebody else failed their writer."""
    blame = Blame({*done["service"], *done["peer"].dropna()} - {""})
    lines = done.loc[ill, ["child", "service"]].drop_duplicates()
    said = {key for key in lines.itertuples(index=False) if blame.of(*key) is not None}
    pairs = zip(done["child"], done["service"], strict=True)
    return pd.Series([pair in said for pair in pairs], index=done.index) & ill


def _unanswered(told: pd.DataFrame) -> pd.DataFrame:
    """Calls that are made as before and no longer answered are their callee's, not their caller's.

    So it is where an operation makes more of a call that nobody answers and fewer that somebody
    does; where those went that nobody answers may not be known.
    """
    lost = told["kind"] == "lost"
    more = lost & (told["effect"] > 0) & (told["surprise"] > _LEAST)
    made = told[_RUN].assign(name=told["child"].str.split(" → ").str[0], peer=told["peer"])
    calls = list(made.itertuples(index=False, name=None))
    losing = {call for call, is_more in zip(calls, more, strict=True) if is_more}
    is_lost = np.array([c in losing or (*c[:-1], "") in losing for c in calls], dtype=np.bool_)
    silent = is_lost & (told["kind"] == "call") & (told["effect"] < 0)
    return told.assign(
        own=told["own"] & ~lost,
        resource=told["resource"].where(~silent, told["peer"]),
        peer=told["peer"].where(~silent, told["service"]),
        indicator=told["indicator"].where(~silent, "availability"),
        subject=told["subject"].where(~silent, "answers to " + told["service"]),
    )


def _worse(told: pd.DataFrame) -> pd.DataFrame:
    """What got worse; that a service fails less explains as much of what else it does otherwise.

    One step more is a fault more rarely than one that is missing.
    """
    ill, more = told["indicator"] == "errors", told["effect"] > 0
    better = told["surprise"].where(ill & ~more, 0.0)
    relief = better.groupby(told["resource"]).transform("max").where(~ill, 0.0)
    rare = np.where(~ill & more, _EXTRA, 0.0)
    return told.assign(surprise=told["surprise"] - relief - rare)[more | ~ill]


def _parents(runs: pd.DataFrame, done: pd.DataFrame) -> tuple[Ints, int]:
    """The number of the operation of each of the runs, then of each step; and how many."""
    both = pd.concat([runs[_RUN], done[_RUN]])
    code = np.asarray(both.groupby(_RUN, sort=False).ngroup(), dtype=np.int64)
    return code, int(code.max()) + 1


def _strongest(told: pd.DataFrame, phases: _Phases) -> list[Anomaly]:
    """The few most surprising of each resource, once all that was asked of it is paid for."""
    alike = told["effect"].abs().round(2)
    asked = alike.groupby(told["resource"]).transform("nunique")
    paid = told["surprise"] - np.log(asked * _STRETCHES)
    told = told.assign(surprise=np.minimum(paid, _MOST))
    told = told[told["surprise"] > _LEAST]
    told = told.sort_values(["surprise", "resource", "subject"], ascending=[False, True, True])
    few = told.groupby("resource", sort=False).head(_FEW)
    return [_anomaly(row, phases) for row in few.to_dict("records")]


def _anomaly(row: dict[Hashable, Any], phases: _Phases) -> Anomaly:
    said = {name: row[name] for name in _SAID}
    return Anomaly(look="traces", onset=phases.at(row["start"]), **said)
