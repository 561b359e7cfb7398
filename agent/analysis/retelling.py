"""One trouble told once: findings of several playbooks that tell the same are one.

Playbooks of different areas know the same faults, each in its own way: an expired certificate ends
a container, and it is an error of a service. Told of one object under one symptom, or by one line,
it is one trouble, and the deepest and surest tells it. Playbooks of one area know each other, so
two roots of theirs that quote one line (a pod fits no node for two reasons) are two, and a symptom
(a job has failed) is told beside what it follows from.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from agent.analysis.object_graph import DEPTH

SHORTEST = 20  # characters of a line that two have in common by more than chance
RUN = 7  # words on end, likewise
NOBODY = "Log"  # the object of a line that does not say who spoke

_DIGITS = re.compile(r"(?<![0-9a-f])[a-f]*+[0-9][0-9a-f]*")  # from the beginning of a run only
_MARKS = re.compile(r"[\s\"'“”`\\]+")


@dataclass(frozen=True, slots=True)
class Tale:
    """What is told: by which playbook, as `area/symptom`, of which object, by which line.

    `role` is root, proximate or symptom, `certainty` 0 to 1. `is_vague` says that the playbook
    names no mechanism: that something failed, and not how. `explains` are the playbooks whose
    findings are known to follow from this one. `is_relevant` says that it is about what was asked.
    """

    playbook: str
    object: str
    said: str
    role: str
    certainty: float
    is_vague: bool = False
    is_relevant: bool = False
    explains: tuple[str, ...] = ()

    @property
    def area(self) -> str:
        """The area of the playbook."""
        return self.playbook.partition("/")[0]

    @property
    def symptom(self) -> str:
        """The symptom of the playbook."""
        return self.playbook.partition("/")[2]


def retold(tales: Sequence[Tale]) -> dict[int, int]:
    """Of those that another one tells better: the place in the list of each, and of the other."""
    order = sorted(range(len(tales)), key=lambda place: (_rank(tales[place]), -place), reverse=True)
    better: dict[int, int] = {}
    kept: list[int] = []
    for place in order:
        other = next((k for k in kept if _is_same(tales[k], tales[place])), None)
        if other is None:
            kept.append(place)
        else:
            better[place] = other
    return better


def outdone(tales: Sequence[Tale]) -> dict[int, int]:
    """Of those that only say that something failed: the place of what says how, on one object.

    What nobody is known to have said gives way to whatever is known of anybody.
    """
    order = sorted(range(len(tales)), key=lambda place: (_rank(tales[place]), -place), reverse=True)
    known = [place for place in order if not tales[place].is_vague]
    pairs = (
        (place, next((k for k in known if _outdoes(tales[k], tale)), None))
        for place, tale in enumerate(tales)
        if tale.is_vague
    )
    return {place: other for place, other in pairs if other is not None}


def _outdoes(known: Tale, vague: Tale) -> bool:
    return vague.object in (known.object, NOBODY) and _rank(known) >= _rank(vague)


def _rank(tale: Tale) -> tuple[int, float]:
    return DEPTH[tale.role], tale.certainty


def _is_same(better: Tale, other: Tale) -> bool:
    """Whether the second says what the first, which lies deeper or is surer, says too."""
    is_of_one = better.object == other.object
    if better.playbook == other.playbook:
        is_other = is_of_one or (other.is_relevant and not better.is_relevant)
        return not is_other and _are_alike(better, other) and _is_repeated(better.said, other.said)
    if is_of_one and better.symptom == other.symptom:
        return True
    if better.area == other.area and other.role != "proximate":
        return False
    if is_of_one:
        return _is_part(better.said, other.said) or _overlap(better.said, other.said)
    is_known = better.area != other.area or other.playbook in better.explains
    return is_known and _is_part(better.said, other.said)


def _are_alike(one: Tale, other: Tale) -> bool:
    """Whether two objects may be one: pods of a namespace, or a server and who quotes it."""
    kind, _, place = one.object.partition("/")
    of_kind, _, of_place = other.object.partition("/")
    if kind != of_kind:
        return True
    return kind == "Pod" and place.rpartition("/")[0] == of_place.rpartition("/")[0]


def _is_repeated(line: str, other: str) -> bool:
    return line == other or _is_part(line, other)


def _is_part(line: str, other: str) -> bool:
    """Whether one line is the other or a part of it, but for numbers and marks."""
    short, long = sorted((_bare(line), _bare(other)), key=len)
    return len(short) >= SHORTEST and short in long


def _overlap(line: str, other: str) -> bool:
    """Whether the lines are cut from one: they have some words on end in common."""
    one, two = (_runs(_bare(each).split()) for each in (line, other))
    return not one.isdisjoint(two)


def _runs(words: list[str]) -> set[tuple[str, ...]]:
    return {tuple(words[at : at + RUN]) for at in range(len(words) - RUN + 1)}


@lru_cache(4096)
def _bare(line: str) -> str:
    return _MARKS.sub(" ", _DIGITS.sub("#", line.lower())).strip(" .…")
