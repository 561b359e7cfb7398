"""The sentences of a playbook with a finding's own words in them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

from agent.quotes import named

MOST = 300  # characters of a value

_QUOTED = re.compile(r"'[^']*'|\"(?:[^\"\\\\]|\\\\.)*\"")
_OF_NAMESPACE = re.compile(r" (?:-n|--namespace)[ =]\{namespace\}")
_BRACED = re.compile(r"\{(\w+)\}")


def place(kind: str, namespace: str, name: str) -> str:
    """An object as `Kind/namespace/name`; what has no namespace, as a node, is `Kind/name`."""
    return "/".join(part for part in (kind, namespace, name) if part)


def names(template: str) -> set[str]:
    """The columns that a template speaks of."""
    return set(_BRACED.findall(template))


def filled(template: str, values: Mapping[str, object]) -> str:
    """A sentence in which `{column}` is the finding's value; what it does not know is left out.

    What is no plain name is quoted: it is telemetry's word, not ours.
    """

    def worded(match: re.Match[str]) -> str:
        word = _word(values.get(match[1]))
        return named(word) if word else ""

    return " ".join(_BRACED.sub(worded, template).split())


def command(template: str, values: Mapping[str, object]) -> str:
    """A shell command in which every value is one word, whatever it holds.

    Without a namespace none is told; where a value would be read as an option there is no command.
    """
    words = {name: _word(values.get(name)) for name in names(template)}
    if any(word.startswith("-") for word in words.values()):
        return ""
    if not words.get("namespace"):
        template = _OF_NAMESPACE.sub("", template)
    return _BRACED.sub(lambda m: shlex.quote(words[m[1]]), template)


def in_quotes(template: str) -> set[str]:
    """The columns of a command that stand within quotes, where no quoting of theirs would hold."""
    return {name for part in _QUOTED.findall(template) for name in names(part)}


def _word(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return " ".join(str(value).split())[:MOST]
