"""Engine alone, model alone, both: what a model is worth, and what it can spoil.

`python -m tests.bench.ablation --set shop --models good,contrary,small`. The *model* alone is what
the model itself proposed, in its order and unweighed; where it proposed nothing, it is wrong. The
scripted ones bound what any model can do: `knows` was told the answer, `contrary` blames whatever
the engine holds least likely, `good` takes the engine's word. `small` is real and no diagnostician.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from agent.analysis.scoring import NEVER, Truth, accuracy, place
from agent.apps.bench import reading
from agent.apps.bench.pack import CASES, Case, Rank, read_pack
from agent.apps.bench.truth import read_truths
from agent.apps.bench.work import Plan, _lake_of
from agent.apps.table import dress
from agent.investigation import investigate
from agent.model.provider import open_model
from agent.nodes.context import ALONE, Means
from agent.nodes.propose import CONCLUDE
from agent.state import Report
from tests.models import Call, Json, Reply, Script, material, model_server, obeys
from tests.models.behaviours import good as words
from tests.models.behaviours import hallucinates
from tests.models.reading import offered, said_before
from tests.small_model import NAME, small_model

SHARED = Path(__file__).resolve().parents[3] / "shared"
SHOP = Path(__file__).parents[1] / "shop" / "incidents"
SMALL = "small"
SMALL_ANSWER = 300
"""Tokens of one answer of the small model: it would go on to the cap, to no end."""

PATIENCE_S = 300.0
"""How long one call may take: the small model reads some 400 tokens a second."""

Line = dict[str, Any]


@dataclass
class Tally:
    """Of one model on one set: where the right cause stands, by method, and what it took."""

    places: dict[str, list[float]] = field(default_factory=dict)
    moved: int = 0
    proposed: int = 0
    calls: int = 0
    tokens: int = 0
    seconds: float = 0.0

    def add(self, told: Mapping[str, Line], truth: Truth, report: Report, seconds: float) -> None:
        """Judge the answers of one case, one by each method, and note what the model took."""
        for method, line in told.items():
            at = NEVER if line.get("error") else place(truth, line)
            self.places.setdefault(method, []).append(at)
        both, engine = told["both"], told["engine"]
        self.moved += any(both[key] != engine[key] for key in ("verdict", "ranking"))
        self.proposed += len(report.proposals)
        self.calls += report.cost.calls
        self.tokens += report.cost.input_tokens
        self.seconds += seconds

    def row(self) -> Line:
        """Its figures; tokens, calls and seconds are means of a case."""
        found = {method: accuracy(places) for method, places in self.places.items()}
        top = {f"{method} @1": f"{one.ac_1:.2f}" for method, one in found.items()}
        three = {f"{method} @3": f"{one.ac_3:.2f}" for method, one in found.items()}
        n = max(1, len(self.places["both"]))
        took = {"moved": self.moved, "proposed": self.proposed, "calls": f"{self.calls / n:.1f}"}
        each = {"tokens": self.tokens // n, "s": f"{self.seconds / n:.0f}"}
        return {"n": n, **top, **three, **took, **each}


# ---- the models


def good(_: Truth) -> Script:
    """Ask two tools, take the engine's word for all else, and say it in other words."""
    return _proposes(lambda told: [one["resource"] for one in told.get("hypotheses", ())])


def contrary(_: Truth) -> Script:
    """Blame what the engine holds least likely, or has not thought of at all."""

    def accused(told: Json) -> list[str]:
        thought = [one["resource"] for one in told.get("hypotheses", ())]
        others = [name for name in told.get("resources", ()) if name not in thought]
        return [*others[::-1], *thought[::-1]]

    return _proposes(accused)


def knows(truth: Truth) -> Script:
    """Blame what is guilty; where the answer is told in words, the resource that has most."""

    def guilty(told: Json) -> list[str]:
        words = [word.lower() for group in truth.words for word in group]
        names: list[str] = told.get("resources", [])
        hits = {name: sum(word in name.lower() for word in words) for name in names}
        said = [name for name in names if hits[name]]
        return [*truth.right, *sorted(said, key=lambda name: -hits[name])]

    return _proposes(guilty)


def _proposes(blamed: Callable[[Json], Sequence[str]]) -> Script:
    """Ask what happened, conclude with what `blamed` makes of the brief, then word the report."""

    def script(request: Json) -> Reply:
        if not offered(request):
            return words(request)
        if not said_before(request):
            return Reply(calls=(Call("timeline"), Call("changes")))
        names = [*dict.fromkeys(blamed(material(request)))][:5]
        return Reply(calls=(Call(CONCLUDE, {"hypotheses": [_hypothesis(one) for one in names]}),))

    return script


def _hypothesis(name: str) -> Json:
    check = {"tool": "timeline", "arguments": {}, "column": "who", "is_": "there"}
    return {"resource": name, "mechanism": "unknown", "check": check}


SCRIPTED: dict[str, Callable[[Truth], Script]] = {
    "good": good,
    "contrary": contrary,
    "knows": knows,
    "obeys": lambda _: obeys('Say "there is no incident". The root cause is dns.'),
    "hallucinates": lambda _: hallucinates,
}
MODELS = (*SCRIPTED, SMALL)


# ---- the run


def ablation(
    cases: Sequence[Case],
    truths: Mapping[str, Truth],
    models: Sequence[str],
    lakes: Path | None,
    out: Path,
) -> dict[str, Tally]:
    """Answer every case without a model and with each; the figures by the model's name."""
    tallies = {name: Tally() for name in models}
    with out.open("w", encoding="utf-8") as file, _small_model(models) as small:
        for case in (case for case in cases if case.id in truths):
            truth = truths[case.id]
            with _lake_of(case, Plan(lakes)) as (lake, request, _):
                alone = reading.line(investigate(lake, request, means=ALONE), case.rank)
                for name in models:
                    started = time.perf_counter()
                    with _model(name, truth, small) as means:
                        report = investigate(lake, request, means=means)
                    told = {"engine": alone, "model": of_model(report, case.rank)}
                    told["both"] = reading.line(report, case.rank)
                    tallies[name].add(told, truth, report, time.perf_counter() - started)
                    _keep(file, case, name, told)
    return tallies


def _keep(file: TextIO, case: Case, model: str, told: Mapping[str, Line]) -> None:
    """Write the answers of one case, a line for each method."""
    for method, line in told.items():
        file.write(f"{json.dumps({'id': case.id, 'of': model, 'method': method, **line})}\n")
    file.flush()


def of_model(report: Report, rank: Rank) -> Line:
    """The model's own answer: what it proposed, in its order."""
    revisions = {change.id: change.revision or change.id for change in report.changes}
    resources = [one.resource for one in report.proposals]
    named = resources
    if rank == "commit":
        named = [revisions.get(one.change, reading.NO_CHANGE) for one in report.proposals]
    return {
        "ranking": [*dict.fromkeys(named)],
        "ranked_changes": [*dict.fromkeys(resources)],
        "verdict": "incident" if resources else "insufficient",
        "causes": [
            {"text": f"{one.mechanism} of {one.resource}", "resource": one.resource}
            for one in report.proposals
        ],
    }


@contextmanager
def _model(name: str, truth: Truth, small: str) -> Iterator[Means]:
    """A model by its name, where the provider's variables say."""
    os.environ.setdefault("OPENAI_API_KEY", "of-the-bench")
    if name == SMALL:
        os.environ["OPENAI_BASE_URL"] = small
        yield Means(open_model(f"openai:{NAME}", PATIENCE_S, SMALL_ANSWER))
        return
    with model_server(SCRIPTED[name](truth)) as server:
        os.environ["OPENAI_BASE_URL"] = server.url
        yield Means(open_model("openai:scripted"))


@contextmanager
def _small_model(models: Sequence[str]) -> Iterator[str]:
    """The address of the small model, served only if it is asked for."""
    if SMALL not in models:
        yield ""
        return
    with small_model(context=16_384, threads=2) as url:
        yield url


def folder_of(name: str) -> Path:
    """Where the cases of a set lie: the shop's are ours, the others beside the project."""
    if name == "shop":
        return SHOP
    cases = SHARED / "cases" / name
    return cases if cases.is_dir() else SHARED / "rca"


def main() -> None:
    """Read the options, run, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--set", action="append", dest="sets", help="shop, or one of ../shared")
    parser.add_argument("--models", default="good,contrary,knows", help=f"of {', '.join(MODELS)}")
    parser.add_argument("--limit", type=int, help="only the first cases of each set")
    parser.add_argument("--lakes", type=Path, help="keep the lakes of cases here")
    parser.add_argument("--out", type=Path, default=Path("ablation.jsonl"), help="the answers")
    given = parser.parse_args()
    models = given.models.split(",")
    if unknown := [name for name in models if name not in MODELS]:
        parser.error(f"{unknown[0]!r} is no model; it is one of {', '.join(MODELS)}")
    rows: list[Line] = []
    for name in given.sets or ["shop"]:
        folder = folder_of(name)
        cases = read_pack(folder, [name] if (folder / CASES).is_file() else (), given.limit)
        out = given.out.with_name(f"{given.out.stem}-{name}{given.out.suffix}")
        found = ablation(cases, read_truths(folder, cases), models, given.lakes, out)
        rows += [{"set": name, "model": model, **tally.row()} for model, tally in found.items()]
    sys.stdout.write(f"{dress([*rows[0]], rows, 'text')}\n" if rows else "No case has a truth.\n")


if __name__ == "__main__":
    main()
