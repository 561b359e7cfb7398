"""inventory: how much of each product there is, and for whom it is held, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue

from tests.shop.services.kit import Connections, Kit

LOW = 20
STOCK = "SELECT available FROM stock WHERE sku = %s"
HOLD = "INSERT INTO reservation (purchase, skus) VALUES (%s, %s)"
DROP = "DELETE FROM reservation WHERE purchase = %s"


def build(kit: Kit, take: Callable[[Connections, list[str]], bool]) -> Flask:
    """Give the app, with the way its versions take pieces out of stock."""
    app = kit.app()
    pool = kit.pool

    @app.get("/stock/<sku>")
    def stock(sku: str) -> ResponseReturnValue:
        with pool.connection() as connection:
            row = connection.execute(STOCK, (sku,)).fetchone()
        kit.work(0.003, 0.3)
        available = row[0] if row else 0
        if available < LOW:
            kit.log.warning("stock of %s is low: %d left", sku, available)
        return jsonify(available=available)

    @app.post("/reservations")
    def reserve() -> ResponseReturnValue:
        wanted = request.get_json()
        skus = sorted(line["sku"] for line in wanted["lines"])
        kit.work(0.008, 0.3)
        if not take(pool, skus):
            kit.log.warning("order %s wants what is out of stock", wanted["order"])
            return jsonify(error="out of stock"), 409
        with pool.connection() as connection:
            connection.execute(HOLD, (wanted["order"], skus))
        return jsonify(order=wanted["order"]), 201

    @app.delete("/reservations/<order>")
    def release(order: str) -> ResponseReturnValue:
        with pool.connection() as connection:
            connection.execute(DROP, (order,))
        kit.log.info("reservation of order %s released", order)
        return jsonify(order=order)

    return app
