"""catalog 3.14.2: products in the order people read them, cache entries that expire spread out."""

from __future__ import annotations

from flask import Flask

from tests.shop.services.catalog import routes
from tests.shop.services.kit import Kit


def build(kit: Kit) -> Flask:
    """Give the app."""
    return routes.build(kit, order=by_name, keep_for_s=about_a_minute)


def by_name(products: routes.Products) -> routes.Products:
    return sorted(products, key=lambda product: (str(product["name"]).casefold(), product["sku"]))


def about_a_minute(kit: Kit) -> int:
    return kit.random.randint(55, 65)
