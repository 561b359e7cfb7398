"""Which paths of a repository belong to which services: a file of patterns, the last one wins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

from agent.errors import RequestError

_LARGEST = 1_000_000
_SHAPE = "paths:\n  services/checkout/: checkout\n  libs/money/: [checkout, payment]\n  docs/: []"


@dataclass(frozen=True, slots=True)
class Rule:
    """A pattern as in .gitignore, and the services that own what it matches: perhaps none."""

    pattern: GitIgnoreSpecPattern
    services: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ServiceMap:
    """The rules of one file, in its order."""

    rules: tuple[Rule, ...]

    def owners(self, path: str) -> tuple[str, ...] | None:
        """The services that `path` belongs to; None if no rule knows it."""
        matching = (rule for rule in reversed(self.rules) if rule.pattern.match_file(path))
        rule = next(matching, None)
        return rule.services if rule else None


def read_map(file: Path) -> ServiceMap:
    """Read a map; RequestError with every fault of the file and its line."""
    try:
        text = file.read_bytes()[: _LARGEST + 1].decode()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise RequestError(
            f"The map of services {file} cannot be read ({why}); it looks like this:\n{_SHAPE}"
        ) from None
    if len(text) > _LARGEST:
        raise RequestError(f"The map of services {file} is larger than {_LARGEST:,} characters.")
    try:
        root = yaml.compose(text, yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise RequestError(f"{file}: no YAML: {' '.join(str(error).split())}.") from None
    rules: list[Rule] = []
    if faults := list(_rules(root, rules)):
        told = "\n".join(f"{file}:{line}: {fault}" for line, fault in faults)
        raise RequestError(f"{told}\nA map of services looks like this:\n{_SHAPE}")
    return ServiceMap(tuple(rules))


Faults = Iterator[tuple[int, str]]


def _rules(root: yaml.Node | None, rules: list[Rule]) -> Faults:
    """Fill `rules` from the document; yield what is wrong with it."""
    if not isinstance(root, yaml.MappingNode):
        yield 1, "the file holds no mapping; expected `paths:`"
        return
    for key, value in root.value:
        if key.value != "paths":
            yield _line(key), f"{key.value!r} is not known here; expected only `paths:`"
        elif not isinstance(value, yaml.MappingNode) or not value.value:
            yield _line(key), "`paths:` holds no patterns"
        else:
            yield from _paths(value.value, rules)
    if not any(key.value == "paths" for key, _ in root.value):
        yield 1, "`paths:` is missing"


def _paths(entries: Sequence[tuple[yaml.Node, yaml.Node]], rules: list[Rule]) -> Faults:
    seen: dict[str, int] = {}
    for key, value in entries:
        first = seen.setdefault(str(key.value), _line(key))
        pattern = _pattern(key)
        if first != _line(key):
            yield _line(key), f"the pattern {key.value!r} was given on line {first} already"
        if pattern is None:
            yield _line(key), f"{key.value!r} is no pattern; expected one as in .gitignore, no `!`"
        nodes = value.value if isinstance(value, yaml.SequenceNode) else [value]
        wrong = [node for node in nodes if not _is_name(node)]
        for node in wrong:
            yield _line(node), f"{key.value!r} names no service; expected a name, names or []"
        if pattern and not wrong:
            rules.append(Rule(pattern, tuple(dict.fromkeys(node.value for node in nodes))))


def _pattern(key: yaml.Node) -> GitIgnoreSpecPattern | None:
    """The pattern, unless it matches nothing or takes a match back."""
    if not isinstance(key, yaml.ScalarNode):
        return None
    try:
        pattern = GitIgnoreSpecPattern(key.value)
    except ValueError:
        return None
    return pattern if pattern.include else None


def _is_name(node: yaml.Node) -> bool:
    return (
        isinstance(node, yaml.ScalarNode)
        and node.tag == "tag:yaml.org,2002:str"
        and node.value.strip() != ""
    )


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
