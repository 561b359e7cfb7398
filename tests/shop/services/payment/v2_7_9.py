"""payment 2.7.9."""

from __future__ import annotations

from flask import Flask

from tests.shop.services.kit import Connections, Kit
from tests.shop.services.libraries import acquirer_5
from tests.shop.services.payment import routes


def build(kit: Kit) -> Flask:
    """Give the app."""
    return routes.build(kit, charge, acquirer_5.Client)


def charge(pool: Connections, authorize: routes.Authorize, order: routes.Order) -> bool:
    """Ask the acquirer and book the answer; False when the card was declined."""
    accepted = authorize(order)
    with pool.connection() as connection:
        status = "accepted" if accepted else "declined"
        connection.execute(routes.BOOK, (order.id, order.customer, order.cents, status))
    return accepted
