"""What the cases' answers are: no part of what is investigated."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from agent.analysis.scoring import Truth
from agent.apps.bench.pack import CASES, Case, read_text
from agent.errors import RequestError

LABELS, TRUTH = "labels.jsonl", "truth.json"

_WANTED = {"case": "a text that names it", "truth": "a list of texts", "text": "a text"}


def read_truths(folder: Path, cases: Sequence[Case]) -> dict[str, Truth]:
    """The truths by case, of those that have one and that say how an answer is judged.

    RequestError with every fault there is, one a line, as `file:line: fault`.
    """
    faults: list[str] = []
    if (folder / CASES).is_file():
        file = folder / LABELS
        truths = _labelled(file, faults) if file.is_file() else {}
    else:
        told = {case.id: _of_file(case.pack / case.id / TRUTH, faults) for case in cases}
        truths = {name: truth for name, truth in told.items() if truth}
    if faults:
        raise RequestError("\n".join([*faults, "Nothing was judged."]))
    return truths


def _labelled(file: Path, faults: list[str]) -> dict[str, Truth]:
    truths: dict[str, Truth] = {}
    first: dict[str, int] = {}
    for number, text in enumerate(read_text(file).split("\n"), 1):
        if not text.strip():
            continue
        try:
            name, truth = _label(_object(text, "no label"))
            if name in first:
                raise ValueError(f"{name} is in line {first[name]} already")
        except (ValueError, RecursionError) as error:
            faults.append(f"{file}:{number}: {error}.")
            continue
        first[name], truths[name] = number, truth
    return truths


def _label(label: dict[str, Any]) -> tuple[str, Truth]:
    """A case and its truth; ValueError says what is wrong."""
    for key in ("case", "truth"):
        if not label.get(key):
            raise ValueError(f"it has no {key!r}, {_WANTED[key]}")
    return _text(label, "case"), Truth(_texts(label, "truth"), _text(label, "fault"))


def _of_file(file: Path, faults: list[str]) -> Truth | None:
    """The truth beside a folder of evidence; None if there is none."""
    if not file.is_file():
        return None
    try:
        return _told(_object(read_text(file)))
    except (ValueError, RecursionError) as error:
        faults.append(f"{file}: {error}.")
        return None


def _told(told: dict[str, Any]) -> Truth | None:
    """A truth in any of the forms that cases are recorded in; ValueError says what is wrong."""
    mode, name = _text(told, "mode"), _text(told, "name")
    if guilty := _text(told, "guilty_change"):
        return Truth((guilty,), _text(told, "fault_class"), "change")
    if mode == "healthy" or told.get("verdict") == "no_incident":
        return Truth((), name or "healthy", "healthy")
    if mode and told.get("must_mention"):
        words, banned = _groups(told, "must_mention"), _texts(told, "must_not_mention")
        return Truth((), mode, "words", words, banned)
    if right := tuple(dict.fromkeys(_culprits(told))):
        return Truth(right, _text(told, "kind") or name)
    if isinstance(blocker := told.get("blocker"), dict) and blocker.get("table"):
        return Truth((), name, "words", _of_session(blocker))
    return None


def _culprits(told: dict[str, Any]) -> Iterator[str]:
    """The resources that a recording's own truth names."""
    for key in ("culprit", "cause", "causes", "blocker", "resources"):
        yield from _resources(told.get(key))


def _resources(named: Any) -> Iterator[str]:
    """The names in a resource, in what has resources, or in a list of these."""
    if isinstance(named, str):
        yield named
    elif isinstance(named, list):
        for one in named:
            yield from _resources(one)
    elif isinstance(named, dict):
        yield from (str(named[key]) for key in ("service", "resource", "name") if named.get(key))
        yield from _resources(named.get("resources"))


def _of_session(blocker: dict[str, Any]) -> tuple[tuple[str, ...], ...]:
    """What names a session that held a lock and no service: who it was, and the table."""
    who = (f"session {blocker.get('pid')}", _text(blocker, "user"))
    return tuple(filter(None, who)), (_text(blocker, "table"),)


def _object(text: str, otherwise: str = "no JSON") -> dict[str, Any]:
    try:
        told = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{otherwise}: {error}") from None
    if not isinstance(told, dict):
        raise ValueError("no JSON object")
    return told


def _text(told: dict[str, Any], key: str) -> str:
    if not isinstance(told.get(key) or "", str):
        raise ValueError(f"{key} is {told[key]!r}; it is {_WANTED['text']}")
    return told.get(key) or ""


def _texts(told: dict[str, Any], key: str) -> tuple[str, ...]:
    return _list_of_texts(told.get(key) or [], key)


def _groups(told: dict[str, Any], key: str) -> tuple[tuple[str, ...], ...]:
    groups = told[key] if isinstance(told[key], list) else [told[key]]
    return tuple(_list_of_texts(group, f"a group of {key}") for group in groups)


def _list_of_texts(given: Any, what: str) -> tuple[str, ...]:
    if not isinstance(given, list) or not all(isinstance(one, str) and one for one in given):
        raise ValueError(f"{what} is {given!r}; it is {_WANTED['truth']}")
    return tuple(given)
