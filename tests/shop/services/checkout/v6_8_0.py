"""checkout 6.8.0: turns a cart into an order: stock, shipping, money, then the order itself."""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections.abc import Mapping
from typing import Any

from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue
from opentelemetry import metrics, propagate, trace
from redis import RedisError

from tests.shop.services.kit import MAILS, Kit, PeerError, Peers, PeerTimeoutError, Reply

FLAT_RATE_CENTS = 690
PAYMENT_WITHIN_S = 2.0
INSERT = (
    "INSERT INTO purchase (id, customer, region, total_cents, placed_at)"
    " VALUES (%s, %s, %s, %s, now())"
)

log = logging.getLogger("checkout")
tracer = trace.get_tracer("shop.checkout")


def build(kit: Kit) -> Flask:
    """Give the app."""
    app = kit.app()
    pool, peers, queue = kit.pool, kit.peers, kit.redis
    timeout_s = kit.settings.configuration["payment_timeout_s"]
    attempts = int(kit.settings.configuration["payment_attempts"])
    orders = metrics.get_meter("shop.checkout").create_counter("shop.orders", "{order}")

    def shipping_cents(lines: list[dict[str, Any]], region: str) -> int:
        try:
            quote = peers.call("shipping", "POST", "/quotes", {"lines": lines, "region": region})
        except PeerError as error:
            kit.log.warning("flat rate for shipping to %s: %s", region, error)
            return FLAT_RATE_CENTS
        return int(quote.body["price_cents"])

    def give_up(order: str, outcome: str, region: str) -> None:
        orders.add(1, {"shop.outcome": outcome, "shop.region": region})
        peers.call("inventory", "DELETE", f"/reservations/{order}")

    def confirm(order: str, customer: str, region: str) -> None:
        """Leave the mail to the mailer; an order stands without it."""
        about = {"messaging.system": "redis", "messaging.destination.name": MAILS}
        with tracer.start_as_current_span(f"send {MAILS}", None, trace.SpanKind.PRODUCER, about):
            headers: dict[str, str] = {}
            propagate.inject(headers)
            mail = {"order": order, "customer": customer, "region": region, "headers": headers}
            try:
                queue.lpush(MAILS, json.dumps(mail))
            except RedisError as error:
                kit.log.warning("no mail for order %s: %s", order, error)

    @app.post("/orders")
    def place() -> ResponseReturnValue:
        wanted = request.get_json()
        customer, region = wanted["customer"], wanted["region"]
        order = uuid.UUID(int=kit.random.getrandbits(128), version=4).hex[:12]
        cart = peers.call("cart", "GET", f"/carts/{wanted['cart']}").body
        if not cart["lines"]:
            return jsonify(error="the cart is empty"), 409
        lines = [{"sku": line["sku"], "quantity": line["quantity"]} for line in cart["lines"]]
        held = peers.call("inventory", "POST", "/reservations", {"order": order, "lines": lines})
        if held.status != 201:
            return jsonify(held.body), held.status
        total = cart["total_cents"] + shipping_cents(lines, region)
        charge = {"order": order, "customer": customer, "cents": total, "card": wanted["card"]}
        try:
            paid = pay(peers, charge, timeout_s, attempts)
        except PeerError:
            give_up(order, "failed", region)
            raise
        if paid.status != 201:
            give_up(order, "declined", region)
            return jsonify(paid.body), paid.status
        with pool.connection() as connection:
            connection.execute(INSERT, (order, customer, region, total))
        confirm(order, customer, region)
        orders.add(1, {"shop.outcome": "placed", "shop.region": region})
        kit.log.info("order %s placed by %s for %.2f EUR", order, customer, total / 100)
        return jsonify(order=order, total_cents=total), 201

    return app


def pay(peers: Peers, charge: Mapping[str, Any], timeout_s: float, attempts: int) -> Reply:
    """Ask payment, and at once again when it takes too long, while there is time."""
    deadline, attempt = time.monotonic() + PAYMENT_WITHIN_S, 1
    while True:
        try:
            return peers.call("payment", "POST", "/charges", charge, timeout_s)
        except PeerTimeoutError as error:
            if attempt == attempts or time.monotonic() >= deadline:
                raise
            log.warning("order %s, attempt %d: %s", charge["order"], attempt, error)
        attempt += 1
