"""The sentences of a playbook with a finding's own words in them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

_BRACED = re.compile(r"\{(\w+)\}")


def place(kind: str, namespace: str, name: str) -> str:
    """An object as `Kind/namespace/name`; what has no namespace, as a node, is `Kind/name`."""
    return "/".join(part for part in (kind, namespace, name) if part)


def names(template: str) -> set[str]:
    """The columns that a template speaks of."""
    return set(_BRACED.findall(template))


def filled(template: str, values: Mapping[str, object]) -> str:
    """A sentence in which `{column}` is the finding's value; what it does not know is left out."""
    return " ".join(_BRACED.sub(lambda m: _word(values.get(m[1])), template).split())


def command(template: str, values: Mapping[str, object]) -> str:
    """A shell command in which every value is one word, whatever it holds."""
    return _BRACED.sub(lambda m: shlex.quote(_word(values.get(m[1]))), template)


def _word(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
