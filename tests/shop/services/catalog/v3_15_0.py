"""catalog 3.15.0: remembers every page it has rendered, to compare them, and forgets none."""

from __future__ import annotations

import os

from flask import Flask, Response

from tests.shop.services.catalog import routes
from tests.shop.services.catalog.v3_14_1 import a_minute, by_sku
from tests.shop.services.kit import Kit

PAGE_BYTES = 2_400_000


def build(kit: Kit) -> Flask:
    """Give the app."""
    app = routes.build(kit, order=by_sku, keep_for_s=a_minute)
    pages: list[bytes] = []

    @app.after_request
    def keep(response: Response) -> Response:
        if response.is_json:
            pages.append(render(response.get_data()))
        return response

    return app


def render(products: bytes) -> bytes:
    """Render a page of products."""
    return products + os.urandom(64) * (PAGE_BYTES // 64)
