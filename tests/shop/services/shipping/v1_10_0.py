"""shipping 1.10.0: keeps the label of every quote at hand, and never lets one go."""

from __future__ import annotations

import os

from flask import Flask, Response

from tests.shop.services.kit import Kit
from tests.shop.services.shipping import routes
from tests.shop.services.shipping.v1_9_3 import price_cents

LABEL_BYTES = 7_000_000


def build(kit: Kit) -> Flask:
    """Give the app."""
    app = routes.build(kit, price_cents)
    labels: list[bytes] = []

    @app.after_request
    def keep(response: Response) -> Response:
        if response.is_json:
            labels.append(draw(response.get_data()))
        return response

    return app


def draw(quote: bytes) -> bytes:
    """Draw a quote's label, a bitmap."""
    return quote + os.urandom(64) * (LABEL_BYTES // 64)
