"""cart 4.1.0: more off for more pieces of a product, in tiers."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Flask

from tests.shop.services.cart import routes
from tests.shop.services.kit import Kit

PER_CENT = (100, 98)
TIER = 5


def build(kit: Kit) -> Flask:
    """Give the app."""
    return routes.build(kit, total_cents=total)


def total(lines: Iterable[routes.Line]) -> int:
    return sum(map(price, lines))


def price(line: routes.Line) -> int:
    quantity = int(line["quantity"])
    return int(line["price_cents"]) * quantity * PER_CENT[quantity // TIER] // 100
