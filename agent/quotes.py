"""What telemetry says, in a sentence of ours: quoted so that it cannot close the quotation.

The model is not shown what stands in quotes or braces, and `verify` looks for no number there, so
text that could end them early would pass for a sentence of the engine.
"""

from __future__ import annotations

import re

_NAME = re.compile(r"[\w.:/@+-]{1,64}(?: [\w.:/@+-]{1,64}){0,2}")
_MARKS = str.maketrans({"“": "'", "”": "'", "{": "(", "}": ")"})


def plain(text: str) -> str:
    """The text without the marks that quote."""
    return text.translate(_MARKS)


def quoted(text: str) -> str:
    """The text as a quotation, whatever it holds."""
    return f"“{plain(text)}”"


def named(text: str) -> str:
    """A name as it is, if it is one; else as a quotation."""
    return text if _NAME.fullmatch(text) else quoted(text)
