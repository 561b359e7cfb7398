"""`inquest verify --explain`: each sentence of a report, and where each of its claims stands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import TYPE_CHECKING

from agent.apps.table import dress
from agent.apps.terminal import printable
from agent.report.words import shorten

if TYPE_CHECKING:
    from agent.apps.options import Format
    from agent.nodes.resolving import Grounds
    from agent.nodes.standing import Place

COLUMNS = ["part", "sentence", "cites", "kind", "claim", "where"]
_NUMBERED = re.compile(r"E\d+")
_NOT_FOUND = "not found"
_UNASKED = "not looked for: its evidence cannot be asked again"
_UNCITED = "cites no evidence"
_NOTHING = "claims nothing"
_CITED = 6  # ids that are told
_CELL = 60  # characters

Line = dict[str, str]


def broken(evidence: Iterable[Line]) -> Iterator[Line]:
    """A line for each piece of evidence and each part that does not hold, as `verify` has it."""
    for one in evidence:
        if one["verdict"] != "holds":
            name, cites = one["evidence"], _NUMBERED.fullmatch(one["evidence"])
            part = f"evidence.{name}" if cites else name
            about = {"part": part, "sentence": one["question"], "cites": name if cites else ""}
            place = f"{one['verdict']}: {one['detail']}"
            kind = "evidence" if cites else "report"
            yield {**about, "kind": kind, "claim": "", "where": place}


def explained(grounds: Grounds) -> Iterator[Line]:
    """A line for each claim of each sentence, and one for a sentence that claims nothing."""
    from agent.nodes.resolving import sentences
    from lake.errors import InquestError

    for said in sentences(grounds.report):
        if not said.text:
            continue
        cites = ", ".join(said.evidence[:_CITED]) + " …" * (len(said.evidence) > _CITED)
        sentence = {"part": said.part, "sentence": said.text, "cites": cites}
        if said.is_uncited:
            yield {**sentence, "kind": "", "claim": "", "where": _UNCITED}
            continue
        try:
            found = grounds.resolve(said)
        except InquestError:
            yield {**sentence, "kind": "", "claim": "", "where": _UNASKED}
            continue
        for claim, place in found:
            text = f"{claim.text} {claim.unit}".rstrip()
            yield {**sentence, "kind": claim.kind, "claim": text, "where": where(place)}
        if not found:
            yield {**sentence, "kind": "", "claim": "", "where": _NOTHING}


def where(place: Place | None) -> str:
    """A place in words: `E3 row 2 column p95_ms = 812.4, rounds to 812`."""
    if place is None:
        return _NOT_FOUND
    row = f"row {place.row}" if place.row else ""
    column = f"column {place.column}" if place.column and place.row else place.column
    told = " ".join(filter(None, [place.evidence, row, column]))
    cell = shorten(place.cell, _CELL)
    return ", ".join(filter(None, [f"{told} = {cell}".strip(" =") if cell else told, place.how]))


def dressed(lines: list[Line], form: Format) -> str:
    """The lines as a table; as text each sentence stands above its claims."""
    if form != "text":
        return dress(COLUMNS, lines, form)
    widths = [max((len(line[column]) for line in lines), default=0) for column in ("kind", "claim")]
    told = []
    for part, of_it in groupby(lines, key=lambda line: line["part"]):
        claims = list(of_it)
        cites = f"  [{claims[0]['cites']}]" if claims[0]["cites"] else ""
        told.append(printable(f"{part}  {claims[0]['sentence']}{cites}"))
        told += [
            printable(
                f"    {c['kind']:{widths[0]}}  {c['claim']:{min(widths[1], 40)}}  {c['where']}"
            )
            for c in claims
            if c["where"] != _NOTHING
        ]
    return "\n".join(told)
