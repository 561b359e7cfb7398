"""shipping 1.9.3."""

from __future__ import annotations

from flask import Flask

from tests.shop.services.kit import Kit
from tests.shop.services.shipping import routes


def build(kit: Kit) -> Flask:
    """Give the app."""
    return routes.build(kit, price_cents)


def price_cents(base: int, pieces: int) -> int:
    return base + 35 * pieces
