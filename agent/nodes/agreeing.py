"""Whether the parts of a report agree: verdict, confidence, headline, blame and commands.

What needs no rows. Nothing here says that a verdict is right, only that the report stands by it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agent.nodes.weigh import LIKELY
from agent.nodes.wording import Names, accused
from agent.playbook.load import load
from agent.redaction.beside import HIDDEN
from agent.report.words import identity
from agent.state import Cause, NextStep, Report

_ROUNDED = 0.0051  # half of a hundredth, and what floats lose
_OURS = re.compile(r"SELECT pg_terminate_backend\(\d+\);")
_FILLED = r"[^;|&`$\n]*"  # what stands in a remedy's command for a column
_COLUMN = re.compile(r"\\\{\w+\\\}")
_OPTION = re.compile(r"(?<!\S)--?[A-Za-z][\w-]*|`|&&|\$\(")
_QUOTED = re.compile("“.*?”")


@dataclass(frozen=True, slots=True)
class Fault:
    """A part of a report that another contradicts, and how."""

    part: str
    why: str


def contradictions(report: Report, playbooks: Path | None = None) -> Iterator[Fault]:
    """What of a report its own other parts contradict; `playbooks` is a folder of more than ours.

    Titles in which something is hidden, and steps of playbooks not known here, are not judged.
    """
    first = report.causes[0] if report.causes else None
    if report.verdict == "cause_found":
        yield from _of_found(first, report)
    if report.verdict == "no_incident" and first and first.status in ("likely", "confirmed"):
        yield Fault("verdict", f"nothing is wrong, and cause 1 is {first.status}: {first.text}")
    yield from _of_blame(report)
    yield from _of_steps(report, first.playbook if first else "", playbooks)


def _of_found(cause: Cause | None, report: Report) -> Iterator[Fault]:
    if cause is None or cause.status not in ("likely", "confirmed") or cause.probability < LIKELY:
        told = f"cause 1 is {cause.status} at {cause.probability:.2f}" if cause else "there is none"
        yield Fault("verdict", f"a cause was found, and {told}")
        return
    if abs(report.confidence - cause.probability) > _ROUNDED:
        told = f"{report.confidence:g}, and cause 1 has {cause.probability:.2f}"
        yield Fault("confidence", f"the confidence is {told}")
    if not HIDDEN.search(report.title) and not _is_headline(report.title, cause, report):
        yield Fault("title", f"it names neither {identity(cause.resource)} nor its change")


def _is_headline(title: str, cause: Cause, report: Report) -> bool:
    """Whether a headline says first what is to blame: a cause's own words, or one of its names."""
    said = title.partition(";")[0].casefold()
    if said and cause.text.casefold().startswith(said.rstrip(" .:(…")):
        return True
    changed = [c for c in report.changes if c.id == cause.change]
    names = {cause.resource.name, cause.object, *(c.what for c in changed)} - {""}
    others = {c.what for c in report.changes if c not in changed} - names - {""}
    return any(_has(said, name) for name in names) and not any(_has(said, one) for one in others)


def _has(said: str, name: str) -> bool:
    return bool(re.search(rf"(?<![\w.-]){re.escape(name.casefold())}(?![\w-]|\.\w)", said))


def _of_blame(report: Report) -> Iterator[Fault]:
    """Sentences that say who caused what, of whom the verdict clears."""
    names = _innocent(report)
    for part, said in (("summary", report.summary), ("impact", report.impact)):
        for number, one in enumerate(said):
            if blamed := accused(_QUOTED.sub("“”", one.text), names):
                told = ", ".join(sorted(blamed))
                yield Fault(
                    f"{part}.{number}", f"it blames {told}, the verdict does not: {one.text}"
                )


def _innocent(report: Report) -> Names:
    """Whom the verdict does not blame: other changes, and resources that it did not reach."""
    found = report.verdict == "cause_found"
    blamed = {report.causes[0].change} - {""} if found and report.causes else set[str]()
    reached = {*report.incident.services, *(c.resource.name for c in report.causes)}
    reached |= {end for c in report.causes for hop in c.path for end in (hop.source, hop.target)}
    known: dict[str, frozenset[str]] = {}
    for change in report.changes:
        if change.id not in blamed and change.verdict != "implicated":
            called = {change.id, change.what, f"{change.service} {change.version}".strip()}
            for name in called | ({change.service} - reached):
                known[name.lower()] = frozenset({change.what})
    for cause in report.ruled_out:
        if cause.resource.name not in reached:
            known.setdefault(cause.resource.name.lower(), frozenset({cause.resource.name}))
    return Names({name: who for name, who in known.items() if name.strip()})


def _of_steps(report: Report, playbook: str, playbooks: Path | None) -> Iterator[Fault]:
    """Steps with a command that neither the playbook nor we give, or that read as one."""
    book = next((one for one in load(playbooks) if one.id == playbook), None)
    if playbook and book is None:
        return
    remedies = book.remedies if book else ()
    given = [_OURS, *(_filled(remedy.command) for remedy in remedies if remedy.command)]
    words = {word for remedy in remedies for word in _OPTION.findall(remedy.text)}
    for number, step in enumerate(report.next_steps):
        if why := _ordered(step, given, words):
            yield Fault(f"next_steps.{number}", f"{why}: {step.command or step.text}")


def _ordered(step: NextStep, given: list[re.Pattern[str]], words: set[str]) -> str:
    if step.command and not any(form.fullmatch(step.command) for form in given):
        return "neither the playbook nor Inquest gives this command"
    return "it reads as a command" if {*_OPTION.findall(step.text)} - words else ""


def _filled(command: str) -> re.Pattern[str]:
    """What a remedy's command may be once its columns are filled in."""
    return re.compile(_COLUMN.sub(lambda _: _FILLED, re.escape(command)))
