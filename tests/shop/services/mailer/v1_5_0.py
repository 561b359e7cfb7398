"""mailer 1.5.0: writes to registered addresses, in order; one customer has not registered any."""

from __future__ import annotations

from flask import Flask

from tests.shop.services.kit import Kit
from tests.shop.services.mailer import routes

REGISTERED = {
    "acme": "purchasing@acme.example",
    "globex": "office@globex.example",
    "initech": "facilities@initech.example",
    "hooli": "things@hooli.example",
}


def build(kit: Kit) -> Flask:
    """Give the app."""
    return routes.build(kit, address, again="first")


def address(mail: routes.Mail) -> str:
    known = REGISTERED.get(mail["customer"])
    if known is None:
        raise routes.UnknownCustomerError(f"no registered address of {mail['customer']}")
    return known
