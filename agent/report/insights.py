"""What the standing checks found in clusters, as one page, markdown, text or JSON."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any, Literal

import orjson

from agent.redaction import redact, redacted
from agent.report import words
from agent.report.html import environment
from agent.report.markdown import code
from agent.report.markdown import text as plain

MOST_ADVISED = 3
Level = Literal["failing", "risk", "hygiene"]
LEVELS: dict[Level, str] = {
    "failing": "does not work now, or will not when it starts next",
    "risk": "works, and may not after the next change, upgrade or load",
    "hygiene": "could be better",
}


@dataclass(frozen=True, slots=True)
class Insight:
    """A weakness of an object: the check that found it, how bad it is (0 to 1), what says so."""

    cluster: str
    level: Level
    certainty: float
    playbook: str
    title: str
    object: str
    text: str
    said: str
    remedy: str = ""
    command: str = ""


@dataclass(frozen=True, slots=True)
class Version:
    """Of what component a cluster runs which version, and how often."""

    cluster: str
    component: str
    version: str
    count: int


@dataclass(frozen=True, slots=True)
class Insights:
    """All that was found in the clusters that were looked at; `gaps` could not be asked."""

    clusters: tuple[str, ...]
    insights: tuple[Insight, ...]
    versions: tuple[Version, ...] = ()
    gaps: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[Level, int]:
        """How many there are of each level, worst first."""
        counted = Counter(one.level for one in self.insights)
        return {level: counted[level] for level in LEVELS}

    @property
    def levels(self) -> list[tuple[Level, list[list[Insight]]]]:
        """The insights by level, those of one check together, the worst and commonest first."""
        return [(level, self._of(level)) for level in LEVELS if self.counts[level]]

    def _of(self, level: Level) -> list[list[Insight]]:
        chosen = [one for one in self.insights if one.level == level]
        chosen.sort(key=lambda one: (one.playbook, one.cluster, one.object, one.said))
        groups = [list(group) for _, group in groupby(chosen, key=lambda one: one.playbook)]
        return sorted(groups, key=lambda g: (-g[0].certainty, -len(g), g[0].playbook))

    @property
    def inventory(self) -> list[tuple[str, list[str]]]:
        """Each component, and in the order of the clusters which versions of it they run."""
        told = {(v.component, v.cluster): "" for v in self.versions}
        for one in sorted(self.versions, key=lambda v: (v.component, v.cluster, v.version)):
            times = f" ({one.count} times)" if one.count > 1 else ""
            key = (one.component, one.cluster)
            told[key] = ", ".join(filter(None, [told[key], one.version + times]))
        components = sorted({v.component for v in self.versions}, key=_kubelet_first)
        return [(c, [told.get((c, cluster), "-") for cluster in self.clusters]) for c in components]


def _kubelet_first(component: str) -> tuple[bool, bool, str]:
    return component != "kubelet", not component.startswith("kube"), component


def advice(group: Sequence[Insight]) -> list[tuple[str, list[str]]]:
    """Of objects of one check what to do: each remedy once, and the commands of the first few."""
    told: dict[str, list[str]] = {}
    for one in group:
        commands = told.setdefault(one.remedy, [])
        if one.command and one.command not in commands and len(commands) < MOST_ADVISED:
            commands.append(one.command)
    return [each for each in told.items() if each[0]][:MOST_ADVISED]


def html(found: Insights) -> str:
    """A page that loads nothing: what is failing first, and the versions of all clusters."""
    page = environment().get_template("insights.html.j2")
    return page.render(found=_safe(found), about=LEVELS, advice=advice)


def json(found: Insights) -> str:
    """All of it for a program."""
    told: dict[str, Any] = {**redacted(asdict(found)), "counts": found.counts}
    return orjson.dumps(told, option=orjson.OPT_INDENT_2).decode()


def markdown(found: Insights) -> str:
    """The same as headings and lists."""
    safe = _safe(found)
    lines = [f"# {_headline(safe)}", ""]
    for level, groups in safe.levels:
        lines += [f"## {level.capitalize()}: {LEVELS[level]}", ""]
        for group in groups:
            lines += [f"**{plain(group[0].title)}** ({len(group)})", ""]
            lines += [f"- {code(_where(safe, one))}: {plain(one.text)}" for one in group]
            lines += ["", *(f"{plain(remedy)}.\n" for remedy, _ in advice(group))]
    if safe.inventory:
        lines += ["## Versions", "", f"| component | {' | '.join(map(_cell, safe.clusters))} |"]
        lines += ["| --- |" + " --- |" * len(safe.clusters)]
        lines += [
            f"| {_cell(c)} | {' | '.join(map(_cell, cells))} |" for c, cells in safe.inventory
        ]
    return "\n".join([*lines, *(f"- {plain(gap)}" for gap in safe.gaps)]).rstrip() + "\n"


def text(found: Insights) -> str:
    """The same for a terminal."""
    safe = _safe(found)
    lines = [_headline(safe)]
    for level, groups in safe.levels:
        lines += ["", f"{level.upper()}: {LEVELS[level]}"]
        for group in groups:
            lines += ["", f"  {group[0].title} ({len(group)})"]
            lines += [f"    {_where(safe, one)}  {words.shorten(one.said, 160)}" for one in group]
            lines += [f"    > {remedy}" for remedy, _ in advice(group)]
    if safe.inventory:
        lines += ["", "VERSIONS"]
        lines += [f"  {c}: {'; '.join(_named(safe, cells))}" for c, cells in safe.inventory]
    return "\n".join([*lines, *safe.gaps])


def _headline(found: Insights) -> str:
    told = ", ".join(f"{count} {level}" for level, count in found.counts.items() if count)
    return f"{words.plural(len(found.clusters), 'cluster')} looked at: {told or 'nothing found'}"


def _where(found: Insights, one: Insight) -> str:
    return f"{one.cluster} {one.object}" if len(found.clusters) > 1 else one.object


def _named(found: Insights, cells: Sequence[str]) -> list[str]:
    if len(found.clusters) < 2:
        return list(cells)
    return [f"{name} {cell}" for name, cell in zip(found.clusters, cells, strict=True)]


def _cell(told: str) -> str:
    """Text of a table, where a bar ends a cell even within code."""
    return re.sub(r"(?<!\\)\|", r"\|", plain(told))


def _safe(found: Insights) -> Insights:
    """The same, with secrets and what would command a terminal taken out of every text."""

    def clean(value: Any) -> Any:
        if isinstance(value, str):
            return redact(words.line(value))
        return tuple(map(clean, value)) if isinstance(value, tuple) else value

    def each(one: Any) -> Any:
        return type(one)(**{key: clean(value) for key, value in asdict(one).items()})

    return Insights(
        clean(found.clusters),
        tuple(map(each, found.insights)),
        tuple(map(each, found.versions)),
        clean(found.gaps),
    )
