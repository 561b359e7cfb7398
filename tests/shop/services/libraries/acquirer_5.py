"""acquirer-client 5.1.3: authorizes a charge in one request."""

from __future__ import annotations

from tests.shop.services.kit import Partners

HOST, WITHIN_S = "api.acquirer.example", 3.0
ACCEPTED = 201


class Client:
    """Talks to the acquirer."""

    VERSION = "5.1.3"

    def __init__(self, partners: Partners) -> None:
        self._partners = partners

    def authorize(self, order: str, cents: int) -> bool:
        """Say whether the acquirer accepts a charge."""
        body = {"order": order, "cents": cents}
        return self._partners.call(HOST, "/charges", body, WITHIN_S).status == ACCEPTED
