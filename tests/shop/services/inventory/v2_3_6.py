"""inventory 2.3.6."""

from __future__ import annotations

from flask import Flask

from tests.shop.services.inventory import routes
from tests.shop.services.kit import Connections, Kit

COUNT = "SELECT count(*) FROM stock WHERE sku = ANY(%s) AND available > 0"
TAKE = "UPDATE stock SET available = available - 1 WHERE sku = ANY(%s)"


def build(kit: Kit) -> Flask:
    """Give the app."""
    return routes.build(kit, take)


def take(pool: Connections, skus: list[str]) -> bool:
    """Take one piece of each product, unless one of them has run out."""
    with pool.connection() as connection:
        row = connection.execute(COUNT, (skus,)).fetchone()
        if row is None or row[0] < len(skus):
            return False
        connection.execute(TAKE, (skus,))
    return True
