"""shipping: what sending an order costs, by region and weight, rates kept in Redis."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue

from tests.shop.services.kit import Kit, PeerError

BASE_CENTS = {"emea": 490, "amer": 890, "apac": 1190}
CARRIER, CARRIER_WITHIN_S = "api.carrier.example", 1.5


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
        try:
            kit.partners.call(CARRIER, "/quotes", asked, CARRIER_WITHIN_S)
        except PeerError as error:
            kit.log.warning("no quote for %s: %s", asked["region"], error)
            return jsonify(error="carrier unavailable"), 503
        pieces = sum(line["quantity"] for line in asked["lines"])
        return jsonify(price_cents=price_cents(base, pieces))

    @app.get("/estimates/<region>")
    def estimate(region: str) -> ResponseReturnValue:
        base = base_cents(region)
        kit.partners.call(CARRIER, "/estimates", {"region": region}, CARRIER_WITHIN_S)
        return jsonify(price_cents=price_cents(base, 1))

    return app
