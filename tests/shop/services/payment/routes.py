"""payment: charges cards through an acquirer outside the shop, books in PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue
from opentelemetry import trace

from tests.shop.services.kit import Connections, Kit

DECLINED = 0.04
METHODS = "SELECT brand, last4 FROM mandate WHERE customer = %s"
BOOK = "INSERT INTO charge (purchase, customer, cents, status) VALUES (%s, %s, %s, %s)"

tracer = trace.get_tracer("shop.payment")


@dataclass(frozen=True)
class Order:
    """What is to be paid, by whom, and with what."""

    id: str
    customer: str
    cents: int
    card: str
    stored: bool


Authorize = Callable[[Order], bool]
Charge = Callable[[Connections, Authorize, Order], bool]


def build(kit: Kit, charge: Charge) -> Flask:
    """Give the app, with the way its versions charge an order."""
    app = kit.app()
    pool = kit.pool

    def authorize(order: Order) -> bool:
        with tracer.start_as_current_span(
            "acquirer authorize",
            kind=trace.SpanKind.CLIENT,
            attributes={"server.address": "api.acquirer.example", "shop.order": order.id},
        ):
            kit.work(0.11, 0.45)
            return kit.random.random() >= DECLINED

    @app.get("/methods/<customer>")
    def methods(customer: str) -> ResponseReturnValue:
        with pool.connection() as connection:
            rows = connection.execute(METHODS, (customer,)).fetchall()
        kit.work(0.004, 0.3)
        return jsonify(methods=[{"brand": brand, "last4": last4} for brand, last4 in rows])

    @app.post("/charges")
    def charges() -> ResponseReturnValue:
        asked = request.get_json()
        order = Order(
            id=asked["order"],
            customer=asked["customer"],
            cents=asked["cents"],
            card=asked["card"]["token"],
            stored=asked["card"]["stored"],
        )
        if not charge(pool, authorize, order):
            kit.log.warning("card declined for order %s of %s", order.id, order.customer)
            return jsonify(error="card declined"), 402
        kit.log.info("charged %.2f EUR for order %s", order.cents / 100, order.id)
        return jsonify(order=order.id), 201

    return app
