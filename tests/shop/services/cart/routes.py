"""cart: what is in each customer's cart, in Redis."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue

from tests.shop.services.kit import Kit

Line = dict[str, Any]

BUNDLES = "bundle-prices"
BUNDLE_CENTS = {1: 0, 2: 50}


def build(kit: Kit, total_cents: Callable[[Iterable[Line]], int]) -> Flask:
    """Give the app, with the sum its versions reckon differently."""
    app = kit.app()
    store, peers = kit.redis, kit.peers
    keep_for_s = int(kit.settings.configuration["keep_for_s"])

    @app.get("/carts/<cart>")
    def show(cart: str) -> ResponseReturnValue:
        held = store.hgetall(f"cart:{cart}")
        kit.work(0.003, 0.3)
        lines = [json.loads(line) for line in held.values()] if isinstance(held, dict) else []
        total = total_cents(lines)
        if kit.flags.on(BUNDLES):
            total -= bundle_cents(lines)
        return jsonify(cart=cart, lines=lines, total_cents=total)

    @app.put("/carts/<cart>/items")
    def put(cart: str) -> ResponseReturnValue:
        item = request.get_json()
        found = peers.call("catalog", "GET", f"/products/{item['sku']}")
        if found.status != 200:
            return jsonify(found.body), found.status
        line = {**found.body, "quantity": item["quantity"]}
        key = f"cart:{cart}"
        both = store.pipeline()
        both.hset(key, item["sku"], json.dumps(line))
        both.expire(key, keep_for_s)
        both.execute()
        kit.log.info("cart %s holds %d of %s", cart, item["quantity"], item["sku"])
        return jsonify(line)

    return app


def bundle_cents(lines: Iterable[Line]) -> int:
    """Give what is taken off for pieces bought together."""
    return sum(BUNDLE_CENTS[int(line["quantity"])] for line in lines)
