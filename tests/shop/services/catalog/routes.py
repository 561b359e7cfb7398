"""catalog: the products, from PostgreSQL through a cache in Redis."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue

from tests.shop.services.kit import Kit

Products = list[dict[str, Any]]

LIVE_STOCK = "live-stock"

ALL = "SELECT sku, name, category, price_cents FROM product WHERE %s IN ('all', category)"
ONE = "SELECT sku, name, category, price_cents FROM product WHERE sku = %s"


def build(
    kit: Kit, order: Callable[[Products], Products], keep_for_s: Callable[[Kit], int]
) -> Flask:
    """Give the app, with the two decisions its versions disagree on."""
    app = kit.app()
    pool, cache = kit.pool, kit.redis

    def cached(key: str, sql: str, value: str) -> Products:
        kept = cache.get(key)
        if isinstance(kept, str):
            known: Products = json.loads(kept)
            return known
        kit.log.info("cache miss for %s", key)
        with pool.connection() as connection:
            rows = connection.execute(sql, (value,)).fetchall()
        found = [
            {"sku": row[0], "name": row[1], "category": row[2], "price_cents": row[3]}
            for row in rows
        ]
        cache.setex(key, keep_for_s(kit), json.dumps(found))
        return found

    def in_stock(product: dict[str, Any]) -> dict[str, Any]:
        return product | kit.peers.call("inventory", "GET", f"/stock/{product['sku']}").body

    @app.get("/products")
    def products() -> ResponseReturnValue:
        category = request.args.get("category", "all")
        kit.work(0.006, 0.3)
        found = order(cached(f"products:{category}", ALL, category))
        if kit.flags.on(LIVE_STOCK):
            found = [in_stock(each) for each in found]
        return jsonify(products=found)

    @app.get("/products/<sku>")
    def product(sku: str) -> ResponseReturnValue:
        found = cached(f"product:{sku}", ONE, sku)
        kit.work(0.003, 0.3)
        if not found:
            kit.log.warning("product %s is not in the catalog", sku)
            return jsonify(error=f"no product {sku}"), 404
        return jsonify(found[0])

    return app
