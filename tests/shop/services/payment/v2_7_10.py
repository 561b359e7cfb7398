"""payment 2.7.10: nothing of its own, only a newer acquirer-client."""

from __future__ import annotations

from flask import Flask

from tests.shop.services.kit import Kit
from tests.shop.services.libraries import acquirer_6
from tests.shop.services.payment import routes
from tests.shop.services.payment.v2_7_9 import charge


def build(kit: Kit) -> Flask:
    """Give the app."""
    return routes.build(kit, charge, acquirer_6.Client)
