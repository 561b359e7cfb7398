"""What a model is shown of text that comes from telemetry: nothing of what a line or label says."""

from __future__ import annotations

import re
from collections.abc import Iterable

_HIDDEN = "“…”"
_QUOTED = re.compile(r"“.*?”|\{.*?\}")
_NAME = re.compile(r"[\w.:/@+-]{1,64}(?: [\w.:/@+-]{1,64}){0,2}")


def odd_names(names: Iterable[str]) -> list[str]:
    """Those names that may say more than a name should, the longest first."""
    return [n for n in sorted(names, key=len, reverse=True) if not _NAME.fullmatch(n)]


def shown(text: str, odd: Iterable[str]) -> str:
    """A sentence of the engine's without what a log, a label or an odd name says in it."""
    for name in odd:
        text = text.replace(name, _HIDDEN)
    return _QUOTED.sub(_HIDDEN, text)
