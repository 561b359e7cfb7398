"""How surprising it is that just these alerts fired, beside the occasions on which any alert fired.

That a set of alerts fires has the probability of a chain: of each, given those before it, the
commonest first. The chain is cut to one condition each, the one that makes the alert most likely
(Chow and Liu 1968 approximate a joint distribution by such pairs). So an alert that always comes
with another says nothing more, one that follows from another resource's is explained by it, and one
that fires at every turn says little. What a resource's alerts of one kind say together is then
measured by how much they say on other occasions, and kinds are joined by Fisher's method.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST_NATS = 30.0
PRIOR = 3.0  # occasions' worth of belief that two alerts have nothing to do with each other
MOST_OCCASIONS = 500  # of the past that are looked back upon, the latest
MOST_AT_ONCE = 400  # alerts of one occasion that are told apart, the rarest: a storm says no more


@dataclass(frozen=True, slots=True)
class History:
    """Which alerts fired on which occasions, and whose they are.

    `fired` is (occasions, alerts), the present last. `owner` and `kind` number, for each alert, the
    resource it is about and the sort of alert it is.
    """

    fired: Bools
    owner: Ints
    kind: Ints


@dataclass(frozen=True, slots=True)
class Surprises:
    """What the present's alerts say, in nats: each `alert` beside the others, each `owner` in all.

    An owner's is -ln of the chance that its alerts say as much on any occasion, 0 to 30.
    """

    alert: Floats
    owner: Floats


def surprises(history: History) -> Surprises:
    """Judge the last occasion of a history by those before it.

    The present counts as one of the occasions that a resource is measured by, so that what has next
    to no past is never sure: after m occasions a kind says m + 1 nats at most.
    """
    fired = history.fired[-MOST_OCCASIONS - 1 :]
    past, owners, kinds = fired[:-1], _many(history.owner), _many(history.kind)
    counts = past.sum(axis=0).astype(np.float64)
    said = np.zeros((len(fired), kinds, owners))
    now = np.zeros(fired.shape[1])
    for occasion, row in enumerate(fired):
        on = np.flatnonzero(row)
        is_past = occasion < len(past)
        on = on[np.argsort(counts[on], kind="stable")[:MOST_AT_ONCE]]
        both = _together(past[:, on])
        nats = _chained(on, counts[on], both, history, len(past), is_past=is_past)
        np.add.at(said[occasion], (history.kind[on], history.owner[on]), nats)
        if not is_past:
            now[on] = nats
    usual = said.mean(axis=0)
    usual += usual.mean(axis=1, keepdims=True)
    share = np.divide(said[-1], usual, out=np.zeros_like(usual), where=usual > 0)
    speaking = int((usual.max(axis=1, initial=0.0) > 0).sum())
    nats = np.array([joined(total, speaking) for total in share.sum(axis=0)])
    return Surprises(alert=now, owner=np.minimum(nats, MOST_NATS))


def joined(total: float, parts: int) -> float:
    """-ln of the chance that so many surprises together are at least `total` nats (Fisher 1925).

    Twice their sum is chi-squared with twice as many degrees of freedom, an Erlang tail in nats.
    """
    if parts < 2 or total <= 0:
        return max(total, 0.0)
    terms = [n * math.log(total) - math.lgamma(n + 1) for n in range(parts)]
    most = max(terms)
    return total - most - math.log(math.fsum(math.exp(t - most) for t in terms))


def _many(numbers: Ints) -> int:
    return int(numbers.max(initial=-1)) + 1


def _together(past: Bools) -> Floats:
    """On how many occasions two alerts fired both."""
    seen = past.astype(np.float32)
    return np.asarray(seen.T @ seen, dtype=np.float64)


def _chained(
    on: Ints, count: Floats, both: Floats, history: History, occasions: int, *, is_past: bool
) -> Floats:
    """What each alert of one occasion says given the commoner ones, in nats.

    `count` is how often each fired in the past, `both` how often with each other. Those of other
    kinds of the same resource do not explain it: they bear each other out. An occasion of the past
    is judged by the others only.
    """
    itself = float(is_past)
    count, both = count - itself, both - itself
    alone = (count + 0.5) / (occasions - itself + 1)
    given = (both + PRIOR * alone[:, None]) / (count[None, :] + PRIOR)
    place = np.empty(len(on), dtype=np.int64)
    place[np.argsort(-count, kind="stable")] = np.arange(len(on))
    owner, kind = history.owner[on], history.kind[on]
    explains = (owner[:, None] != owner[None, :]) | (kind[:, None] == kind[None, :])
    explains &= place[None, :] < place[:, None]
    best = np.where(explains, given, 0.0).max(axis=1, initial=0.0)
    return np.asarray(-np.log(np.clip(np.maximum(best, alone), 1e-12, 1.0)))
