"""A host is told from what its residents share with themselves elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest

from agent.analysis.hosts import Residence, slowed
from agent.analysis.per_request import Noise, Shift, Sums, surprises

FIRST, SLOTS, TRACES = 6, 14, 8
NOISE = Noise(0.1, near=0.01, apart=True)
Rise = Callable[[int, int], float]


def told(rise: Rise, services: int = 5, hosts: int = 2) -> Shift:
    """Each service has two operations on each host; `rise` of a service and a host comes late."""
    random = np.random.default_rng(7)
    series = list(product(range(services), range(2), range(hosts)))
    values = random.normal(0.0, 0.3, (len(series), SLOTS, TRACES))
    for row, (service, _, host) in enumerate(series):
        values[row, FIRST + 2 :] += rise(service, host)
    runs = np.full(values.shape[:2], float(TRACES))
    total = values.sum(axis=2)
    service, operation, host = np.array(series).T
    return slowed(
        Sums(runs, runs, runs, total, np.square(values).sum(axis=2), total),
        Residence(2 * service + operation, service, host),
        FIRST,
        NOISE,
    )


def test_a_host_whose_residents_all_rise_there_and_not_elsewhere_surprises() -> None:
    shift = told(lambda _, host: float(host == 1))
    assert shift.surprise[1] > 15
    assert shift.start[1] == FIRST + 2
    assert shift.during[1] - shift.before[1] == pytest.approx(1.0, abs=0.1)
    assert shift.surprise[0] == 0.0


def test_residents_that_rise_everywhere_say_nothing_of_a_host() -> None:
    assert told(lambda *_: 1.0).surprise.max() < 2


def test_one_resident_alone_says_nothing_of_its_host_however_far_it_rises() -> None:
    assert told(lambda service, host: 9.0 * (service == host == 1)).surprise.max() < 2


def test_two_residents_that_agree_say_something_of_it() -> None:
    both = told(lambda service, host: 2.0 * (service < 2 and host == 1), services=2)
    assert both.surprise[1] > 6


def test_a_host_is_not_slow_because_its_residents_got_faster_elsewhere() -> None:
    assert told(lambda _, host: -float(host == 1)).surprise.max() < 2


def test_hosts_are_paid_for() -> None:
    shift = told(lambda _, host: float(host == 1), hosts=30)
    assert shift.surprise[1] == pytest.approx(surprises(shift.z)[1] - np.log(30))


@pytest.mark.parametrize(("services", "hosts"), [(1, 2), (5, 1)])
def test_where_nothing_can_be_compared_nothing_is_said(services: int, hosts: int) -> None:
    shift = told(lambda _, host: float(host == 0), services, hosts)
    assert not shift.surprise.any()
