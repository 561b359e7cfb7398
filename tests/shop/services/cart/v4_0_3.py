"""cart 4.0.3."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Flask

from tests.shop.services.cart import routes
from tests.shop.services.kit import Kit


def build(kit: Kit) -> Flask:
    """Give the app."""
    return routes.build(kit, total_cents=total)


def total(lines: Iterable[routes.Line]) -> int:
    return sum(int(line["price_cents"]) * int(line["quantity"]) for line in lines)
