"""R16: whatever a model words or cites, no published report has a claim that does not resolve.

A real report is made of a recorded incident; each claim of each sentence is altered as a model that
makes things up would, and each alteration must be found.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from agent.apps.incidents import evidence_of, recorded
from agent.apps.ingest import take_in
from agent.apps.verify import grounds as grounds_of
from agent.apps.verify import unresolved
from agent.config import Request
from agent.investigation import investigate
from agent.nodes.claims import Claim
from agent.nodes.resolving import Grounds, Said, sentences
from agent.nodes.verify import numbered, verified
from agent.state import Evidence, Report, Statement
from lake.ask import Rows
from lake.store import Lake

QUICK = "bad_release"
UNITS = {"ms": "s", "s": "ms", "%": "ms", "min": "s", "h": "min"}
# What code cannot tell: another number of the same row, and another name in a sentence that has no
# number and cites rows of every service.
CAUGHT = {"number": 0.9, "unit": 0.75, "name": 0.2, "time": 0.9, "quote": 1.0}
pytestmark = pytest.mark.faults  # an investigation takes seconds


@dataclass(frozen=True, slots=True)
class Altered:
    """A sentence with one claim of it made up."""

    kind: str
    said: Said


def made(name: str, folder: Path) -> tuple[Report, Grounds]:
    """The report on a recorded incident, and what it rests on."""
    with Lake.create(folder / name) as lake:
        take_in(lake, evidence_of(name), lambda _: None)
        report = investigate(lake, Request())
        rows: dict[str, Rows] = {
            key: lake.at(one.snapshots).ask(one.sql) for key, one in report.evidence.items()
        }

    def ask(one: Evidence) -> Rows:
        return rows[one.id]

    return report, grounds_of(report, ask)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, Grounds]:
    return made(QUICK, tmp_path_factory.mktemp("citations"))


def alterations(said: Said, claim: Claim, names: list[str]) -> Iterator[Altered]:
    """A claim as a model might get it wrong: a digit, a unit, a name, a time, words of its own."""
    for kind, text in _wrong(claim, names):
        word = rf"(?<![\w.:,-]){re.escape(_told(claim))}(?!\w)"
        for match in re.finditer(word, said.text):
            changed = said.text[: match.start()] + text + said.text[match.end() :]
            yield Altered(kind, replace(said, text=changed))
            break


def _told(claim: Claim) -> str:
    return f"{claim.text} {claim.unit}" if claim.unit else claim.text


def _wrong(claim: Claim, names: list[str]) -> Iterator[tuple[str, str]]:
    if claim.kind == "quote":
        yield "quote", f"{claim.text} and more"
    elif claim.kind == "name":
        yield from (("name", name) for name in names if name.casefold() != claim.text.casefold())
    elif claim.kind == "time":
        hours, minutes, seconds = claim.text.split(" ")[-1].split(":")
        yield "time", f"{hours}:{minutes}:{(int(seconds) + 7) % 60:02}"
        yield "time", f"{(int(hours) + 1) % 24:02}:{minutes}:{seconds}"
    else:
        for at, digit in enumerate(claim.text):
            if digit.isdigit() and (at or digit != "9" or len(claim.text) > 1):
                other = "1" if not at and digit == "9" else str((int(digit) + 1) % 10)
                changed = claim.text[:at] + other + claim.text[at + 1 :]
                yield "number", _told(replace(claim, text=changed))
        if claim.unit in UNITS:
            yield "unit", _told(replace(claim, unit=UNITS[claim.unit]))


def tried(report: Report, grounds: Grounds) -> tuple[Counter[str], Counter[str], list[Altered]]:
    """How many alterations there were of each kind, how many were found, and which were not."""
    among: Counter[str] = Counter()
    found: Counter[str] = Counter()
    missed = []
    names = sorted({c.resource.name for c in (*report.causes, *report.ruled_out)})[:6]
    for said in sentences(report):
        if said.part.startswith(("title", "next_steps")):
            continue  # which rest on all evidence
        for claim, _ in grounds.resolve(said):
            for one in alterations(said, claim, names):
                among[one.kind] += 1
                if all(place for _, place in grounds.resolve(one.said)):
                    missed.append(one)
                else:
                    found[one.kind] += 1
    return among, found, missed


def test_every_claim_of_a_real_report_is_found(report: tuple[Report, Grounds]) -> None:
    made, grounds = report
    lost = [
        (said.text, claim.text)
        for said in sentences(made)
        for claim, place in grounds.resolve(said)
        if place is None
    ]
    assert lost == []


def test_what_a_model_makes_up_is_found(report: tuple[Report, Grounds]) -> None:
    among, found, _ = tried(*report)
    shares = {kind: found[kind] / among[kind] for kind in among}
    assert {kind for kind, share in shares.items() if share < CAUGHT[kind]} == set(), shares


@pytest.mark.parametrize("cited", [("E999",), ("E1", "E999"), ("",), ("levels",)])
def test_no_citation_of_what_is_not_there_is_published(
    cited: tuple[str, ...], report: tuple[Report, Grounds]
) -> None:
    made, grounds = report
    made_up = Statement(made.summary[0].text, cited)
    causes = tuple(replace(one, evidence_against=cited) for one in made.causes)
    timeline = tuple(replace(one, evidence=cited) for one in made.timeline)
    wrong = replace(made, summary=(made_up, *made.summary), causes=causes, timeline=timeline)
    published = numbered(verified(wrong, replace(grounds, report=wrong)))
    assert list(unresolved(published)) == []
    assert made_up.text in [one.text for one in published.summary]
    assert published.timeline == ()
    assert published.verdict == made.verdict


def test_a_true_sentence_that_cites_other_rows_is_not_published(
    report: tuple[Report, Grounds],
) -> None:
    made, grounds = report
    wrong = [
        (said.text, key)
        for said in made.summary
        for key, one in made.evidence.items()
        if not one.rows and re.search(r"\d", said.text)
        if grounds.carries(Statement(said.text, (key,)))
    ]
    assert wrong == []


def test_every_recorded_incident_holds_and_what_is_made_up_of_it_is_found(tmp_path: Path) -> None:
    told = ["incident             kind       tried  found"]
    for name in sorted(recorded()):
        made_of, grounds = made(name, tmp_path)
        assert all(place for s in sentences(made_of) for _, place in grounds.resolve(s)), name
        among, found, missed = tried(made_of, grounds)
        told += [f"{name:20} {k:9} {among[k]:6} {found[k]:6}" for k in sorted(among)]
        told += [f"  not told: {one.kind}: {one.said.text[:150]}" for one in missed[:20]]
    sys.stdout.write("\n" + "\n".join(told) + "\n")
