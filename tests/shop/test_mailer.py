"""The bug of mailer 1.5.0 is in its code, and 1.4.0 does not have it."""

from __future__ import annotations

import pytest

from tests.shop.load import CUSTOMERS
from tests.shop.services.mailer import v1_4_0, v1_5_0
from tests.shop.services.mailer.routes import UnknownCustomerError


def test_one_customer_alone_has_no_registered_address() -> None:
    unknown = []
    for customer in CUSTOMERS:
        mail = {"customer": customer.name}
        assert customer.name in v1_4_0.address(mail)
        try:
            v1_5_0.address(mail)
        except UnknownCustomerError:
            unknown.append(customer.name)
    assert unknown == ["umbrella"]


def test_who_is_unknown_is_named() -> None:
    with pytest.raises(UnknownCustomerError, match="umbrella"):
        v1_5_0.address({"customer": "umbrella"})
