"""A redacted text beside a whole one: what is hidden in the one may be anything in the other.

Who checks a report may know other secrets than who made it, and calls people otherwise.
"""

from __future__ import annotations

import re
from typing import Final

from agent.redaction.people import MARK

HIDDEN: Final = re.compile(rf"\[redacted:\w+\]|{MARK.pattern}")
"""What stands in the place of what is hidden."""


def is_of(redacted: str, whole: str) -> bool:
    """Whether `whole` is what `redacted` shows of it, in order, with anything in between."""
    first, *shown = HIDDEN.split(redacted)
    if not shown:
        return first == whole
    at, end = len(first), len(whole) - len(shown[-1])
    if at > end or not (whole.startswith(first) and whole.endswith(shown[-1])):
        return False
    return is_in_order(shown[:-1], whole[at:end])


def is_in_order(parts: list[str], whole: str) -> bool:
    """Whether all the parts stand in `whole` one behind the other."""
    at = 0
    for part in parts:
        at = whole.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return True
