"""inventory 2.3.7: takes pieces out of stock in one statement instead of two."""

from __future__ import annotations

from flask import Flask

from tests.shop.services.inventory import routes
from tests.shop.services.kit import Connections, Kit

TAKE = (
    "UPDATE stock SET available = available - 1 WHERE sku = ANY(%(skus)s) AND NOT EXISTS"
    " (SELECT 1 FROM stock WHERE sku = ANY(%(skus)s) AND available < 1)"
)


def build(kit: Kit) -> Flask:
    """Give the app."""
    return routes.build(kit, take)


def take(pool: Connections, skus: list[str]) -> bool:
    """Take one piece of each product, unless one of them has run out."""
    with pool.connection() as connection:
        return connection.execute(TAKE, {"skus": skus}).rowcount == len(skus)
