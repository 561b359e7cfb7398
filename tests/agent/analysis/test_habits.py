"""A surprise is worth less where its kind of series surprises in calm time."""

from __future__ import annotations

import numpy as np

from agent.analysis.anomalies import departures
from agent.analysis.excursions import Floats
from agent.analysis.habits import calm_blocks, tempered

BUCKETS, ONSET = 60, 54
TROUBLE = slice(ONSET, BUCKETS)
CALM = np.arange(BUCKETS) < ONSET


def two_kinds(spikes: float) -> tuple[Floats, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """A quiet kind of series, and one that jumps a thousandfold with this chance a bucket."""
    random = np.random.default_rng(5)
    values = 0.005 + 0.0002 * random.normal(size=(60, BUCKETS))
    values[30:][random.random((30, BUCKETS)) < spikes] *= 1000.0
    return values, np.repeat([0, 1], 30)


def test_a_unit_that_changes_in_calm_time_does_not_surprise() -> None:
    values, kinds = two_kinds(spikes=0.03)
    values[59] = values[0]
    values[0, 55:] *= 3.0
    values[59, 56] *= 1000.0
    found = departures(values, CALM, TROUBLE)
    told = tempered(found, values, CALM, TROUBLE, kinds)
    assert found.surprise[59] > found.surprise[0]
    assert told.surprise[59] < told.surprise[0]


def test_nothing_is_made_more_surprising() -> None:
    values, kinds = two_kinds(spikes=0.05)
    found = departures(values, CALM, TROUBLE)
    assert (tempered(found, values, CALM, TROUBLE, kinds).surprise <= found.surprise).all()


def test_blips_as_common_in_calm_time_surprise_no_more_often_than_their_nats_say() -> None:
    random = np.random.default_rng(5)
    values = 0.005 + 0.0002 * random.normal(size=(4000, BUCKETS))
    values[random.random(values.shape) < 0.05] *= 1000.0
    found = departures(values, CALM, TROUBLE)
    told = tempered(found, values, CALM, TROUBLE, np.zeros(4000, dtype=np.int64))
    for nats in (2.0, 3.0):
        assert np.mean(told.surprise > nats) <= 1.3 * np.exp(-nats)


def test_a_constant_that_breaks_is_weighed_beside_constants() -> None:
    values, kinds = two_kinds(spikes=0.1)
    kinds[:] = 0
    values[:30] = 1.0
    values[0, 55:] = 0.97
    found = departures(values, CALM, TROUBLE, kinds)
    told = tempered(found, values, CALM, TROUBLE, kinds)
    assert told.surprise[0] == found.surprise[0] > 3.0


def test_where_constants_break_together_in_calm_time_one_that_breaks_surprises_less() -> None:
    values, kinds = np.ones((60, BUCKETS)), np.zeros(60, dtype=np.int64)
    values[:20, 50:52] = 0.5
    values[59, 55:] = 0.5
    found = departures(values, CALM, TROUBLE, kinds)
    told = tempered(found, values, CALM, TROUBLE, kinds)
    assert told.surprise[59] < found.surprise[59] - 1.0


def test_a_group_too_small_to_tell_breaks_as_rarely_as_all_do() -> None:
    values, kinds = np.ones((60, BUCKETS)), np.repeat(np.arange(20), 3)
    values[3, 50:52] = values[59, 55:] = 0.5
    found = departures(values, CALM, TROUBLE, kinds)
    told = tempered(found, values, CALM, TROUBLE, kinds)
    assert told.surprise[59] == found.surprise[59] > 4.0


def test_without_calm_time_to_ask_it_is_left_as_it_is() -> None:
    values, kinds = two_kinds(spikes=0.0)
    calm = np.arange(BUCKETS) >= ONSET - 12
    found = departures(values, calm, TROUBLE)
    assert tempered(found, values, calm, slice(0, 40), kinds) is found


def test_stretches_of_calm_time_are_as_long_as_the_trouble_and_calm_all_along() -> None:
    calm = CALM & (np.arange(BUCKETS) != 45)
    blocks = calm_blocks(calm, TROUBLE)
    assert [b.stop - b.start for b in blocks] == [6, 6, 6, 6]
    assert all(calm[block].all() for block in blocks)
