"""How much of one resource's harm another's may account for, where both are measured alike.

Whoever waits 10 ms longer than before does not make its caller wait a second longer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

Harm = Mapping[tuple[str, ...], float]
"""By how much got worse what is measured (what tells measures apart), in its unit, above 0."""

MOST_MEASURES = 16  # those that the most resources have


@dataclass(frozen=True, slots=True)
class Amounts:
    """What is measured of several resources alike: measures by resources, NaN where nothing is."""

    held: Floats

    @classmethod
    def of(cls, harms: Sequence[Harm]) -> Amounts:
        """The harm of each resource, by measures that two have or more."""
        alike = Counter(chain.from_iterable(harms))
        common = [measure for measure, n in alike.most_common(MOST_MEASURES) if n > 1]
        held = np.full((len(common), len(harms)), np.nan)
        for row, measure in zip(held, common, strict=True):
            row[:] = [harm.get(measure, np.nan) for harm in harms]
        return cls(held)

    def covered(self, by: Ints, of: Ints, *, unknown: float) -> Floats:
        """The share, at most 1, of the harm of each `of` that the `by` beside it accounts for.

        By the measure that has it account for most; `unknown` where the two have none in common.
        """
        share = np.full(np.broadcast(by, of).shape, -1.0)
        for row in self.held:
            share = np.fmax(share, row[by] / row[of])
        return np.where(share < 0.0, unknown, np.minimum(share, 1.0))

    def covered_of_any(self, those: Bools) -> Floats:
        """The largest share that each accounts for of the harm of any of `those`; 0 of none."""
        least = np.fmin.reduce(self.held[:, those], axis=1, initial=np.nan)
        share = np.fmax.reduce(self.held / least[:, None], axis=0, initial=0.0)
        return np.asarray(np.minimum(share, 1.0))
