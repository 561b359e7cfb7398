"""web 5.2.0: what browsers and apps talk to; it puts each page together from its peers."""

from __future__ import annotations

from flask import Flask, g, jsonify, request
from flask.typing import ResponseReturnValue
from opentelemetry import baggage, context

from tests.shop.services.kit import Kit, name_tenant

CHECKOUT_TIMEOUT_S = 5.0


def build(kit: Kit) -> Flask:
    """Give the app."""
    app = kit.app(before=admit_tenant)
    peers = kit.peers
    app.teardown_request(dismiss_tenant)

    @app.get("/api/products")
    def products() -> ResponseReturnValue:
        category = request.args.get("category", "all")
        found = peers.call("catalog", "GET", f"/products?category={category}")
        return jsonify(found.body), found.status

    @app.get("/api/products/<sku>")
    def product(sku: str) -> ResponseReturnValue:
        found = peers.call("catalog", "GET", f"/products/{sku}")
        if found.status != 200:
            kit.log.info("no such product %s", sku)
            return jsonify(found.body), found.status
        stock = peers.call("inventory", "GET", f"/stock/{sku}")
        return jsonify({**found.body, **stock.body})

    @app.get("/api/cart/<cart>")
    def show_cart(cart: str) -> ResponseReturnValue:
        found = peers.call("cart", "GET", f"/carts/{cart}")
        return jsonify(found.body), found.status

    @app.put("/api/cart/<cart>/items")
    def put_item(cart: str) -> ResponseReturnValue:
        found = peers.call("cart", "PUT", f"/carts/{cart}/items", request.get_json())
        return jsonify(found.body), found.status

    @app.post("/api/checkout")
    def checkout() -> ResponseReturnValue:
        placed = peers.call("checkout", "POST", "/orders", request.get_json(), CHECKOUT_TIMEOUT_S)
        return jsonify(placed.body), placed.status

    @app.get("/api/payment-methods")
    def payment_methods() -> ResponseReturnValue:
        found = peers.call("payment", "GET", f"/methods/{customer()}")
        return jsonify(found.body), found.status

    @app.get("/api/shipping-estimate")
    def shipping_estimate() -> ResponseReturnValue:
        found = peers.call("shipping", "GET", f"/estimates/{region()}")
        return jsonify(found.body), found.status

    return app


def customer() -> str:
    return request.headers.get("X-Customer", "anonymous")


def region() -> str:
    return request.headers.get("X-Region", "emea")


def admit_tenant() -> None:
    """Let customer and region travel with the request as W3C baggage."""
    carried = baggage.set_baggage("shop.customer", customer())
    g.tenant = context.attach(baggage.set_baggage("shop.region", region(), carried))
    name_tenant()


def dismiss_tenant(_error: BaseException | None) -> None:
    tenant = g.pop("tenant", None)
    if tenant is not None:
        context.detach(tenant)
