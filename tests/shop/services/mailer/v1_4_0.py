"""mailer 1.4.0."""

from __future__ import annotations

from flask import Flask

from tests.shop.services.kit import Kit
from tests.shop.services.mailer import routes


def build(kit: Kit) -> Flask:
    """Give the app."""
    return routes.build(kit, address, again="last")


def address(mail: routes.Mail) -> str:
    return f"orders@{mail['customer']}.example"
