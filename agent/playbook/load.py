"""Playbooks read from YAML: every fault of every file at once, as `file:line: fault`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, get_args

import yaml

import playbooks
from agent.errors import PlaybookError
from agent.playbook.form import ROLES, Check, Playbook, Query, Remedy, Trial
from agent.state import Indicator, Mechanism

OURS = Path(playbooks.__file__).parent
_HERE = Path(__file__).parent
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
TEMPLATE = _HERE / "template.yaml"
"""What a new playbook begins as."""

_NEEDED = {
    "id": str, "title": str, "role": str, "mechanism": str, "indicator": str, "certainty": float,
    "finds": dict, "cause": str, "references": list, "tests": list,
}  # fmt: skip
_MAY = {"checks": list, "explains": list, "remedies": list}
_PARTS: dict[str, tuple[Mapping[str, type], dict[str, type]]] = {
    "finds": ({"question": str, "sql": str}, {}),
    "checks": ({"question": str, "sql": str}, {"confirms": str, "refutes": str}),
    "remedies": ({"text": str, "reversible": bool}, {"command": str}),
    "tests": ({"name": str, "given": dict, "finds": list}, {"question": str, "says": str}),
}
_CHOICES: dict[str, tuple[str, ...]] = {
    "role": ROLES,
    "mechanism": get_args(Mechanism),
    "indicator": get_args(Indicator),
    "confirms": ("rows", "no rows"),
    "refutes": ("rows", "no rows"),
}
_ID = re.compile(r"[a-z0-9_]+/[a-z0-9_]+")
MOST_VALUES = 20_000  # of one file
_KINDS = {str: "text", float: "a number", dict: "a mapping", list: "a list", bool: "true or false"}


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a playbook, and in which line of which file."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}"


@dataclass
class _Reading:
    """One file as it is read: its faults so far, and the line of each value's path."""

    file: str
    faults: list[Fault] = field(default_factory=list)
    lines: dict[str, int] = field(default_factory=dict)
    values: int = 0

    def fault(self, path: str, text: str) -> None:
        while path and path not in self.lines:
            path = path.rpartition(".")[0]
        self.faults.append(Fault(self.file, self.lines.get(path, 1), text))


@cache
def load(folder: Path | None = None) -> tuple[Playbook, ...]:
    """Our own playbooks, and those of `folder`, by id; PlaybookError with every fault."""
    found, faults = read_all(folder)
    if faults:
        raise PlaybookError("\n".join(map(str, faults)))
    return tuple(found)


def read_all(folder: Path | None = None) -> tuple[list[Playbook], list[Fault]]:
    """Our own playbooks and those of `folder` that can be read, by id, and all that is wrong."""
    found: list[Playbook] = []
    faults: list[Fault] = []
    for place in (OURS, *([folder] if folder else [])):
        for file in files(place):
            known = read(file, file.relative_to(place).with_suffix("").as_posix())
            if isinstance(known, Playbook):
                found.append(known)
            else:
                faults += known
    faults += shared_faults(found)
    return sorted(found, key=lambda one: one.id), faults


def reasons() -> list[str]:
    """The reasons that Kubernetes gives for trouble: what playbooks should know."""
    lines = (_HERE / "reasons.txt").read_text("utf-8").splitlines()
    return sorted({w for line in lines if not line.startswith("#") for w in line.split()})


def files(folder: Path) -> list[Path]:
    """The playbooks below a folder; PlaybookError if there is no such folder."""
    if not folder.is_dir():
        raise PlaybookError(f"{folder} is no folder of playbooks.")
    return sorted(folder.glob("*/*.yaml"))


def read(file: Path, expected_id: str) -> Playbook | list[Fault]:
    """One file as a playbook, or all that is wrong with it."""
    reading = _Reading(str(file))
    try:
        node = yaml.compose(file.read_text("utf-8"), Loader=_LOADER)
        if node is None:
            return [Fault(str(file), 1, "the file is empty")]
        told = _plain(node, "", reading)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        return [Fault(str(file), line, f"no YAML: {error.problem}")]
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        return [Fault(str(file), 1, f"it cannot be read: {error}")]
    _check(told, expected_id, reading)
    return reading.faults or _made(told, reading)


def shared_faults(found: Iterable[Playbook]) -> Iterator[Fault]:
    """What is wrong between playbooks: one id twice, one SQL twice, a reference to none."""
    ids: dict[str, Playbook] = {}
    queries: dict[str, Playbook] = {}
    every = list(found)
    for one in every:
        first = ids.setdefault(one.id, one)
        if first is not one:
            yield Fault(one.file, one.lines["id"], f"id {one.id} is that of {first.file} too")
        same = queries.setdefault(" ".join(one.finds.sql.split()), one)
        if same is not one:
            yield Fault(one.file, one.lines["finds.sql"], f"it asks the same as {same.id}")
    for one in every:
        for at, other in enumerate(one.explains):
            if other not in ids:
                line = one.lines[f"explains.{at}"]
                yield Fault(one.file, line, f"explains {other!r}, and there is no such playbook")


def _plain(node: yaml.Node, path: str, reading: _Reading) -> Any:
    """A YAML node as plain values; the line of each is noted, a key that is there twice a fault."""
    reading.lines[path] = node.start_mark.line + 1
    reading.values += 1
    if reading.values > MOST_VALUES:
        raise yaml.YAMLError(f"it holds more than {MOST_VALUES:,} values, aliases and all")
    if isinstance(node, yaml.MappingNode):
        told: dict[str, Any] = {}
        for key_node, value in node.value:
            key = str(key_node.value)
            inner = f"{path}.{key}" if path else key
            if key in told:
                reading.fault(path, f"{key} is there twice")
            told[key] = _plain(value, inner, reading)
            reading.lines[inner] = key_node.start_mark.line + 1
        return told
    if isinstance(node, yaml.SequenceNode):
        return [_plain(one, f"{path}.{at}", reading) for at, one in enumerate(node.value)]
    try:
        return yaml.SafeLoader("").construct_object(node)
    except ValueError as error:
        reading.fault(path, f"{node.value!r} is no value: {error}")
        return None


def _check(told: Any, expected_id: str, reading: _Reading) -> None:
    if not isinstance(told, dict):
        reading.fault("", "a playbook is a mapping of id, title, finds and more")
        return
    _keys(told, _NEEDED, _MAY, "", reading)
    if told.get("id") != expected_id or not _ID.fullmatch(expected_id):
        reading.fault("id", f"id is {told.get('id')!r}; by its file it is {expected_id!r}")
    listed = [(key, _items(told, key)) for key in ("references", "explains")]
    for at, test in enumerate(_items(told, "tests")):
        if isinstance(test, dict):
            listed.append((f"tests.{at}.finds", _items(test, "finds")))
    for path, texts in listed:
        for at, one in enumerate(texts):
            if not isinstance(one, str):
                reading.fault(f"{path}.{at}", f"{path} holds {one!r}, expected a text")
    certainty = told.get("certainty")
    if isinstance(certainty, int | float) and not 0 < certainty < 1:
        reading.fault("certainty", f"certainty is {certainty}; it lies between 0 and 1")
    for part, (needed, may) in _PARTS.items():
        value = told.get(part)
        each = [(part, value)] if part == "finds" else [
            (f"{part}.{at}", one) for at, one in enumerate(_items(told, part))
        ]  # fmt: skip
        for path, one in each:
            if isinstance(one, dict):
                _keys(one, needed, may, path, reading)
            elif value is not None:
                reading.fault(path, f"{path} is {one!r}, expected a mapping")
    _tests(told.get("tests"), reading)


def _items(told: dict[str, Any], key: str) -> list[Any]:
    value = told.get(key)
    return value if isinstance(value, list) else []


def _keys(
    told: dict[str, Any],
    needed: Mapping[str, type],
    may: Mapping[str, type],
    path: str,
    reading: _Reading,
) -> None:
    for key in needed:
        if key not in told:
            reading.fault(path, f"{key} is missing")
    for key, value in told.items():
        inner = f"{path}.{key}" if path else key
        kind = needed.get(key) or may.get(key)
        if kind is None:
            known = ", ".join([*needed, *may])
            reading.fault(inner, f"{key!r} is not known here; known are {known}")
        elif not isinstance(value, (int, float) if kind is float else kind):
            reading.fault(inner, f"{key} is {value!r}, expected {_KINDS[kind]}")
        elif key in _CHOICES and value not in _CHOICES[key]:
            reading.fault(inner, f"{key} is {value!r}; it is one of {', '.join(_CHOICES[key])}")
        elif isinstance(value, str) and not value.strip():
            reading.fault(inner, f"{key} is empty")


def _tests(tests: Any, reading: _Reading) -> None:
    """At least one test that fires and one that must stay silent."""
    every = [one for one in tests if isinstance(one, dict)] if isinstance(tests, list) else []
    for at, one in enumerate(every):
        for table, rows in (one["given"] if isinstance(one.get("given"), dict) else {}).items():
            if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
                text = f"{table} is {str(rows)[:60]!r}, expected a list of rows"
                reading.fault(f"tests.{at}.given.{table}", text)
    told = [one.get("finds") for one in every]
    if not any(told) or all(told):
        reading.fault("tests", "tests hold at least one that finds something and one that does not")


def _made(told: dict[str, Any], reading: _Reading) -> Playbook:
    return Playbook(
        id=told["id"],
        title=told["title"],
        role=told["role"],
        mechanism=told["mechanism"],
        indicator=told["indicator"],
        certainty=float(told["certainty"]),
        finds=Query(**told["finds"]),
        cause=told["cause"].strip(),
        checks=tuple(_made_check(one) for one in told.get("checks", ())),
        explains=tuple(told.get("explains", ())),
        remedies=tuple(Remedy(**one) for one in told.get("remedies", ())),
        references=tuple(told["references"]),
        tests=tuple(Trial(**{**one, "finds": tuple(one["finds"])}) for one in told["tests"]),
        file=reading.file,
        lines=reading.lines,
    )


def _made_check(told: dict[str, Any]) -> Check:
    query = Query(told["question"], told["sql"])
    return Check(query, told.get("confirms"), told.get("refutes"))
