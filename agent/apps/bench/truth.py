"""What the cases' answers are; read only once every case has been answered."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from agent.analysis.scoring import Truth
from agent.apps.bench.pack import CASES, Case
from agent.errors import RequestError

LABELS, TRUTH = "labels.jsonl", "truth.json"


def read_truths(folder: Path, cases: Sequence[Case]) -> dict[str, Truth]:
    """The truths by case, of those that have one and that say how an answer is judged.

    RequestError with every fault of a `labels.jsonl`, one a line.
    """
    if (folder / CASES).is_file():
        return _labelled(folder / LABELS) if (folder / LABELS).is_file() else {}
    truths = ((case.id, _of_file(case)) for case in cases)
    return {name: truth for name, truth in truths if truth}


def _labelled(file: Path) -> dict[str, Truth]:
    truths: dict[str, Truth] = {}
    faults: list[str] = []
    for number, text in enumerate(file.read_text("utf-8").split("\n"), 1):
        if not text.strip():
            continue
        try:
            label = json.loads(text)
            truths[label["case"]] = Truth(tuple(label["truth"]), label.get("fault") or "")
        except (ValueError, KeyError, TypeError) as error:
            lacking = f"it has no {error}" if isinstance(error, KeyError) else f"no label: {error}"
            faults.append(f"{file}:{number}: {lacking}.")
    if faults:
        raise RequestError("\n".join([*faults, "The answers are written, but not judged."]))
    return truths


def _of_file(case: Case) -> Truth | None:
    """The truth beside a folder of evidence, in any of the forms that cases are recorded in."""
    file = case.pack / case.id / TRUTH
    if not file.is_file():
        return None
    try:
        told = json.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise RequestError(f"{file}: no JSON: {error}.") from None
    mode = told.get("mode", "")
    if told.get("guilty_change"):
        return Truth((told["guilty_change"],), told.get("fault_class") or "", "change")
    if mode == "healthy" or told.get("verdict") == "no_incident":
        return Truth((), str(told.get("name") or "healthy"), "healthy")
    if mode and told.get("must_mention"):
        words = tuple(tuple(group) for group in told["must_mention"])
        return Truth((), mode, "words", words, tuple(told.get("must_not_mention") or ()))
    if right := tuple(dict.fromkeys(_culprits(told))):
        return Truth(right, str(told.get("kind") or told.get("name") or ""))
    return None


def _culprits(told: dict[str, Any]) -> Iterator[str]:
    """The resources that a recording's own truth names."""
    for key in ("culprit", "cause", "causes", "blocker", "resources"):
        named = told.get(key)
        for one in named if isinstance(named, list) else [named]:
            if isinstance(one, str):
                yield one
            elif isinstance(one, dict):
                yield from (str(one[k]) for k in ("service", "resource", "name") if one.get(k))
