"""Which log templates rise or fall in a stretch of trouble, each beside its service's other lines.

From each of a few moments in the trouble on, a template's lines are compared with all before. Given
their sum, the lines after are binomial (Przyborowski and Wilenski 1940), with a chance that follows
from what was written at all: by the clock and by the lines of others of the service, whichever
explains more. So what all lines of a service do together, as its traffic does, surprises nobody.

Lines come in bursts: counts weigh as much less as they vary more within either stretch than Poisson
counts do. And shares drift with what is asked: the ln of a rate is taken to have moved by a Laplace
variable, whose heavy tail lets no number of lines make a small change certain. Without calm time
nothing is new: there is nothing to compare with.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.analysis.distributions import binomial_tails

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

MOST_NATS = 30.0
PARTS = 8  # of the trouble: at which of their borders did it begin?
SCALES = (1, 4, 16)  # buckets: bursts of these lengths are told from a steady stream
USUAL_SPREAD, USUAL_WEIGHT = 1.5, 5.0  # variance over mean where little is known, in blocks
LEAST_OTHERS = 8  # lines of others, before and after: fewer do not tell a fall from less traffic
MOST_CLOSELY = 2_000  # templates
_LEAST_P = float(np.exp(-MOST_NATS))

_STEPS = np.arange(MOST_NATS + 1.0)  # of a drift, each e times less probable than the one before
_DRIFTED = np.concatenate([[0.0], (_STEPS + 0.5) / np.sqrt(2.0)])  # in standard deviations
_SHARE = np.concatenate([[0.5], 0.5 * (np.exp(-_STEPS) - np.exp(-_STEPS - 1.0))])


@dataclass(frozen=True, slots=True)
class Written:
    """Lines of templates: `counts` (templates, buckets) up to the end of the trouble.

    `owner` numbers each template's service from 0. `usual` marks those that follow the service's
    traffic, and so tell it: they turn only beside others of their kind, and are missed when they
    fall. `drift` is the standard deviation of the ln of each one's rate. `covered` are the buckets
    in which lines could be seen; the trouble begins at `start`.
    """

    counts: Floats
    owner: Ints
    usual: Bools
    drift: Floats
    covered: Bools
    start: int


@dataclass(frozen=True, slots=True)
class Turns:
    """One entry a template: from bucket `onset` on it rose (`effect` > 0) or fell, in robust z.

    `surprise` is in nats, 0 to 30, before paying for how many templates there were; `before` and
    `during` are lines a covered bucket.
    """

    surprise: Floats
    effect: Floats
    onset: Ints
    before: Floats
    during: Floats


def turns(written: Written) -> Turns:
    """The moment from which each template turned most; a surprise of 0 where it did not."""
    rows = len(written.counts)
    zero, nothing = np.zeros(rows), np.full(rows, np.nan)
    best = Turns(zero, zero.copy(), np.zeros(rows, np.int64), nothing, nothing.copy())
    moments = _moments(written)
    for onset in moments if rows else ():
        found = _turned(written, onset)
        paid = np.maximum(found.surprise - np.log(len(moments)), 0.0)
        better = paid > best.surprise
        best.surprise[better] = paid[better]
        for name in ("effect", "onset", "before", "during"):
            getattr(best, name)[better] = getattr(found, name)[better]
    return best


def _moments(written: Written) -> list[int]:
    """When the trouble may have begun: its first moment that is covered, and later ones."""
    seen = written.start + np.flatnonzero(written.covered[written.start :])
    places = np.arange(PARTS - 1) * seen.size // PARTS
    moments = np.unique(seen[places]) if seen.size else np.zeros(0, np.int64)
    return [int(at) for at in moments if written.covered[:at].any()]


def _turned(written: Written, onset: int) -> Turns:
    counts, covered = written.counts, written.covered
    before, after = counts[:, :onset].sum(axis=1), counts[:, onset:].sum(axis=1)
    clock = (float(covered[:onset].sum()), float(covered[onset:].sum()))
    by_clock = clock[1] / (clock[0] + clock[1])
    by_others, told, enough = _by_others(written, before, after, by_clock)
    rises = _Side(_inside(np.maximum(by_clock, by_others)), after, before)
    falls = _Side(_inside(1.0 - np.minimum(by_clock, by_others)), before, after)
    up = _nats(rises, written, onset, (after > 0) & (told | ~written.usual))
    down = _nats(falls, written, onset, written.usual & told & enough & (before > 0))
    return Turns(
        surprise=np.maximum(up, down),
        effect=np.where(up >= down, rises.z, -falls.z),
        onset=np.full(len(counts), onset, dtype=np.int64),
        before=before / clock[0],
        during=after / clock[1],
    )


def _inside(chance: Floats) -> Floats:
    return np.clip(chance, 1e-9, 1.0 - 1e-9)


def _by_others(
    written: Written, before: Floats, after: Floats, otherwise: float
) -> tuple[Floats, Bools, Bools]:
    """The chance that a line is one after, by the usual lines of others; where these tell it.

    They tell it where there were enough before, and of a fall where there are enough after. Only
    lines of kinds that were written before count: new ones are trouble, not traffic.
    """
    usual = written.usual & (before > 0)
    sums = [
        np.bincount(written.owner, weights=np.where(usual, k, 0.0))[written.owner]
        - np.where(usual, k, 0.0)
        for k in (before, after)
    ]
    told = sums[0] >= LEAST_OTHERS
    chance = sums[1] / np.maximum(sums[0] + sums[1], 1.0)
    return np.where(told, chance, otherwise), told, sums[1] >= LEAST_OTHERS


@dataclass(frozen=True, slots=True)
class _Side:
    """A count `here`, perhaps more than its `chance` of all lines allows; the rest is `there`.

    Half of all drifts are the other way, and count as none.
    """

    chance: Floats
    here: Floats
    there: Floats

    @property
    def z(self) -> Floats:
        """How far beyond expectation, as if Poisson."""
        total = self.here + self.there
        spread = np.sqrt(total * self.chance * (1.0 - self.chance)) + 0.5
        return np.asarray((self.here - total * self.chance) / spread, dtype=np.float64)

    def nats(self, at: Ints, spread: Floats, drift: Floats) -> Floats:
        """-ln of the chance of so many, if they vary by `spread` and the rate has drifted."""
        here, total = self.here[at] / spread, (self.here + self.there)[at] / spread
        odds = self.chance[at] / (1.0 - self.chance[at])
        drifted = odds[:, None] * np.exp(drift[:, None] * _DRIFTED)
        shape = drifted.shape
        counted, of = (np.broadcast_to(k[:, None], shape).ravel() for k in (here, total))
        _, above = binomial_tails(counted, of, (drifted / (1.0 + drifted)).ravel())
        chance = np.maximum(above.reshape(shape) @ _SHARE, _LEAST_P)
        return np.asarray(-np.log(chance), dtype=np.float64)


def _nats(side: _Side, written: Written, onset: int, asked: Bools) -> Floats:
    """The surprise on one side; what would be none without any drift is not looked at closely."""
    nats = np.zeros(len(asked))
    at = np.flatnonzero(asked & (side.z > 1.0))
    at_most = side.nats(at, np.ones(at.size), np.zeros(at.size))
    at = at[np.argsort(-at_most, kind="stable")[: min(MOST_CLOSELY, int((at_most > 2.0).sum()))]]
    if at.size:
        nats[at] = side.nats(at, _spread(written, onset, at), written.drift[at])
    return nats


def _spread(written: Written, onset: int, at: Ints) -> Floats:
    """The variance of counts over their mean within either stretch; the largest of all scales.

    Of blocks of each scale, relative to what the service wrote in them; drawn to the usual one
    where there are few, and never less than 1.
    """
    lines = np.zeros((int(written.owner.max()) + 1, written.counts.shape[1]))
    np.add.at(lines, written.owner, written.counts)
    counts, others = written.counts[at], lines[written.owner[at]]
    largest = np.ones(at.size)
    for scale in SCALES:
        squares, free = np.zeros(at.size), np.zeros(at.size)
        for part in (slice(0, onset), slice(onset, None)):
            more = _pearson(_blocks(counts[:, part], scale), _blocks(others[:, part], scale))
            squares, free = squares + more[0], free + more[1]
        spread = (squares + USUAL_WEIGHT * USUAL_SPREAD) / (free + USUAL_WEIGHT)
        largest = np.maximum(largest, spread)
    return largest


def _blocks(counts: Floats, scale: int) -> Floats:
    """Sums over so many buckets each, the last perhaps over fewer."""
    if scale == 1:
        return counts
    return np.add.reduceat(counts, np.arange(0, counts.shape[1], scale), axis=1)


def _pearson(counts: Floats, exposure: Floats) -> tuple[Floats, Floats]:
    """Pearson's X² of each row against one rate, and its degrees of freedom; none of empty rows."""
    total, exposed = counts.sum(axis=1), exposure.sum(axis=1)
    expected = exposure * (total / np.maximum(exposed, 1.0))[:, None]
    off = np.square(counts - expected) / np.where(expected > 0, expected, np.inf)
    free = np.maximum((exposure > 0).sum(axis=1) - 1.0, 0.0)
    return off.sum(axis=1), np.where(total > 0, free, 0.0)
