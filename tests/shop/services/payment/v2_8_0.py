"""payment 2.8.0: books a charge on a stored card under its mandate, for fewer chargebacks."""

from __future__ import annotations

from typing import Any

from flask import Flask
from psycopg import Connection

from tests.shop.services.kit import Connections, Kit
from tests.shop.services.libraries import acquirer_5
from tests.shop.services.payment import routes

MANDATE = "SELECT id FROM mandate WHERE customer = %s AND card = %s"
BOOK = "INSERT INTO charge (purchase, customer, cents, status, mandate) VALUES (%s, %s, %s, %s, %s)"


def build(kit: Kit) -> Flask:
    """Give the app."""
    return routes.build(kit, charge, acquirer_5.Client)


def charge(pool: Connections, authorize: routes.Authorize, order: routes.Order) -> bool:
    """Ask the acquirer and book the answer; False when the card was declined."""
    accepted = authorize(order)
    status = "accepted" if accepted else "declined"
    connection = pool.getconn()
    if order.stored:
        mandate = find_mandate(connection, order)
        if mandate is not None:
            booked = (order.id, order.customer, order.cents, status, mandate)
            connection.execute(BOOK, booked)
            return accepted
    connection.execute(routes.BOOK, (order.id, order.customer, order.cents, status))
    pool.putconn(connection)
    return accepted


def find_mandate(connection: Connection[Any], order: routes.Order) -> int | None:
    row = connection.execute(MANDATE, (order.customer, order.card)).fetchone()
    return row[0] if row else None
