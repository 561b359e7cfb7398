from __future__ import annotations

import numpy as np
import pytest

from agent.analysis.log_rates import Floats, Turns, Written, turns

BUCKETS, START = 120, 100


def found(
    counts: Floats, *, plain: bool = True, covered: int = 0, drift: float = 0.3, start: int = START
) -> Turns:
    """The turns of one service's templates; the first two are its traffic, whatever the rest is."""
    usual = np.full(len(counts), plain)
    usual[:2] = True
    seen = np.arange(counts.shape[1]) >= covered
    owner = np.zeros(len(counts), dtype=np.int64)
    return turns(Written(counts, owner, usual, np.full(len(counts), drift), seen, start))


def steady(rows: int, rate: float = 4.0, seed: int = 1) -> Floats:
    return np.random.default_rng(seed).poisson(rate, (rows, BUCKETS)).astype(np.float64)


def test_a_kind_of_line_that_was_never_written_surprises_from_its_first_on() -> None:
    counts = steady(3)
    counts[2] = 0.0
    counts[2, 112:] = 1.0
    turned = found(counts, plain=False)
    assert turned.surprise[2] > 8.0
    assert turned.effect[2] > 0
    assert 110 <= turned.onset[2] <= 112
    assert turned.before[2] == 0.0
    assert (turned.surprise[:2] < 3.0).all()


def test_little_calm_time_makes_new_lines_little_news() -> None:
    counts = steady(3)
    counts[2] = 0.0
    counts[2, 105:] = 1.0
    long, short = (found(counts, plain=False, covered=at).surprise[2] for at in (0, 90))
    assert short < long / 2
    assert found(counts, plain=False, covered=100).surprise[2] < 5.0


def test_nothing_is_new_where_there_is_no_calm_time() -> None:
    counts = steady(3)
    counts[:, :START] = 0.0
    assert not found(counts, covered=START).surprise.any()


def test_lines_that_stop_while_the_others_go_on_are_missed() -> None:
    counts = steady(4)
    counts[3, 104:] = 0.0
    turned = found(counts)
    assert turned.surprise[3] > 8.0
    assert turned.effect[3] < 0


def test_a_fall_is_told_only_where_others_wrote_enough_in_the_trouble() -> None:
    counts = steady(2)
    counts[0, :] = np.arange(BUCKETS) % 2  # ten lines in the trouble
    counts[1, START:] = 0.0
    assert found(counts).surprise[1] > 5.0
    counts[0, :] = np.arange(BUCKETS) % 5 == 0  # as steadily, but four lines
    assert found(counts).surprise[1] == 0.0


@pytest.mark.parametrize("factor", [0.0, 0.3, 3.0])
def test_what_all_lines_of_a_service_do_is_its_traffic_and_no_news(factor: float) -> None:
    counts = steady(4)
    counts[:, START:] = np.random.default_rng(2).poisson(4.0 * factor, (4, BUCKETS - START))
    assert (found(counts).surprise < 2.0).all()


def test_a_service_with_one_kind_of_plain_line_has_no_other_to_tell_it_by() -> None:
    counts = steady(1)
    counts[:, START:] *= 20.0
    assert not found(counts).surprise.any()


def test_errors_that_come_in_bursts_in_calm_time_do_not_surprise_in_trouble() -> None:
    counts = steady(3)
    counts[2] = 0.0
    for at in (8, 41, 77, 108):
        counts[2, at : at + 6] = 7.0
    assert found(counts, plain=False).surprise[2] < 2.0


def test_a_storm_of_new_lines_is_not_taken_for_traffic() -> None:
    counts = steady(12)
    counts[2:] = 0.0
    counts[2:, 105:] = 50.0
    assert (found(counts, plain=False).surprise[2:] > 10.0).all()


def test_noise_surprises_no_more_often_than_it_says() -> None:
    random = np.random.default_rng(3)
    rates = random.lognormal(0.0, 1.5, (2000, 1))
    counts = random.poisson(rates, (2000, BUCKETS)).astype(np.float64)
    surprise = found(counts, plain=False, drift=0.1).surprise
    for nats in (1.0, 3.0, 5.0):
        assert (surprise > nats).mean() <= 2.0 * np.exp(-nats) + 0.002


def test_the_drift_bounds_what_any_number_of_lines_can_say() -> None:
    counts = steady(3, rate=1000.0)
    counts[2, START:] *= 2.0
    sure, unsure = (found(counts, drift=drift).surprise[2] for drift in (0.05, 1.0))
    assert sure > 15.0
    assert unsure < 3.0


def test_no_templates_turn() -> None:
    assert found(np.zeros((0, BUCKETS))).surprise.size == 0
