"""shipping: what sending an order costs, by region and weight, rates kept in Redis."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue

from tests.shop.services.kit import Kit

BASE_CENTS = {"emea": 490, "amer": 890, "apac": 1190}
CARRIER_AWAY = 0.004


def build(kit: Kit, price_cents: Callable[[int, int], int]) -> Flask:
    """Give the app, with the tariff its versions disagree on."""
    app = kit.app()
    rates = kit.redis

    def base_cents(region: str) -> int:
        kept = rates.get(f"rate:{region}")
        if isinstance(kept, str):
            return int(kept)
        rates.setex(f"rate:{region}", 120, BASE_CENTS[region])
        kit.log.info("rate for %s read again", region)
        return BASE_CENTS[region]

    @app.post("/quotes")
    def quote() -> ResponseReturnValue:
        asked = request.get_json()
        base = base_cents(asked["region"])
        kit.work(0.02, 0.4)
        if kit.random.random() < CARRIER_AWAY:
            kit.log.warning("carrier answered 503 to a quote for %s", asked["region"])
            return jsonify(error="carrier unavailable"), 503
        pieces = sum(line["quantity"] for line in asked["lines"])
        return jsonify(price_cents=price_cents(base, pieces))

    return app
