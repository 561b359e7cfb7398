"""Drill: what the bad requests of the symptom and of the best causes have in common.

Names are of OpenTelemetry's vocabulary or of whoever instrumented the service; which of two names
of the same requests is told, and which only say how a request ended, is decided by general words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any

import numpy as np
from langgraph.runtime import Runtime

from agent.analysis.drilldown import Cells, Combination, carriers, is_risen
from agent.nodes.context import Context
from agent.nodes.facts import Facts, gather
from agent.nodes.failing import without_cells
from agent.nodes.prose import well
from agent.nodes.survey.requests import ENTRANCE
from agent.quotes import named, quoted
from agent.report.words import listed
from agent.state import (
    Attribute,
    Carrier,
    Cause,
    Drilldown,
    Evidence,
    Gap,
    Indicator,
    Investigation,
)
from agent.tools.notebook import Answer
from lake.errors import QueryError

Row = dict[str, Any]

_ILLS: tuple[Indicator, ...] = ("errors", "latency")
_ENDS: dict[Indicator, str] = {"errors": "failed", "latency": "slow"}
_VERBS: dict[Indicator, str] = {"errors": "failed", "latency": "were slow"}
_MOST_ITEMS = 16
_MOST_CAUSES, _PROBABLE = 2, 0.2
_NAMED = 6  # of the attributes that tell nothing apart
# How a request ended is no reason for it: https://opentelemetry.io/docs/specs/semconv/
_OUTCOME = re.compile(
    r"(?:^|[._ -])(?:error|errors|exception|status|response|result|outcome|resend|retry|retries|"
    r"duration|latency|elapsed|took)(?:[._ -]|$)|status_?code|_(?:ms|us|ns|seconds)$",
    re.IGNORECASE,
)
_TELLING = tuple(
    re.compile(words, re.IGNORECASE)
    for words in (
        "^version$|service.version|release|revision|image",
        "flag|feature|variant|experiment",
        "customer|tenant|account|user(?!.?agent)|organi[sz]ation|plan",
        "operation|topic|queue",
        "route",
        "path|method|rpc",
        "region|zone|cluster|namespace|node|host$|host.name",
        "caller|client|user.?agent|device|country",
        "instance|pod|container|replica",
    )
)


@dataclass(frozen=True, slots=True)
class Item:
    """A value of an attribute that bad requests have; `place` is where the tools find it."""

    attribute: Attribute
    place: int | None
    also: tuple[Attribute, ...] = ()

    @property
    def path(self) -> str:
        """Where it stands among the attributes of a span."""
        return f'$."{self.attribute.name}"'


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose requests are looked at, for what they suffer from, and from when to when."""

    service: str
    indicator: Indicator
    onset: datetime
    end: datetime


def drill(state: Investigation, runtime: Runtime[Context]) -> Investigation:
    """Ask of the symptom's service, and of the best causes, which requests are bad."""
    context, facts = runtime.context, gather(state)
    evidence: dict[str, Evidence] = {}
    found: list[Drilldown] = []
    gaps: list[Gap] = []
    for subject in _subjects(facts, state.get("causes", {}).values()):
        name = well(subject.service)
        context.progress(f"drill: which requests to {name} are bad")
        try:
            one, asked = drilled(
                subject, facts.window.span, facts.window.calm, context.notebook.ask
            )
        except QueryError as error:
            why = without_cells(error)
            gaps.append(Gap("not_looked_at", f"The drill-down of {name} failed: {why}"))
            continue
        evidence |= {answer.id: answer.evidence for answer in asked}
        found += [one] if one and not any(_says_the_same(one, other) for other in found) else []
    return {"drilldowns": found, "evidence": evidence, "gaps": gaps}


def _says_the_same(one: Drilldown, other: Drilldown) -> bool:
    """Whether what is slow has the same in common as what fails, or as little."""
    had, as_had = ([c.attributes for c in d.carriers] for d in (one, other))
    return one.service == other.service and had == as_had


def _subjects(facts: Facts, causes: Any) -> Iterator[Subject]:
    """The services that show the symptom, and those blamed most, each with what ails it."""
    started, end = facts.incident.started_at, facts.incident.ended_at or facts.window.end
    if not facts.symptom or started is None:
        return
    shown = facts.symptomatic[:1] or (ENTRANCE,)
    for name in dict.fromkeys([*_blamed(causes), *shown]):
        signals = facts.of(name) or [s for s in facts.symptom if name in (*shown, s.resource)]
        for indicator in _ILLS:
            since = [s.onset for s in signals if s.indicator == indicator]
            if since and min(since) < end:
                onset = max(started, min(since)) - facts.slack
                yield Subject(name, indicator, max(onset, facts.window.start), end)


def _blamed(causes: Any) -> list[str]:
    probable: list[Cause] = sorted(
        (c for c in causes if c.status != "refuted" and c.probability >= _PROBABLE),
        key=lambda c: (-c.probability, c.text),
    )
    return [c.resource.name for c in probable if c.resource.kind == "service"][:_MOST_CAUSES]


def drilled(
    subject: Subject,
    span: dict[str, Any],
    calm: tuple[datetime, datetime] | None,
    ask: Callable[..., Answer],
) -> tuple[Drilldown | None, list[Answer]]:
    """What tells the bad requests of a service apart, and the answers that say so.

    None if there are no more bad requests than in calm time.
    """
    start = span["start"]
    calm_from, calm_until = calm or (start, start)
    params = {
        "service": subject.service,
        "ill": subject.indicator,
        "start": start,
        "onset": subject.onset,
        "end": subject.end,
        "calm_from": calm_from,
        "calm_until": calm_until,
    }
    about = f"{_ENDS[subject.indicator]} requests to {subject.service}"
    had = ask("attributes", about, **params)
    items, looked_at = _items(had.rows.dicts())
    counted = ask("drill_cells", about, **params, **_places(items))
    cells = _cells(counted.rows.dicts(), len(items))
    if not is_risen(cells):
        return None, []
    found = carriers(cells)
    chosen = [[items[i] for i in one.items] for one in found]
    figures = [_carried(about, params, chosen[: n + 1], ask) for n in range(len(found))]
    figures = figures or [_carried(about, params, [[]], ask)]
    carried = tuple(map(_carrier, found, chosen, figures))
    answers = [*figures, had, counted]
    return _told(subject, looked_at, carried, answers), answers


def _items(rows: Sequence[Row]) -> tuple[list[Item], tuple[str, ...]]:
    """The values that bad requests have more often than others, the most telling first.

    And the names of all attributes that vary. Values that the same requests have are one
    item, under the most telling name.
    """
    same: dict[str, list[Row]] = {}
    for row in sorted(rows, key=_rank):
        if not (_OUTCOME.search(row["attribute"]) or _is_of_all(row)):
            same.setdefault(row["lots"], []).append(row)
    names = dict.fromkeys(group[0]["attribute"] for group in same.values())
    groups = [group for group in same.values() if _more(group[0]) > 0]
    groups = sorted(groups, key=lambda group: -_more(group[0]))[:_MOST_ITEMS]
    return [_item(group) for group in sorted(groups, key=lambda g: _rank(g[0]))], tuple(names)


def _is_of_all(row: Row) -> bool:
    """Whether all requests have it, so that it tells none from another."""
    return bool(row["bad"] == row["all_bad"] and row["others"] == row["all_others"])


def _item(group: Sequence[Row]) -> Item:
    first, *others = (Attribute(row["attribute"], row["value"]) for row in group)
    return Item(first, group[0]["place"], tuple(others))


def _more(row: Row) -> float:
    """By how much the bad requests have it more often than others."""
    others = row["others"] / row["all_others"] if row["all_others"] else 0.0
    return float(row["bad"] / row["all_bad"] - others)


def _rank(row: Row) -> tuple[int, bool, str, str]:
    """How telling a name is: what people change and whom they serve comes before where it ran."""
    name = row["attribute"]
    kinds = (n for n, kind in enumerate(_TELLING) if kind.search(name))
    return next(kinds, len(_TELLING)), row["place"] is None, name, row["value"]


def _places(items: Sequence[Item]) -> dict[str, Any]:
    """The items as the tools take them: a path into the attributes, or a place among the known."""
    paths = [item.path for item in items if item.place is None]
    order = {path: n for n, path in enumerate(dict.fromkeys(paths), 1)}
    places = [order.get(i.path, 0) if i.place is None else len(order) + i.place for i in items]
    return {
        "paths": list(order),
        "places": places,
        "values": [item.attribute.value for item in items],
    }


def _cells(rows: Sequence[Row], items: int) -> Cells:
    """The counted requests, a row for each set of items that some have."""
    sets = sorted({row["has"] or 0 for row in rows})
    place = {has: n for n, has in enumerate(sets)}
    counts = np.zeros((2, 2, len(sets)))
    for row in rows:
        at = place[row["has"] or 0]
        counts[int(row["during"]), :, at] += (row["requests"], row["bad"])
    has = np.array([[bool(s >> bit & 1) for bit in range(items)] for s in sets], dtype=np.bool_)
    (calm, calm_bad), (requests, bad) = counts
    return Cells(has.reshape(len(sets), items), requests, bad, calm, calm_bad)


def _carried(
    about: str,
    params: dict[str, Any],
    chosen: Sequence[Sequence[Item]],
    ask: Callable[..., Answer],
) -> Answer:
    """The figures of the requests that have the last items, beside the others; of all, if none.

    Of requests that have no earlier items: so each is counted once.
    """
    *earlier, last = map(_words, chosen)
    items = [item for one in reversed(chosen) for item in one]
    place = count(1)
    return ask(
        "drill_carrier",
        f"{about}: {last}",
        **params,
        **_places(items),
        combinations=[[next(place) for _ in one] for one in reversed(chosen)],
        attributes=last,
        without="".join(f", without {words}" for words in earlier),
    )


def _words(items: Sequence[Item]) -> str:
    return listed([f"{i.attribute.name} {i.attribute.value}" for i in items]) or "anything"


def _told(
    subject: Subject, looked_at: tuple[str, ...], found: tuple[Carrier, ...], answers: list[Answer]
) -> Drilldown:
    rows = _during(answers[0]).values()
    requests, bad = (sum(row[column] for row in rows) for column in ("requests", "bad"))
    return Drilldown(
        service=well(subject.service),
        indicator=subject.indicator,
        text=_sentence(subject, found, answers) if found else _alike(subject, looked_at, answers),
        start=subject.onset,
        end=subject.end,
        requests=requests,
        bad=bad,
        carriers=found,
        looked_at=looked_at,
        evidence=tuple(answer.id for answer in answers),
    )


def _carrier(one: Combination, items: Sequence[Item], answer: Answer) -> Carrier:
    rows = _during(answer)
    inside, outside = rows[True], rows[False]
    return Carrier(
        attributes=tuple(item.attribute for item in items),
        share_of_excess=round(one.share, 3),
        requests=inside["requests"],
        bad=inside["bad"],
        bad_inside=inside["bad"] / inside["requests"],
        bad_outside=outside["bad"] / outside["requests"],
        p_value=one.p_value,
        also=tuple(also for item in items for also in item.also),
        evidence=(answer.id,),
    )


def _during(answer: Answer) -> dict[bool, Row]:
    """The rows in the trouble: of the requests inside, and of the others."""
    return {row["inside"]: row for row in answer.rows.dicts() if row["during"]}


def _sentence(subject: Subject, found: Sequence[Carrier], figures: Sequence[Answer]) -> str:
    """What the carriers say, in figures that their evidence holds."""
    rows = _during(figures[0])
    inside, outside = rows[True], rows[False]
    verb = _VERBS[subject.indicator]
    more = "".join(f" Another {c.bad} had {_attributes(c)}." for c in found[1:])
    return (
        f"Of {inside['all_bad']} requests to {well(subject.service)} that {verb}, "
        f"{inside['bad']} had {_attributes(found[0])}: {inside['bad_percent']:g} % of those with "
        f"it {verb}, of all others at the same time {outside['bad_percent']:g} %.{more}"
    )


def _attributes(carrier: Carrier) -> str:
    return listed([f"{named(a.name)} {quoted(a.value)}" for a in carrier.attributes])


def _alike(subject: Subject, looked_at: Sequence[str], answers: Sequence[Answer]) -> str:
    """The honest negative: the trouble is everywhere alike."""
    every = _during(answers[0])[True]
    names = [named(name) for name in looked_at[:_NAMED]]
    names += ["whatever else is known of them"] if len(looked_at) > _NAMED else []
    alike = f", alike by {listed(names)}" if names else ""
    return (
        f"No attribute tells the requests to {well(subject.service)} that "
        f"{_VERBS[subject.indicator]} from the others: {every['bad']} of {every['requests']} "
        f"{_VERBS[subject.indicator]}{alike}."
    )
