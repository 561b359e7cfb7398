"""Money as people read it; what is not known is said, and is never nothing."""

from __future__ import annotations

UNKNOWN = "unknown"


def money(usd: float) -> str:
    """Dollars with as many digits as small sums need: `$3.10`, `$0.042`, `$0.00031`."""
    if usd >= 0.995 or usd == 0:
        return f"${usd:,.2f}"
    return f"${usd:.2g}" if usd >= 1e-4 else f"${usd:.1e}"


def paid(usd: float, *, is_all: bool) -> str:
    """What is known to have been paid, and whether there is more: `$0.02 + unknown`."""
    if is_all:
        return money(usd)
    return f"{money(usd)} + {UNKNOWN}" if usd else UNKNOWN
