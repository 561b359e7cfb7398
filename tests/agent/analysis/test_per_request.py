"""What requests do on their way: a shift per run is told from the noise of traces and of slots."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from agent.analysis.per_request import Noise, Sums, pooled, shifts

Floats = NDArray[np.float64]
COUNT = Noise(0.25)
FIRST = 6


def sums(counts: list[Floats], runs: list[Floats] | None = None) -> Sums:
    """One series: for each slot, what each trace counts in its runs (one run unless said)."""
    p = runs or [np.ones_like(c) for c in counts]

    def added(values: list[Floats]) -> Floats:
        return np.array([[float(v.sum()) for v in values]])

    pairs = list(zip(counts, p, strict=True))
    return Sums(
        np.array([[float(c.size) for c in counts]]),
        added(p),
        added([y * y for _, y in pairs]),
        added(counts),
        added([c * c for c in counts]),
        added([c * y for c, y in pairs]),
    )


def test_a_step_that_is_always_taken_and_then_never_surprises_from_a_dozen_requests() -> None:
    calm, about = [np.ones(2)] * FIRST, [np.zeros(3)] * 4
    shift = shifts(sums(calm + about), FIRST, COUNT)
    assert shift.surprise[0] > 8
    assert (shift.start[0], shift.end[0]) == (FIRST, FIRST + 4)
    assert (shift.before[0], shift.during[0]) == (1.0, 0.0)
    assert shift.z[0] < 0


def test_a_shift_begins_in_the_slot_where_it_does() -> None:
    series = [np.ones(5)] * (FIRST + 2) + [np.zeros(5)] * 3
    assert shifts(sums(series), FIRST, COUNT).start[0] == FIRST + 2


def test_two_requests_never_surprise() -> None:
    series = [np.ones(20)] * FIRST + [np.zeros(1)] * 2
    assert shifts(sums(series), FIRST, COUNT).surprise[0] == 0.0


def test_many_runs_of_one_trace_tell_no_more_than_the_trace() -> None:
    """A hundred failures in one trace of several are one odd trace."""
    runs = [np.full(4, 100.0)] * (FIRST + 1)
    odd = [np.zeros(4)] * FIRST + [np.array([100.0, 0.0, 0.0, 0.0])]
    assert shifts(sums(odd, runs), FIRST, COUNT).surprise[0] < 6


def test_what_differs_from_slot_to_slot_in_calm_time_does_not_surprise() -> None:
    random = np.random.default_rng(1)
    shares = (0.1, 0.9, 0.2, 0.8, 0.1, 0.9)
    wild = [random.binomial(1, share, 50).astype(float) for share in shares]
    even = [random.binomial(1, 0.3, 50).astype(float) for _ in range(FIRST)]
    about = [np.ones(50)] * 2
    assert shifts(sums(wild + about), FIRST, COUNT).surprise[0] < 4
    assert shifts(sums(even + about), FIRST, COUNT).surprise[0] > 12


def test_times_of_another_hour_are_compared_more_loosely_than_those_just_before() -> None:
    random = np.random.default_rng(2)
    series = [random.normal(1.0, 0.1, 40) for _ in range(FIRST)]
    series += [random.normal(1.4, 0.1, 40) for _ in range(2)]
    near, far = (
        shifts(sums(series), FIRST, Noise(0.09, 0.01, 0.0625, elsewhere, apart=True))
        for elsewhere in (0, FIRST)
    )
    assert near.surprise[0] > far.surprise[0] + 3


def test_no_number_of_runs_outweighs_what_runs_of_a_stretch_have_in_common() -> None:
    series = [np.tile([1.0, 0.0, 0.0, 0.0], 1000)] * FIRST + [np.tile([1.0, 0.0], 1000)]
    free = shifts(sums(series), FIRST, COUNT).surprise[0]
    tied = shifts(sums(series), FIRST, Noise(0.25, together=np.array([0.05]))).surprise[0]
    assert free > 20
    assert tied < 5


def test_noise_surprises_as_often_as_it_says() -> None:
    """Once paid for the stretches, more than x nats come in no more than e^-x of the series."""
    random = np.random.default_rng(3)
    traces = random.poisson(10, (5000, 20)).astype(float)
    counted = random.binomial((2 * traces).astype(np.int64), 0.3).astype(float)
    square = counted * counted / np.maximum(traces, 1.0)
    noise = Sums(traces, 2 * traces, 4 * traces, counted, square, 2 * counted)
    nats = shifts(noise, 12, COUNT).surprise - np.log(16)
    for level in (1.0, 3.0, 5.0):
        assert (nats > level).mean() < 1.5 * np.exp(-level)


def test_nothing_seen_is_no_surprise_and_no_warning() -> None:
    shift = shifts(sums([np.zeros(0)] * 8), FIRST, COUNT)
    assert shift.surprise.tolist() == [0.0]


@pytest.mark.parametrize(
    ("z", "together"), [([4.0], 4.0), ([4.0] * 9, 5.37), ([4.0] + [0.0] * 8, 0.6)]
)
def test_a_group_is_odd_as_a_whole_or_not_at_all(z: list[float], together: float) -> None:
    codes = np.zeros(len(z), dtype=np.int64)
    assert pooled(np.array(z), codes, 1)[0] == pytest.approx(together, abs=0.01)
