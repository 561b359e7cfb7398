"""The bug of cart 4.1.0 is in its code, and other versions do not have it."""

from __future__ import annotations

import pytest

from tests.shop.services.cart import v4_0_3, v4_0_4, v4_1_0


def test_only_the_tiers_know_no_large_quantity() -> None:
    many = [{"price_cents": 1000, "quantity": 12}]
    assert (v4_0_3.total(many), v4_0_4.total(many)) == (12000, 11880)
    with pytest.raises(IndexError):
        v4_1_0.total(many)


@pytest.mark.parametrize(("quantity", "cents"), [(1, 1000), (4, 4000), (5, 4900), (9, 8820)])
def test_smaller_quantities_are_charged_by_their_tier(quantity: int, cents: int) -> None:
    assert v4_1_0.total([{"price_cents": 1000, "quantity": quantity}]) == cents
