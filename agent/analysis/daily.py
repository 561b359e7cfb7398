"""What a day does to a series is taken off it, where calm time covers days enough to tell."""

from __future__ import annotations

import numpy as np

from agent.analysis.excursions import Bools, Floats

DAY_S, SLOT_S = 86_400, 1_800
LEAST_DAYS = 2  # of calm time at an hour of the day: one tells a day from an outlier of that day
MOST_DAYS = 28
GAIN = 0.8  # of the spread is left at most where the day explains a series


def without_days(values: Floats, calm: Bools, clock: Floats) -> Floats:
    """`values` (series, buckets) less what is usual at their half hour of other days, or as is.

    `clock` is when each bucket begins, seconds since the epoch. What is usual is the median of the
    calm buckets of other days at the same half hour and its neighbours. What is left is about the
    series' own median, so that what is little beside its level stays so. A series of which the day
    explains little, as of a constant, stays what it is, and so does all where calm time has less
    than two days.
    """
    days, day = np.unique(clock // DAY_S, return_inverse=True)
    slot = ((clock % DAY_S) // SLOT_S).astype(np.int64)
    slots = DAY_S // SLOT_S
    if days.size < LEAST_DAYS or not values.size or np.unique(slot[calm]).size < slots // 2:
        return values
    kept = np.unique(day[calm])[-MOST_DAYS:]
    if kept.size < LEAST_DAYS:
        return values
    usual = np.full(values.shape, np.nan)
    for hour in np.unique(slot):
        apart = np.abs(slot - hour)
        near = calm & (np.minimum(apart, slots - apart) <= 1) & np.isin(day, kept)
        for one in np.unique(day[slot == hour]):
            others = near & (day != one)
            if np.unique(day[others]).size >= min(LEAST_DAYS, kept.size - 1):
                at = np.flatnonzero((slot == hour) & (day == one))
                usual[:, at] = _middle(values[:, others])[:, None]
    left = values - usual + _middle(values[:, calm])[:, None]
    spread = _spread(values[:, calm])
    told = (spread > 0.0) & np.isfinite(spread) & (_spread(left[:, calm]) <= GAIN * spread)
    return np.where(
        told[:, None] & np.isfinite(usual), left, np.where(told[:, None], np.nan, values)
    )


def _middle(values: Floats) -> Floats:
    """The median of what is finite in each row; NaN if nothing is."""
    return _quantile(values, 0.5)


def _spread(values: Floats) -> Floats:
    """The interquartile range of each row; infinite if nothing is known."""
    spread = _quantile(values, 0.75) - _quantile(values, 0.25)
    return np.where(np.isfinite(spread), spread, np.inf)


def _quantile(values: Floats, share: float) -> Floats:
    ordered = np.sort(values, axis=1)
    count = np.count_nonzero(np.isfinite(ordered), axis=1)
    at = np.rint(share * np.maximum(count - 1, 0)).astype(np.int64)
    return np.take_along_axis(ordered, at[:, None], axis=1)[:, 0]
