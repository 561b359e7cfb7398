"""acquirer-client 6.0.1: takes short-lived tokens, and keeps none of them for the next charge."""

from __future__ import annotations

from tests.shop.services.kit import Partners
from tests.shop.services.libraries import acquirer_5


class Client(acquirer_5.Client):
    """Talks to the acquirer, in two requests a charge."""

    VERSION = "6.0.1"

    def __init__(self, partners: Partners) -> None:
        super().__init__(partners)
        self._tokens = partners

    def authorize(self, order: str, cents: int) -> bool:
        """Ask for a token, then whether the acquirer accepts a charge."""
        self._tokens.call(acquirer_5.HOST, "/tokens", {}, acquirer_5.WITHIN_S)
        return super().authorize(order, cents)
