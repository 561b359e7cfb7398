"""Do vendors' records become the OCSF that others made of them? `python -m tests.bench.ocsf_pairs`.

Every case's raw file goes into a lake of its own, its source guessed, and the lake's events are its
answer, which the set's own script scores: recall and precision of the expected leaves. The cases
lie beside the project, in `../shared/cases`, and never in it.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from statistics import fmean
from types import ModuleType
from typing import Any, TypeAlias

from ingest.bundle import ingest_folder
from lake import ocsf
from lake.errors import InquestError
from lake.event import Event, stored
from lake.store import Lake
from lake.validate import faults

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"

Leaf: TypeAlias = tuple[str, Any]


@dataclass(frozen=True)
class Answer:
    """What came of one case; `taken` says which source took it, or why none did."""

    case: str
    vendor: str
    taken: str
    events: tuple[Event, ...]

    @property
    def line(self) -> str:
        """The answer as the script that scores wants it."""
        return json.dumps({"id": self.case, "events": self.events})

    @property
    def invalid(self) -> list[str]:
        """What is not valid OCSF in the events."""
        found = (fault for event in self.events for fault in faults(event) if not fault.is_warning)
        return sorted({f"{fault.path}: {fault.problem}" for fault in found})


def answers(cases: Path, only: str = "") -> Iterator[Answer]:
    """Take in every case whose id or vendor begins with `only`."""
    for folder in sorted(path for path in (cases / "ocsf_pairs").iterdir() if path.is_dir()):
        vendor = json.loads((folder / "evidence" / "_index.json").read_text())["source"]
        if folder.name.startswith(only) or vendor.startswith(only):
            with tempfile.TemporaryDirectory() as scratch, Lake.create(scratch) as lake:
                yield Answer(folder.name, vendor, *_taken(lake, folder / "evidence"))


def _taken(lake: Lake, folder: Path) -> tuple[str, tuple[Event, ...]]:
    try:
        summaries = ingest_folder(lake, folder)
    except InquestError as error:
        return str(error), ()
    told = [one.source for one in summaries if one.source]
    told += [reason for one in summaries for reason in (*one.quarantined, *one.notes)]
    there = lake.snapshots().keys() - {"quarantine"}
    found = (stored(lake.at(), name, core=ocsf.is_core(name)) for name in sorted(there))
    return "; ".join(told), tuple(chain.from_iterable(found))


def scorer(cases: Path) -> ModuleType:
    """The script that scores, as a module."""
    spec = importlib.util.spec_from_file_location("score", cases / "score.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def scored(cases: Path, answer: Answer) -> dict[str, float]:
    """A case's `partial` (recall), and `precision` where there is anything to be wrong."""
    score: dict[str, float] = scorer(cases).score_ocsf(_truth(cases, answer), vars(answer))
    return score


def amiss(cases: Path, answer: Answer) -> tuple[Counter[Leaf], Counter[Leaf]]:
    """Leaves that were expected and are not there, and those there that were not expected."""
    leaves = scorer(cases).leaves
    expected = sum((leaves(event) for event in _truth(cases, answer)["expected"]), Counter[Leaf]())
    found = sum((leaves(event) for event in answer.events), Counter[Leaf]())
    return expected - found, found - expected


def _truth(cases: Path, answer: Answer) -> dict[str, Any]:
    truth: dict[str, Any] = json.loads(
        (cases / "ocsf_pairs" / answer.case / "truth.json").read_text()
    )
    return truth


def printed(cases: Path, found: Sequence[Answer], *, verbose: bool) -> Iterator[str]:
    """A line a case, then one a vendor and one for all."""
    by_vendor = defaultdict(list)
    for answer in found:
        score = scored(cases, answer)
        by_vendor[answer.vendor].append(score)
        yield f"{answer.case}  {answer.vendor:14.14} {_figures([score])}  {answer.taken:.70}"
        if verbose:
            missed, extra = amiss(cases, answer)
            yield from _leaves("missed", missed)
            yield from _leaves("extra ", extra)
            yield from (f"    invalid {fault}" for fault in answer.invalid)
    for vendor, scores in sorted(by_vendor.items()):
        yield f"{len(scores):8}  {vendor:14.14} {_figures(scores)}"
    every = [score for scores in by_vendor.values() for score in scores]
    valid = sum(not answer.invalid for answer in found)
    yield f"{len(every):8}  {'all':14} {_figures(every)}  valid OCSF: {valid} of {len(found)}"


def _leaves(what: str, leaves: Counter[Leaf]) -> Iterable[str]:
    return (f"    {what} {path} = {value!r}" for path, value in sorted(leaves, key=str))


def _figures(scores: Sequence[dict[str, float]]) -> str:
    named = {"recall": "partial", "precision": "precision", "class": "top1"}
    found = {name: [one[key] for one in scores if key in one] for name, key in named.items()}
    means = {name: fmean(values) if values else 0.0 for name, values in found.items()}
    return "  ".join(f"{name} {value:.3f}" for name, value in means.items())


def main() -> None:
    """Answer, print, and let the set's own script say the last word."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="?", type=Path, default=CASES, help="default: %(default)s")
    parser.add_argument("--only", default="", help="ids or vendors that begin so")
    parser.add_argument("--verbose", action="store_true", help="show missed and extra leaves")
    given = parser.parse_args()
    found = list(answers(given.cases, given.only))
    print(*printed(given.cases, found, verbose=given.verbose), sep="\n")  # noqa: T201  # a script
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.write("".join(f"{answer.line}\n" for answer in found))
        file.flush()
        script = [sys.executable, str(given.cases / "score.py"), file.name, "--set", "ocsf_pairs"]
        subprocess.run(script, check=True)


if __name__ == "__main__":
    main()
