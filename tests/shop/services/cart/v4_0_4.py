"""cart 4.0.4: one percent off from ten pieces of a product."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Flask

from tests.shop.services.cart import routes
from tests.shop.services.kit import Kit

MANY = 10


def build(kit: Kit) -> Flask:
    """Give the app."""
    return routes.build(kit, total_cents=total)


def total(lines: Iterable[routes.Line]) -> int:
    return sum(map(price, lines))


def price(line: routes.Line) -> int:
    full = int(line["price_cents"]) * int(line["quantity"])
    return full * 99 // 100 if int(line["quantity"]) >= MANY else full
