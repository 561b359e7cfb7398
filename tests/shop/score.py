"""Investigate recorded seeds and say how well: `python -m tests.shop.score DIR [--at-once 2]`.

DIR holds recordings, each a folder with `evidence/` and `truth.json`. The report of each is kept
beside them as `report.json`. A line of the answer says, for one recording: was it left alone if it
was calm; is the first cause one of the right ones, and its path grounded; were guilty changes
implicated, and innocent ones not; how long it took.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

Json = Mapping[str, Any]
CELL = {True: "yes", False: "NO", None: "-"}
HEAD = ("recording", "kind", "verdict", "first cause", "right", "all", "ground", "guilty", "innoc")


@dataclass(frozen=True)
class Score:
    """How one report does against its truth; what does not apply is None.

    `right` says that the first cause is a right one, or that nobody was blamed where nothing is
    wrong; `every` that each of several causes is among the causes told; `guilty` that every guilty
    change was implicated; `innocent` that no other was. Who fell over did nothing right.
    """

    name: str
    kind: str
    verdict: str
    first: str
    right: bool
    every: bool | None
    grounded: bool | None
    guilty: bool | None
    innocent: bool | None
    cleared: tuple[int, int]
    calm: bool
    probability: float
    seconds: float = 0.0


def main() -> int:
    """Print a line a recording and the sums; 1 if there is nothing to score."""
    parser = argparse.ArgumentParser(prog="python -m tests.shop.score", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--at-once", type=int, default=1)
    parser.add_argument("--kept", action="store_true", help="score the reports that are there")
    asked = parser.parse_args()
    found = sorted(asked.folder.glob("**/truth.json"), key=lambda file: natural(file.parent.name))
    if not found:
        sys.stderr.write(f"no recording in {asked.folder}\n")
        return 1
    with ThreadPoolExecutor(asked.at_once) as pool:
        scores = list(pool.map(lambda file: investigate(file.parent, kept=asked.kept), found))
    for line in table(scores):
        sys.stdout.write(line + "\n")
    return 0


def natural(name: str) -> tuple[int, str]:
    return int(name) if name.isdigit() else sys.maxsize, name


def investigate(recording: Path, *, kept: bool = False) -> Score:
    """Let the command line investigate one recording, and judge what it says."""
    file, began = recording / "report.json", time.monotonic()
    if not (kept and file.exists()):
        file.write_text(json.dumps(ask(recording / "evidence")), encoding="utf-8")
    report, truth = (json.loads(each.read_bytes()) for each in (file, recording / "truth.json"))
    return replace(judge(recording.name, report, truth), seconds=time.monotonic() - began)


def ask(evidence: Path) -> Json:
    """Give the report on a folder of evidence; one without a verdict if there was none."""
    inquest = Path(sys.executable).parent / "inquest"
    with tempfile.TemporaryDirectory() as desk:
        told = subprocess.run(
            [inquest, "investigate", evidence.resolve(), "--format", "json"],
            cwd=desk,
            capture_output=True,
            check=False,
        )
    if told.returncode not in (0, 1) or not told.stdout:
        return {"verdict": "failed", "error": told.stderr.decode(errors="replace")[-2000:]}
    report: Json = json.loads(told.stdout)
    return report


def judge(name: str, report: Json, truth: Json) -> Score:
    """Compare a report with the truth."""
    causes: Sequence[Json] = report.get("causes", ())
    expected: Sequence[Json] = truth.get("causes", ())
    first = causes[0] if causes else None
    blames, fell = (report["verdict"] == said for said in ("cause_found", "failed"))
    right = not blames if truth["calm"] else any(is_right(first, each) for each in expected)
    right = right and not fell
    changes: Sequence[Json] = report.get("changes", ())
    implicated = {key(each) for each in changes if each["verdict"] == "implicated"}
    guilty = {key(each["change"]) for each in expected if each["change"]}
    innocent = {key(each) for each in truth["innocent_changes"]} - guilty
    verdicts = {key(each): each["verdict"] for each in changes}
    return Score(
        name=name,
        kind=truth["name"],
        verdict=report["verdict"],
        first=first["resource"]["name"] if first else "",
        right=right,
        every=named_all(causes, expected) if len(expected) > 1 else None,
        grounded=bool(first and first["grounded"]) if expected and right else None,
        guilty=guilty <= implicated if guilty else None,
        innocent=not (fell or implicated & innocent) if innocent else None,
        cleared=(sum(verdicts.get(each) == "cleared" for each in innocent), len(innocent)),
        calm=truth["calm"],
        probability=float(first["probability"]) if first else 0.0,
    )


def named_all(causes: Iterable[Json], expected: Iterable[Json]) -> bool:
    told = list(causes)
    return all(any(is_right(cause, each) for cause in told) for each in expected)


def is_right(cause: Json | None, expected: Json) -> bool:
    """Say whether a cause blames a right resource; of a store its database does not matter."""
    if cause is None:
        return False
    blamed = plain(cause["resource"]["name"])
    return blamed in {plain(each["name"]) for each in expected["resources"]}


def plain(resource: str) -> str:
    return resource.partition("/")[0].lower()


def key(change: Json) -> tuple[str, str, str]:
    """Tell changes apart: a release by its version, all else by its kind."""
    kind = change["kind"]
    return kind, change["service"], change["version"] if kind == "deploy" else ""


def table(scores: Sequence[Score]) -> Iterator[str]:
    """Give the lines of the table, and the sums."""
    yield line((*HEAD, "cleared", "p", "s"))
    for each in scores:
        flags = (each.right, each.every, each.grounded, each.guilty, each.innocent)
        cleared, probability = "{}/{}".format(*each.cleared), f"{each.probability:.2f}"
        words = (*(CELL[flag] for flag in flags), cleared, probability, f"{each.seconds:.0f}")
        yield line((each.name, each.kind, each.verdict, each.first, *words))
    faulty, calm = ([e for e in scores if e.calm is is_calm] for is_calm in (False, True))
    yield f"first cause right: {ratio(each.right for each in faulty)}"
    yield f"said so (cause_found): {ratio(e.verdict == 'cause_found' for e in faulty)}"
    yield f"of the right ones grounded: {ratio(each.grounded for each in faulty)}"
    yield f"each of several causes named: {ratio(each.every for each in faulty)}"
    yield f"guilty changes implicated: {ratio(each.guilty for each in faulty)}"
    yield f"no innocent change implicated: {ratio(each.innocent for each in scores)}"
    told, made = (sum(each.cleared[place] for each in scores) for place in (0, 1))
    yield f"innocent changes cleared: {told}/{made}"
    yield f"calm left alone: {ratio(each.right for each in calm)}"


def line(words: Iterable[str]) -> str:
    widths = (10, 20, 13, 22, 6, 5, 7, 7, 6, 8, 5, 4)
    return "".join(f"{word:<{width}}" for word, width in zip(words, widths, strict=True)).rstrip()


def ratio(answers: Iterable[bool | None]) -> str:
    """Give how many of those that apply are true."""
    told = [each for each in answers if each is not None]
    return f"{sum(told)}/{len(told)}"


if __name__ == "__main__":
    sys.exit(main())
