"""Does it name the right cause in systems that are not ours? `python -m tests.bench.rca SET`.

Every case of a set of recorded faults goes into a lake of its own and is investigated at its time;
the services that the report blames, best first, are its answer, which the set's own script scores.
The recordings lie beside the project, in `../shared/rca`, and never in it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from agent.apps import shelf
from agent.config import Request
from agent.graph import investigate
from agent.state import Report
from lake.store import Lake
from tests.bench.nezha import adapter as nezha

PACK = Path(__file__).resolve().parents[3] / "shared" / "rca"

Case = Mapping[str, Any]


@dataclass(frozen=True)
class Bar:
    """What another method reaches on a set, as the set's own page measured it."""

    method: str
    ac_1: float
    ac_3: float
    avg_5: float


@dataclass(frozen=True)
class Set:
    """How the evidence of a set's cases goes into a lake, and what others reach on it."""

    take_in: Callable[[Lake, Path, Case], object]
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Answer:
    """What came of one case: the ranking is of (name, score), best first."""

    case: str
    report: Report
    ranking: tuple[tuple[str, float], ...]
    seconds: float

    @property
    def line(self) -> str:
        """The answer as the script that scores wants it."""
        names, scores = zip(*self.ranking, strict=True) if self.ranking else ((), ())
        return json.dumps({"case": self.case, "ranking": names, "scores": scores})


SETS = {
    "nezha-trainticket": Set(  # figures of ../shared/rca/README.md, measured on these cases
        nezha.take_in,
        (
            Bar("N-Sigma on 20 min of metrics", 0.143, 0.238, 0.229),
            Bar("rank fusion of logs, spans, metrics", 0.238, 0.619, 0.571),
            Bar("error-log count z alone", 0.381, 0.619, 0.590),
            Bar("best peer: Nezha's own code", 0.619, 0.952, 0.905),
        ),
    ),
}


def cases(name: str) -> Iterator[Case]:
    """The visible cases of a set, without their answers."""
    for line in (PACK / "cases.jsonl").read_text("utf-8").splitlines():
        case = json.loads(line)
        if case["set"] == name:
            yield case


def answered(case: Case, lake_folder: Path) -> Answer:
    """Investigate one case in a lake of its own, and leave the report there."""
    started = time.monotonic()
    with Lake.create(lake_folder) as lake:
        SETS[case["set"]].take_in(lake, PACK, case)
        report = investigate(lake, Request(at=datetime.fromisoformat(case["at"])))
        shelf.save(report, lake.path)
    return Answer(case["case"], report, ranking(report), time.monotonic() - started)


def ranking(report: Report) -> tuple[tuple[str, float], ...]:
    """The services that a report names, each once: its causes by rank, then what it ruled out.

    A score is the probability, and 1 more for a cause, so that none ruled out comes before one.
    """
    blamed = [(c, 1 + c.probability) for c in report.causes]
    blamed += [(c, c.probability) for c in report.ruled_out]
    scores: dict[str, float] = {}
    for cause, score in blamed:
        if cause.resource.kind == "service":
            scores.setdefault(cause.resource.name, score)
    return tuple(sorted(scores.items(), key=lambda pair: -pair[1]))


def score(name: str, answers: Iterable[Answer], folder: Path) -> dict[str, Any]:
    """What the set's own script says of the answers; a case without one counts as wrong."""
    file = folder / "answers.jsonl"
    file.write_text("".join(f"{answer.line}\n" for answer in answers), "utf-8")
    told = subprocess.run(
        [sys.executable, PACK / "score.py", file, "--set", name, "--json"],
        check=True,
        capture_output=True,
        text=True,
    )
    scored: dict[str, Any] = json.loads(told.stdout)[name]
    return scored


def run(name: str, folder: Path, limit: int | None = None) -> dict[str, Any]:
    """Answer the cases of a set, and say each answer, the score and what others reach.

    The lakes, the reports in them and `answers.jsonl` are left in `folder`.
    """
    answers = []
    for case in islice(cases(name), limit):
        answers.append(answered(case, folder / Path(case["case"]).name))
        _say(_line(answers[-1]))
    scored = score(name, answers, folder)
    _say(f"\n{'':38}{'n':>5}{'AC@1':>8}{'AC@3':>8}{'Avg@5':>8}")
    for fault, row in scored.items():
        _say(_figures(fault or "Inquest", row["n"], row["AC@1"], row["AC@3"], row["Avg@5"]))
    for bar in SETS[name].bars:
        _say(_figures(bar.method, scored[""]["n"], bar.ac_1, bar.ac_3, bar.avg_5))
    seconds = sum(answer.seconds for answer in answers) / len(answers)
    _say(f"{seconds:.1f} s a case, ingest and investigation, {len(answers)} cases")
    return scored


def _line(answer: Answer) -> str:
    blamed = ", ".join(f"{name} {blame:.2f}" for name, blame in answer.ranking[:3])
    return f"{answer.case:40} {answer.report.verdict:12} {answer.seconds:5.1f} s  {blamed}"


def _figures(name: str, cases: int, ac_1: float, ac_3: float, avg_5: float) -> str:
    return f"{name:38}{cases:>5}{ac_1:>8.3f}{ac_3:>8.3f}{avg_5:>8.3f}"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Run a set from the command line; 0 done, 2 its recordings are not here."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.rca")
    parser.add_argument("set", choices=SETS)
    parser.add_argument("--limit", type=int, metavar="N", help="only the first cases")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="leave lakes and reports here")
    asked = parser.parse_args()
    if not PACK.is_dir():
        sys.stderr.write(f"the recorded faults are not here: {PACK} is missing\n")
        return 2
    with tempfile.TemporaryDirectory() as scratch:
        run(asked.set, asked.keep or Path(scratch), asked.limit)
    return 0


if __name__ == "__main__":
    sys.exit(main())
