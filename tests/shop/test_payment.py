"""The bug of payment 2.8.0 is in its code, and 2.7.9 does not have it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest
from psycopg import Connection

from tests.shop.services.payment import v2_7_9, v2_8_0
from tests.shop.services.payment.routes import Charge, Order


class Rows:
    def fetchone(self) -> tuple[int]:
        return (7,)


class FakeConnection:
    def __init__(self) -> None:
        self.executed: list[str] = []

    def execute(self, sql: str, _values: tuple[object, ...]) -> Rows:
        self.executed.append(sql.split()[0])
        return Rows()


class FakePool:
    """Counts connections that were taken and not given back."""

    def __init__(self) -> None:
        self.out = 0

    def getconn(self) -> Connection[Any]:
        self.out += 1
        return cast("Connection[Any]", FakeConnection())

    def putconn(self, conn: Connection[Any]) -> None:  # noqa: ARG002 - a pool has it
        self.out -= 1

    @contextmanager
    def connection(self) -> Iterator[Connection[Any]]:
        taken = self.getconn()
        yield taken
        self.putconn(taken)


@pytest.mark.parametrize(
    ("charge", "stored", "lost"),
    [
        (v2_7_9.charge, False, 0),
        (v2_7_9.charge, True, 0),
        (v2_8_0.charge, False, 0),
        (v2_8_0.charge, True, 1),
    ],
)
@pytest.mark.parametrize("accepted", [True, False])
def test_only_a_stored_card_on_the_new_version_loses_a_connection(
    charge: Charge, *, stored: bool, lost: int, accepted: bool
) -> None:
    pool = FakePool()
    order = Order(id="o1", customer="acme", cents=100, card="card-acme-1", stored=stored)
    assert charge(pool, lambda _order: accepted, order) is accepted
    assert pool.out == lost
