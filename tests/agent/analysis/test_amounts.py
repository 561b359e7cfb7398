"""How much of one resource's harm another's accounts for."""

import numpy as np
import pytest

from agent.analysis.amounts import Amounts, Harm

P95, ERRORS, OWN = ("p95",), ("errors",), ("own",)


def share(by: Harm, of: Harm) -> float:
    return float(Amounts.of([by, of]).covered(np.array(0), np.array(1), unknown=0.5))


@pytest.mark.parametrize(
    ("by", "of", "accounted"),
    [
        ({P95: 10.0}, {P95: 1000.0}, 0.01),
        ({P95: 1500.0}, {P95: 1000.0}, 1.0),
        ({P95: 10.0, ERRORS: 40.0}, {P95: 1000.0, ERRORS: 50.0}, 0.8),
        ({P95: 10.0}, {ERRORS: 50.0}, 0.5),
        ({}, {}, 0.5),
    ],
)
def test_harm_accounts_for_no_more_than_there_is_of_it(
    by: Harm, of: Harm, accounted: float
) -> None:
    assert share(by, of) == pytest.approx(accounted)


def test_what_only_one_has_is_not_kept() -> None:
    assert Amounts.of([{P95: 1.0, OWN: 2.0}, {P95: 3.0}, {}]).held.shape == (1, 3)


def test_every_pair_is_told_at_once() -> None:
    amounts = Amounts.of([{P95: 1.0}, {P95: 2.0}, {P95: 4.0}])
    told = amounts.covered(np.arange(3)[:, None], np.arange(3), unknown=0.0)
    assert told.tolist() == [[1.0, 0.5, 0.25], [1.0, 1.0, 0.5], [1.0, 1.0, 1.0]]


def test_of_several_the_one_with_the_least_harm_is_accounted_for_first() -> None:
    amounts = Amounts.of([{P95: 8.0}, {P95: 2.0, ERRORS: 9.0}, {P95: 1.0}, {}])
    told = amounts.covered_of_any(np.array([True, True, False, False]))
    assert told.tolist() == [1.0, 1.0, 0.5, 0.0]
    assert amounts.covered_of_any(np.zeros(4, dtype=np.bool_)).tolist() == [0.0] * 4
