"""Whether a host makes slow what runs on it: each resident beside itself on other hosts.

A natural experiment: what befalls a service (load, a release, a slow store) does so wherever it
runs, what befalls a host does so to several that run there. One alone may be slow by itself, so the
one that says most is left out: what is tested is that two agree at least (the partial conjunction
of Benjamini and Heller 2008), by Stouffer's sum of the others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.analysis.per_request import Noise, Shift, Sums, calm_before, compared, pooled, surprises

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Residence:
    """What each series is of, as numbers from 0: an operation, its service, and the host."""

    operation: Ints
    service: Ints
    host: Ints


def slowed(here: Sums, of: Residence, first: int, noise: Noise) -> Shift:
    """Of each host the stretch of slots from `first` on in which its residents rose most.

    A resident's rise is what is left of it beside itself elsewhere, and no more than it rose here.
    `surprise` is paid for the hosts; `before` and `during` are means over operations. A host that
    cannot be compared has no surprise.
    """
    hosts, slots = int(of.host.max()) + 1, here.p.shape[1]
    there = _elsewhere(here, of.operation)
    best = Shift(
        np.full(hosts, first, dtype=np.int64),
        np.full(hosts, slots, dtype=np.int64),
        *(np.zeros(hosts) for _ in range(4)),
    )
    for start in range(max(first, 1), slots):
        base, calm = calm_before(here, start, noise)
        base_there, calm_there = calm_before(there, start, noise)
        for end in range(start + 1, slots + 1):
            inside, inside_there = (one.over(slice(start, end)) for one in (here, there))
            rise, variance, _ = compared(base, inside, calm, noise)
            beside, uncertain, _ = compared(base_there, inside_there, calm_there, noise)
            uncertain = uncertain + variance
            z = np.minimum(rise / np.sqrt(variance), (rise - beside) / np.sqrt(uncertain))
            known = np.isfinite(uncertain)
            agreed = _agreed(z[known], of.host[known], of.service[known], hosts)
            at = np.flatnonzero(agreed > best.z)
            best.z[at], best.start[at], best.end[at] = agreed[at], start, end
            for level, sums in (best.before, base), (best.during, inside):
                level[at] = _mean(sums.c[known] / sums.p[known], of.host[known], hosts)[at]
    best.surprise[:] = np.maximum(surprises(best.z) - np.log(hosts), 0.0)
    return best


def _elsewhere(here: Sums, operation: Ints) -> Sums:
    """Of each series, the sums of its operation on all other hosts; a trace counts once on each."""

    def others(values: Floats) -> Floats:
        whole = np.zeros((int(operation.max()) + 1, values.shape[1]))
        np.add.at(whole, operation, values)
        return np.asarray(whole[operation] - values)

    return Sums(*(others(getattr(here, name)) for name in Sums.__slots__))


def _agreed(z: Floats, host: Ints, service: Ints, hosts: int) -> Floats:
    """One z of each host from all but the strongest of its residents; 0 for less than two."""
    services = int(service.max(initial=-1)) + 1
    resident = host * services + service
    each = pooled(z, resident, hosts * services).reshape(hosts, services)
    lives = np.bincount(resident, minlength=hosts * services).reshape(hosts, services) > 0
    others = np.maximum(lives.sum(axis=1) - 1, 0)
    strongest = np.where(lives, each, -np.inf).max(axis=1, initial=-np.inf)
    total = each.sum(axis=1) - np.where(others > 0, strongest, 0.0)
    return np.asarray(np.where(others > 0, total / np.sqrt(np.maximum(others, 1)), 0.0))


def _mean(values: Floats, host: Ints, hosts: int) -> Floats:
    many = np.bincount(host, minlength=hosts)
    return np.asarray(np.bincount(host, weights=values, minlength=hosts) / np.maximum(many, 1))
