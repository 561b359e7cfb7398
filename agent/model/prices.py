"""What a call cost, by `prices.toml`; what no price is known of is unknown, never nothing."""

from __future__ import annotations

import math
import os
import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from agent.errors import SettingError

_KINDS = frozenset({"input", "output", "cache_read", "cache_write"})
_MILLION = 1_000_000
_VERSION = re.compile(r"(?:[-@:](?:v?\d[\d.]*|latest))*")  # -2026-03-05, -20250929-v1:0
_REGION = re.compile(r"^(?:[a-z]{2,6}\.)?(?:anthropic|openai|google)\.")  # as Bedrock calls them

Prices = Mapping[str, float]


def usd(
    provider: str,
    model: str,
    input_tokens: int | None,
    output_tokens: int | None,
    cache_read_tokens: int | None = None,
    cache_write_tokens: int | None = None,
) -> float | None:
    """US dollars of one call; None if its price or what it used is not known.

    `input_tokens` are all, those that were read from or written to a cache included.
    """
    prices = of_model(provider, model)
    if prices is None or input_tokens is None or output_tokens is None:
        return None
    read, written = cache_read_tokens or 0, cache_write_tokens or 0
    plain = max(0, input_tokens - read - written)
    each = (
        (plain, prices["input"]),
        (read, prices.get("cache_read", prices["input"])),
        (written, prices.get("cache_write", prices["input"])),
        (output_tokens, prices["output"]),
    )
    return round(sum(tokens * price for tokens, price in each) / _MILLION, 9)


def of_model(provider: str, model: str) -> Prices | None:
    """The prices of a model by its name, dated or not; None if they are not known."""
    name = _REGION.sub("", model.lower())
    for table in (_own(os.environ.get("INQUEST_PRICES", "")), _shipped()):
        known = _makers(table).get(provider) or _any(table)
        fitting = [one for one in known if _fits(one, name)]
        if fitting:
            return known[max(fitting, key=len)]
    return None


def _fits(known: str, name: str) -> bool:
    if not known:
        return True
    return name.startswith(known) and bool(_VERSION.fullmatch(name[len(known) :]))


def _makers(table: Mapping[str, Any]) -> dict[str, dict[str, Prices]]:
    """The prices by maker, without what a table says of itself."""
    return {name: models for name, models in table.items() if isinstance(models, dict)}


def _any(table: Mapping[str, Any]) -> dict[str, Prices]:
    """The prices of all makers, for a provider that resells their models."""
    makers = _makers(table).values()
    return {name: prices for models in makers for name, prices in models.items() if name}


@cache
def _shipped() -> Mapping[str, Any]:
    return tomllib.loads(files("agent.model").joinpath("prices.toml").read_text("utf-8"))


def _check(prices: Any) -> None:
    """KeyError, TypeError or ValueError unless these are prices."""
    for name in prices.keys() - _KINDS:
        raise ValueError(f"{name} is no price; there are {', '.join(sorted(_KINDS))}")
    for name in ("input", "output", *prices):
        if isinstance(prices[name], bool) or not 0 <= prices[name] < math.inf:
            raise ValueError(f"{name} = {prices[name]!r} is no price")


@cache
def _own(file: str) -> Mapping[str, Any]:
    """The prices of a user's own file; SettingError if it has another form."""
    if not file:
        return {}
    try:
        table = tomllib.loads(Path(file).read_text("utf-8"))
        for models in _makers(table).values():
            for prices in models.values():
                _check(prices)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SettingError(
            f"INQUEST_PRICES names {file}, which has no prices "
            f'([PROVIDER] "MODEL" = {{ input = 1.0, output = 2.0 }}): {error}.'
        ) from None
    return table
