"""Drill-down: which combination of attributes carries what is bad, and that none does.

In the spirit of Adtributor (Bhagwan et al. 2014: what explains the excess, and more than its due),
Squeeze (Li et al. 2019: the cell whose rest is well) and BubbleUp: combinations are grown as
Agrawal and Srikant's Apriori (1994) grows item sets, scored as Kulldorff's scan statistic (1997)
scores places, and made as short as they may be.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

from agent.analysis.distributions import binomial_tails

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Items = tuple[int, ...]

LONGEST = 3  # attributes in a combination
MOST = 3  # combinations beside each other
LEAST_BAD = 8
ALPHA = 0.001  # after paying for all that were searched
LEAST_SHARE = 0.2  # of the excess: what carries less is not what is wrong
CONTRAST = 2.0  # inside, requests turn bad so many times as often as outside
_PRIOR = 20.0  # requests that the whole's calm rate counts for beside a combination's own


@dataclass(frozen=True, slots=True)
class Cells:
    """Requests by which items (a value of an attribute) they have: a row a cell.

    `has` is cells by items. `requests` and `bad` are counts in the trouble, `calm_requests` and
    `calm_bad` those in calm time.
    """

    has: Bools
    requests: Floats
    bad: Floats
    calm_requests: Floats
    calm_bad: Floats


@dataclass(frozen=True, slots=True)
class Combination:
    """Items that together carry a share of the excess of bad requests, and the rates of bad ones.

    `p_value` is for as many bad requests among those that have all items, were the excess spread
    evenly; it is paid for all combinations that were searched.
    """

    items: Items
    share: float
    requests: int
    bad: int
    inside: float
    outside: float
    p_value: float


@dataclass(frozen=True, slots=True)
class _Counts:
    """Requests and bad ones of one set of requests for each of several, in trouble and calm."""

    requests: Floats
    bad: Floats
    usual: Floats  # the share that is bad in calm time

    @property
    def excess(self) -> Floats:
        """By how much the share that is bad is above its usual one."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(self.requests > 0, self.bad / self.requests - self.usual, 0.0)


def is_risen(cells: Cells) -> bool:
    """Whether there are more bad requests than in calm time, and enough to ask what they share."""
    bad, requests = cells.bad.sum(), cells.requests.sum()
    calm_bad, calm = cells.calm_bad.sum(), cells.calm_requests.sum()
    if bad < LEAST_BAD:
        return False
    usual = (calm_bad + 0.5) / (calm + 1.0) if calm else 0.0
    tail = binomial_tails(*(np.array([x]) for x in (bad, requests, usual)))[1][0]
    return bool(tail < ALPHA)


def carriers(cells: Cells) -> list[Combination]:
    """The combinations that carry the excess, the one with the clearest first; none if none does.

    A later one is sought among the requests that no earlier one has.
    """
    whole = _excess(cells)
    searched = sum(comb(cells.has.shape[1], size) for size in range(1, LONGEST + 1))
    found: list[Combination] = []
    while len(found) < MOST and is_risen(cells):
        best = _clearest(cells, whole, searched)
        if best is None:
            break
        found.append(best)
        cells = _without(cells, best.items)
    return found


def _clearest(cells: Cells, whole: float, searched: int) -> Combination | None:
    """The clearest combination, without the items that it does not need; None if none is clear."""
    grown = _grown(cells)
    if not grown:
        return None
    members = np.array([_having(cells, items) for items in grown])
    inside, outside = _counts(cells, members), _counts(cells, ~members)
    order = np.argsort(-_likelihood(inside, outside), kind="stable")
    for items in dict.fromkeys(_needed(cells, grown[place]) for place in order[: 2 * MOST]):
        one = _judged(cells, items, whole, searched)
        if one is not None:
            return one
    return None


def _grown(cells: Cells) -> list[Items]:
    """The combinations that hold enough of what is bad, each longer one made of such shorter ones.

    Items that all requests have tell nothing.
    """
    least = max(LEAST_BAD, LEAST_SHARE * cells.bad.sum())

    def holds(items: Items) -> bool:
        return bool(cells.bad[_having(cells, items)].sum() >= least)

    varied: list[Items] = [
        (item,)
        for item in range(cells.has.shape[1])
        if not cells.has[cells.requests > 0, item].all()
    ]
    level = [items for items in varied if holds(items)]
    found = list(level)
    for size in range(2, LONGEST + 1):
        known = set(level)
        level = [items for items in _longer(level, size) if _made_of(items, known) and holds(items)]
        found += level
    return found


def _longer(level: list[Items], size: int) -> Iterator[Items]:
    """Every set of so many items that are in some combination of the level below."""
    return combinations(sorted({item for items in level for item in items}), size)


def _made_of(items: Items, known: set[Items]) -> bool:
    return all(part in known for part in combinations(items, len(items) - 1))


def _needed(cells: Cells, items: Items) -> Items:
    """The combination without every item whose absence does not make what is left well."""
    while len(items) > 1:
        shorter = [
            rest for rest in combinations(items, len(items) - 1) if not _tells(cells, items, rest)
        ]
        if not shorter:
            break
        members = np.array([_having(cells, rest) for rest in shorter])
        clear = _likelihood(_counts(cells, members), _counts(cells, ~members))
        items = shorter[int(np.argmax(clear))]
    return items


def _tells(cells: Cells, items: Items, shorter: Items) -> bool:
    """Whether the requests of a shorter combination that the longer one leaves out are well."""
    among, member = _having(cells, shorter), _having(cells, items)
    inside, outside = _counts(cells, member[None]), _counts(cells, (among & ~member)[None])
    return _contrasts(inside, outside) and _p_value(inside, outside) * cells.has.shape[1] < ALPHA


def _judged(cells: Cells, items: Items, whole: float, searched: int) -> Combination | None:
    """The combination with its figures; None if it is not large, sure or apart enough."""
    member = _having(cells, items)[None]
    inside, outside = _counts(cells, member), _counts(cells, ~member)
    share = float(inside.excess[0] * inside.requests[0] / whole)
    p_value = min(1.0, _p_value(inside, outside) * searched)
    if share < LEAST_SHARE or p_value >= ALPHA or not _contrasts(inside, outside):
        return None
    others = float(outside.requests[0])
    return Combination(
        items=items,
        share=min(share, 1.0),
        requests=int(inside.requests[0]),
        bad=int(inside.bad[0]),
        inside=float(inside.bad[0] / inside.requests[0]),
        outside=float(outside.bad[0]) / others if others else 0.0,
        p_value=p_value,
    )


def _contrasts(inside: _Counts, outside: _Counts) -> bool:
    """Whether requests turn bad inside much more often than outside."""
    return bool(outside.requests[0] > 0 and inside.excess[0] >= CONTRAST * outside.excess[0])


def _p_value(inside: _Counts, outside: _Counts) -> float:
    bad = inside.bad + outside.bad
    return float(binomial_tails(inside.bad, bad, _due(inside, outside))[1][0])


def _likelihood(inside: _Counts, outside: _Counts) -> Floats:
    """Kulldorff's log likelihood ratio: that inside is worse, against that all is alike."""
    bad, due = inside.bad + outside.bad, _due(inside, outside)
    ratio = _log_ratio(inside.bad, bad * due) + _log_ratio(outside.bad, bad * (1.0 - due))
    return np.where(inside.bad > bad * due, ratio, 0.0)


def _log_ratio(seen: Floats, expected: Floats) -> Floats:
    return np.where(seen > 0, seen * np.log(np.maximum(seen, 1.0) / expected), 0.0)


def _due(inside: _Counts, outside: _Counts) -> Floats:
    """The share of bad requests due inside: its usual ones, and its part of an even excess."""
    requests = inside.requests + outside.requests
    usual_in, usual_out = inside.requests * inside.usual, outside.requests * outside.usual
    excess = np.maximum(inside.bad + outside.bad - usual_in - usual_out, 0.0)
    part = usual_in + excess * inside.requests / requests
    return np.clip(part / (usual_in + usual_out + excess), 1e-9, 1.0 - 1e-9)


def _counts(cells: Cells, members: Bools) -> _Counts:
    """The counts of each set of cells; a usual rate that is little known leans on the whole's."""
    weights = members.astype(np.float64)
    calm, calm_bad = weights @ cells.calm_requests, weights @ cells.calm_bad
    overall = (cells.calm_bad.sum() + 0.5) / (cells.calm_requests.sum() + 1.0)
    if not cells.calm_requests.sum():
        overall = 0.0
    usual = (calm_bad + _PRIOR * overall) / (calm + _PRIOR)
    return _Counts(weights @ cells.requests, weights @ cells.bad, usual)


def _excess(cells: Cells) -> float:
    """How many bad requests there are beyond the usual ones."""
    every = _counts(cells, np.ones((1, cells.has.shape[0]), dtype=np.bool_))
    return float(every.excess[0] * every.requests[0])


def _having(cells: Cells, items: Items) -> Bools:
    """The cells that have all of these items."""
    return np.asarray(cells.has[:, items].all(axis=1), dtype=np.bool_)


def _without(cells: Cells, items: Items) -> Cells:
    """The requests that do not have all of these items."""
    kept = ~_having(cells, items)
    return Cells(
        cells.has[kept],
        cells.requests[kept],
        cells.bad[kept],
        cells.calm_requests[kept],
        cells.calm_bad[kept],
    )
