"""payment: charges cards through an acquirer outside the shop, books in PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue

from tests.shop.services.kit import Connections, Kit
from tests.shop.services.libraries import acquirer_5

METHODS = "SELECT brand, last4 FROM mandate WHERE customer = %s"
BOOK = "INSERT INTO charge (purchase, customer, cents, status) VALUES (%s, %s, %s, %s)"


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


def build(kit: Kit, charge: Charge, client: type[acquirer_5.Client]) -> Flask:
    """Give the app, with the way its versions charge an order and the library they do it with."""
    app = kit.app()
    pool = kit.pool
    acquirer = client(kit.partners)
    kit.log.info("acquirer-client %s", acquirer.VERSION)

    def authorize(order: Order) -> bool:
        return acquirer.authorize(order.id, order.cents)

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
