"""inventory 2.4.0: keeps count of reserved pieces, in a column that production does not have."""

from __future__ import annotations

from flask import Flask

from tests.shop.services.inventory import routes
from tests.shop.services.kit import Connections, Kit

TAKE = (
    "UPDATE stock SET available = available - 1, reserved = reserved + 1"
    " WHERE sku = ANY(%s) AND available > 0"
)


def build(kit: Kit) -> Flask:
    """Give the app."""
    return routes.build(kit, take)


def take(pool: Connections, skus: list[str]) -> bool:
    """Take one piece of each product, unless one of them has run out."""
    with pool.connection() as connection:
        return connection.execute(TAKE, (skus,)).rowcount == len(skus)
