"""catalog 3.14.1."""

from __future__ import annotations

from flask import Flask

from tests.shop.services.catalog import routes
from tests.shop.services.kit import Kit


def build(kit: Kit) -> Flask:
    """Give the app."""
    return routes.build(kit, order=by_sku, keep_for_s=a_minute)


def by_sku(products: routes.Products) -> routes.Products:
    return sorted(products, key=lambda product: str(product["sku"]))


def a_minute(_kit: Kit) -> int:
    return 60
