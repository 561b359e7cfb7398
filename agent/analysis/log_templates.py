"""Log lines without what varies in them, and which of the templates came, went, grew or shrank.

The masks are data that RE2 (DuckDB's `regexp_replace(text, pattern, replacement, 'g')`, in this
order) and Python's `re` read alike: no look-around, no back-reference, ASCII classes only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from agent.analysis.distributions import benjamini_hochberg
from agent.analysis.experiments import poisson_rates

_CLOCK = r"[0-9]{2}:[0-9]{2}:[0-9]{2}([.,][0-9]+)?"
_ZONE = r"( ?(Z|UTC|[+-][0-9]{2}:?[0-9]{2}))?"
_MONTH = r"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_POD = r"[bcdfghjklmnpqrstvwxz2456789]"  # Kubernetes' random suffixes: no vowels, so no words

MASKS: tuple[tuple[str, str], ...] = (
    (rf"[0-9]{{4}}[-/][0-9]{{2}}[-/][0-9]{{2}}([T ]{_CLOCK}{_ZONE})?", "<time>"),
    (rf"[0-9]{{1,2}}/{_MONTH}/[0-9]{{4}}:{_CLOCK}{_ZONE}", "<time>"),
    (rf"\b{_MONTH} +[0-9]{{1,2}},? ([0-9]{{4}} )?{_CLOCK}", "<time>"),
    (rf"\b{_CLOCK}{_ZONE}", "<time>"),
    (r"\b[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b", "<id>"),
    (r"\b(status|code|HTTP/[0-9.]+)([\" =:]+)5[0-9]{2}\b", r"\1\2<server_error>"),
    (r"\b(status|code|HTTP/[0-9.]+)([\" =:]+)4[0-9]{2}\b", r"\1\2<client_error>"),
    (r'"[^"]*"', "<str>"),
    (r"(^|[^0-9A-Za-z_])'[^']*'", r"\1<str>"),
    (r"\?[^ =&?]+=[^ ]*", "?<query>"),
    (r"\b([0-9]{1,3}\.){3}[0-9]{1,3}(:[0-9]+)?\b", "<ip>"),
    (r"\b([0-9a-fA-F]{1,4}::?){2,7}[0-9a-fA-F]{1,4}\b", "<ip>"),
    (rf"-{_POD}{{8,10}}-{_POD}{{5}}\b", "-<id>"),
    (r"\b0[xX][0-9a-fA-F]+\b", "<id>"),
    (r"\b([0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h|d))+\b", "<num>"),
    (r"\b[0-9]+(\.[0-9]+)*([eE][+-]?[0-9]+)?\b", "<num>"),
    (r"\b[0-9a-fA-F]{8,}\b", "<id>"),
    (r"\b[0-9A-Za-z]*[0-9][A-Za-z]+[0-9][0-9A-Za-z]*\b", "<id>"),
    (r"[0-9]+", "<num>"),
)
"""Patterns and what stands for them, in order: times, ids, strings, addresses, numbers.

Whose fault an HTTP status is stays visible, since that is what such a line is about.
"""

_COMPILED = tuple((re.compile(pattern, re.ASCII), stands) for pattern, stands in MASKS)


def mask(text: str) -> str:
    """The template of a log line: the line with all that varies from one to the next masked."""
    for pattern, stands in _COMPILED:
        text = pattern.sub(stands, text)
    return text


@dataclass(frozen=True, slots=True)
class Novelty:
    """One entry a template; `kind` is new, gone, more, less or same, the last if not significant.

    `p_value` is not adjusted; `ratio` is the rate after over the rate before, always finite.
    """

    p_value: NDArray[np.float64]
    ratio: NDArray[np.float64]
    kind: NDArray[np.str_]


def novelty(
    counts_before: ArrayLike,
    counts_after: ArrayLike,
    exposure_before: ArrayLike,
    exposure_after: ArrayLike,
    *,
    alpha: float = 0.01,
    min_ratio: float = 2.0,
) -> Novelty:
    """Say of each template how its rate changed; exposures are seconds or lines observed.

    `alpha` bounds the false discovery rate over all templates. Logs come in bursts, which a Poisson
    test takes for news, so a rate must also change by the factor `min_ratio`.
    """
    before, after = np.broadcast_arrays(np.asarray(counts_before), np.asarray(counts_after))
    rates = poisson_rates(before, exposure_before, after, exposure_after)
    adjusted = benjamini_hochberg(rates.p_value)
    changed = (adjusted <= alpha) & (np.abs(np.log(rates.ratio)) >= np.log(min_ratio))
    kind = np.select(
        [~changed, before == 0, after == 0, rates.ratio > 1.0],
        ["same", "new", "gone", "more"],
        default="less",
    )
    return Novelty(rates.p_value, rates.ratio, kind)
