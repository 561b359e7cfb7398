"""How long 50,000 series of 1,200 points take, in CPU seconds of one thread, beside z-scores.

The z-scores are numpy's alone: the largest |x - mean| / std in the trouble, which knows neither
direction, duration, outliers nor what it searched.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from statistics import median

import numpy as np
import pytest

from agent.analysis.anomalies import departures
from agent.analysis.excursions import Floats

SERIES, BUCKETS, TROUBLE = 50_000, 1_200, 100
RUNS = 3
GOAL_S = 2.0

pytestmark = pytest.mark.bench


def z_scores(values: Floats) -> Floats:
    calm = values[:, :-TROUBLE]
    center, scale = calm.mean(axis=1, keepdims=True), calm.std(axis=1, keepdims=True)
    return np.asarray((np.abs(values[:, -TROUBLE:] - center) / scale).max(axis=1))


def surprise(values: Floats) -> Floats:
    calm = np.arange(BUCKETS) < BUCKETS - TROUBLE
    return departures(values, calm, slice(BUCKETS - TROUBLE, BUCKETS)).surprise


def cpu_s(ask: Callable[[Floats], Floats], values: Floats) -> float:
    started = time.process_time()
    ask(values)
    return time.process_time() - started


def test_fifty_thousand_series_take_two_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    values = np.random.default_rng(0).normal(size=(SERIES, BUCKETS))
    values[:500, -60:] += 8.0
    ours = median(cpu_s(surprise, values) for _ in range(RUNS))
    plain = median(cpu_s(z_scores, values) for _ in range(RUNS))
    with capsys.disabled():
        sys.stdout.write(
            f"\n{SERIES} x {BUCKETS}: departures {ours:.2f} s CPU, z-scores {plain:.2f} s\n"
        )
    assert (surprise(values)[:500] > 7.0).all()
    assert ours <= GOAL_S
