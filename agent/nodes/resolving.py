"""Every sentence of a report held against its evidence: each claim with the place where it stands.

Names choose the rows: a number or a time must stand in a row that is about what the sentence names,
as far as rows name it. What is derived is one of a few kinds, each computed again: how many rows
there are, a share of two counts, the time between two moments, and the onset of what departed.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from agent.nodes.claims import Claim, claims
from agent.nodes.standing import Place, Rows, Standing
from agent.playbook.load import load
from agent.state import Cause, Change, Evidence, Report, Statement
from lake.errors import InquestError

if TYPE_CHECKING:
    import pyarrow as pa

# The columns in which telemetry calls a thing by its name.
_NAMING = frozenset({
    "service", "caller", "callee", "child", "peer", "name", "instance", "version", "old_version",
    "versions", "node", "zone", "resource", "application", "user_name", "who", "title",
    "relations", "waiters", "namespace", "target", "system",
})  # fmt: skip
_OURS = frozenset({"idle_in_transaction_session_timeout", "lock_timeout"})  # settings we advise
_BY_CHANGE = ("changes", "versions")
_WORD = re.compile(r"[^\s“”{}()\[\],;]+")
_NUMBERED = re.compile(r"E\d+")
_CLOCK = re.compile(r"\d\d:\d\d:\d\d")

Found = tuple[Claim, Place | None]


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence, in which part of the report it stands, and what it rests on.

    `about` is evidence of what its subject is called: names may stand there too. `playbook` is the
    one whose own words it may use, `at` the moment that it is told of.
    """

    part: str
    text: str
    evidence: tuple[str, ...]
    about: tuple[str, ...] = ()
    playbook: str = ""
    at: datetime | None = None
    must_cite: bool = False

    @property
    def is_uncited(self) -> bool:
        """Whether it rests on nothing and may not."""
        return self.must_cite and not self.evidence


@dataclass
class Grounds:
    """What a report's sentences rest on; `answer` gives the rows of a piece of evidence.

    `playbooks` is a folder of more playbooks than ours. What `answer` raises, `resolve` raises.
    """

    report: Report
    answer: Callable[[Evidence], pa.Table]
    playbooks: Path | None = None
    _standings: dict[str, Standing] = field(default_factory=dict)

    def carries(self, said: Statement | Said) -> bool:
        """Whether a sentence cites evidence that is there and says all that the sentence claims."""
        if isinstance(said, Statement):
            if not said.evidence:
                return False
            said = Said("", said.text, said.evidence)
        if not {*said.evidence} <= self.report.evidence.keys():
            return False
        return all(place for _, place in self.resolve(said))

    def resolve(self, said: Said) -> list[Found]:
        """Each claim of a sentence, and where it stands; None where it does not."""
        found = claims(said.text, self.names)
        cited = self._read(said.evidence)
        named = [claim.text for claim in found if claim.kind == "name"]
        among = [self._among(one, named) for one in cited]
        moments = [_of_day(c.text) for c in found if c.kind == "time" and _CLOCK.search(c.text)]
        moments += [at.timestamp() for at in self._onsets(said.evidence)]
        resting = _Resting(said, named, cited, among, moments)
        places = [(claim, self._place(claim, resting)) for claim in found]
        if said.at is not None:
            stands = (one.dated(said.at) for one in cited)
            place = next(filter(None, stands), None)
            places.append((Claim("time", f"{said.at:%Y-%m-%d %H:%M:%S}"), place))
        return places

    def _place(self, claim: Claim, resting: _Resting) -> Place | None:
        if claim.kind == "name":
            return self._named(claim.text, resting)
        if claim.kind == "quote":
            everywhere = (*resting.cited, *self._read(resting.said.about))
            return next(filter(None, (one.quoted(claim.text) for one in everywhere)), None)
        pairs = list(zip(resting.cited, resting.among, strict=True))
        if claim.kind == "time":
            places = (one.timed(claim, among) for one, among in pairs)
            return next(filter(None, places), None) or self._begun(claim, resting.said)
        if claim.called == "cause":
            return self._ranked(claim.text)
        places = (one.counted(claim, among) for one, among in pairs)
        if place := next(filter(None, places), None):
            return place
        if claim.unit in ("s", "min", "h"):
            about = self._read(resting.said.about)
            every = [*pairs, *((one, self._among(one, resting.names)) for one in about)]
            places = (one.lasted(claim, resting.moments, among) for one, among in every)
            if place := next(filter(None, places), None):
                return place
        if not claim.unit:  # a version may be a number
            places = (one.worded(claim.text) for one in self._read(resting.said.about))
            if place := next(filter(None, places), None):
                return place
        return self._own(claim.text, resting.said)

    def _named(self, name: str, resting: _Resting) -> Place | None:
        everywhere = (*resting.cited, *self._read(resting.said.about))
        if place := next(filter(None, (one.named(name) for one in everywhere)), None):
            return place
        if _NUMBERED.fullmatch(name) and name in self.report.evidence:
            return Place(name, how="cited")
        if name.upper() in self._changes:
            return Place("", column="changes", cell=name.upper(), how="a change's number")
        return self._own(name, resting.said)

    def _ranked(self, rank: str) -> Place | None:
        """A cause of the report, called by its rank."""
        ranked = (cause for cause in self.report.causes if str(cause.rank) == rank)
        return next((Place("", column="causes", cell=c.text, how="its rank") for c in ranked), None)

    def _own(self, word: str, said: Said) -> Place | None:
        """What a playbook, or we, say of our own accord: no claim about this incident."""
        known = _words_of(said.playbook, self.playbooks) if said.playbook else _OURS
        if word.casefold() not in known:
            return None
        return Place("", cell=word, how=f"playbook {said.playbook}" if said.playbook else "advice")

    def _begun(self, claim: Claim, said: Said) -> Place | None:
        """The onset or the end, told by the engine, of what departed in the evidence cited."""
        for at, what in self._onsets(said.evidence).items():
            if f"{at:%H:%M:%S}" == claim.text or f"{at:%d %b %H:%M:%S}" == claim.text:
                return Place("", column=what, cell=f"{at}", how="onset")
        return None

    def _onsets(self, cited: Iterable[str]) -> dict[datetime, str]:
        every = self._begins
        return {at: what for name in ("", *cited) for at, what in every.get(name, {}).items()}

    @cached_property
    def _begins(self) -> dict[str, dict[datetime, str]]:
        """When what departed did so, by evidence; the incident's own times are of all."""
        report, found = self.report, defaultdict[str, dict[datetime, str]](dict)
        incident = report.incident
        for at, what in (
            (incident.started_at, "incident.started_at"),
            (incident.ended_at, "incident.ended_at"),
            (incident.detected_at, "incident.detected_at"),
            (incident.window_start, "incident.window_start"),
            (incident.window_end, "incident.window_end"),
        ):
            if at:
                found[""][at.astimezone(UTC)] = what
        for one in report.anomalies:
            found[one.evidence][one.onset.astimezone(UTC)] = f"anomaly of {one.resource}"
        for cause in (*report.causes, *report.ruled_out):
            for hop in cause.path:
                for name in hop.evidence if hop.onset else ():
                    found[name][hop.onset.astimezone(UTC)] = f"onset of {hop.source}"  # type: ignore[union-attr]  # asked above
        for entry in report.timeline:
            for name in entry.evidence if entry.kind in ("signal", "recovery") else ():
                found[name][entry.at.astimezone(UTC)] = "timeline"
        return found

    @cached_property
    def names(self) -> frozenset[str]:
        """What telemetry calls things, in lower case: the report's names, and those in its rows."""
        report = self.report
        known = {*report.incident.services, *report.incident.alerts}
        known |= {one.resource for one in report.anomalies}
        for cause in (*report.causes, *report.ruled_out):
            known |= {cause.resource.name, cause.resource.version, cause.object}
            known |= {end for hop in cause.path for end in (hop.source, hop.target)}
        for change in report.changes:
            known |= {change.id, change.service, change.version, change.previous_version}
            known |= {rollout.instance for rollout in change.rollouts}
        for name, _ in _own(report):
            with suppress(InquestError):  # what cannot be asked names nothing
                known.update(self._standing(name).texts(_NAMING))
        return frozenset(name.casefold() for name in known if len(name) > 1)

    @cached_property
    def _changes(self) -> dict[str, Change]:
        return {change.id: change for change in self.report.changes}

    def _among(self, one: Standing, names: Sequence[str]) -> Rows | None:
        """The rows that are about what a sentence names; None if no row names any of it."""
        found = [rows for name in names if (rows := self._rows(one, name)) is not None]
        return np.logical_or.reduce(found) if found else None

    def _rows(self, one: Standing, name: str) -> Rows | None:
        """The rows that say a name; of a change, those of its service and version."""
        change = self._changes.get(name.upper())
        if change is None:
            return one.rows_with(name)
        of_it = [one.rows_with(n) for n in (change.service, change.version) if n]
        known = [rows for rows in of_it if rows is not None]
        return np.logical_and.reduce(known) if known else None

    def _read(self, cited: Iterable[str]) -> list[Standing]:
        return [self._standing(name) for name in cited if name in self.report.evidence]

    def _standing(self, name: str) -> Standing:
        if name not in self._standings:
            evidence = self.report.evidence[name]
            self._standings[name] = Standing(name, self.answer(evidence), evidence.sql)
        return self._standings[name]


@dataclass(frozen=True, slots=True)
class _Resting:
    """A sentence, what it names and cites, the rows that are meant, and the moments it knows."""

    said: Said
    names: list[str]
    cited: list[Standing]
    among: list[Rows | None]
    moments: list[float]


def sentences(report: Report) -> Iterator[Said]:
    """Every sentence of a report that claims something, with what it rests on."""
    everything = _everything(report)
    first = report.causes[0] if report.causes else None
    book = first.playbook if first else ""
    yield Said("title", report.title, everything, playbook=book)
    for part, said in (("summary", report.summary), ("impact", report.impact)):
        for number, one in enumerate(said):
            yield Said(f"{part}.{number}", one.text, one.evidence, playbook=book, must_cite=True)
    for number, drilled in enumerate(report.drilldowns):
        yield Said(f"drilldowns.{number}", drilled.text, drilled.evidence, must_cite=True)
    for part, causes in (("causes", report.causes), ("ruled_out", report.ruled_out)):
        for number, cause in enumerate(causes):
            yield from _of_cause(f"{part}.{number}", cause, report)
    for number, change in enumerate(report.changes):
        yield from _of_change(f"changes.{number}", change, report)
    for number, proposed in enumerate(report.proposals):
        cited = (*proposed.evidence, *_of_changes(report))
        yield Said(f"proposals.{number}", proposed.text, proposed.evidence, cited)
    about = _of_changes(report)
    for number, entry in enumerate(report.timeline):
        part = f"timeline.{number}"
        yield Said(part, entry.text, entry.evidence, about, at=entry.at, must_cite=True)
    for number, step in enumerate(report.next_steps):
        yield Said(f"next_steps.{number}", step.text, everything, playbook=book)
        if step.why:
            yield Said(f"next_steps.{number}.why", step.why.text, step.why.evidence, must_cite=True)


def _of_cause(part: str, cause: Cause, report: Report) -> Iterator[Said]:
    cited = (*cause.evidence_for, *cause.evidence_against)
    about = _of_changes(report) if cause.change else ()
    about = tuple(dict.fromkeys((*about, *(i for hop in cause.path for i in hop.evidence))))
    yield Said(f"{part}.text", cause.text, cited, about, cause.playbook)
    if cause.reason:
        others = (i for one in (*report.causes, *report.ruled_out) for i in one.evidence_for)
        follows = tuple(dict.fromkeys((*about, *others))) if cause.playbook else about
        yield Said(f"{part}.reason", cause.reason, cited, follows, cause.playbook)
    for number, hop in enumerate(cause.path):
        yield Said(f"{part}.path.{number}", hop.text, hop.evidence, cited, cause.playbook)


def _of_change(part: str, change: Change, report: Report) -> Iterator[Said]:
    about = _of_changes(report)
    cited = tuple(dict.fromkeys(i for c in change.controls for i in c.evidence))
    yield Said(f"{part}.reason", change.reason, cited, about)
    for number, control in enumerate(change.controls):
        yield Said(f"{part}.controls.{number}", control.text, control.evidence, about)


def _of_changes(report: Report) -> tuple[str, ...]:
    """The evidence of what changed, whatever it is called by now."""
    return tuple(name for name, one in _own(report) if one.tool in _BY_CHANGE)


def _everything(report: Report) -> tuple[str, ...]:
    """All that the report cites; a headline and advice rest on all of it."""
    cited = [i for one in (*report.summary, *report.impact) for i in one.evidence]
    cited += [i for one in report.drilldowns for i in one.evidence]
    for cause in report.causes:
        cited += [*cause.evidence_for, *cause.evidence_against]
    cited += [i for change in report.changes for c in change.controls for i in c.evidence]
    cited += [i for entry in report.timeline for i in entry.evidence]
    told = ("alerts", "alarms", *_BY_CHANGE)
    own = dict(_own(report))
    cited += [name for name, one in own.items() if one.tool in told]
    return tuple(dict.fromkeys(i for i in cited if i in own))


def _own(report: Report) -> Iterator[tuple[str, Evidence]]:
    """The evidence that the engine asked for; a model's SELECT may say anything."""
    return ((name, one) for name, one in report.evidence.items() if one.asked_by == "engine")


def _words_of(playbook: str, folder: Path | None) -> frozenset[str]:
    """The words of a playbook's own sentences."""
    book = next((one for one in load(folder) if one.id == playbook), None)
    if book is None:
        return frozenset()
    told = " ".join((book.title, book.cause, *(remedy.text for remedy in book.remedies)))
    return frozenset(word.strip(".:?!'").casefold() for word in _WORD.findall(told))


def _of_day(clock: str) -> float:
    """A time of day as seconds."""
    hours, minutes, seconds = _CLOCK.findall(clock)[0].split(":")
    return float(int(hours) * 3600 + int(minutes) * 60 + int(seconds))
