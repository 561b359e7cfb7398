"""One trouble told once: findings of several playbooks that tell the same are one.

Playbooks of different areas know the same faults, each in its own way: an expired certificate ends
a container, and it is an error of a service. Told of one object under one symptom, or by one line,
it is one trouble, and the deepest and surest tells it. Playbooks of one area know each other, so
two roots of theirs that quote one line (a pod fits no node for two reasons) are two.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from agent.analysis.object_graph import DEPTH

SHORTEST = 20  # characters of a line that two have in common by more than chance

_DIGITS = re.compile(r"[0-9a-f]*[0-9][0-9a-f]*")
_MARKS = re.compile(r"[\s\"'“”`\\]+")


@dataclass(frozen=True, slots=True)
class Tale:
    """What is told: by which playbook, as `area/symptom`, of which object, by which line.

    `role` is root, proximate or symptom, `certainty` 0 to 1. `is_vague` says that the playbook
    names no mechanism: that something failed, and not how.
    """

    playbook: str
    object: str
    said: str
    role: str
    certainty: float
    is_vague: bool = False

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
    """Of those that only say that something failed: the place of what says how, on one object."""
    known = sorted(
        (place for place, tale in enumerate(tales) if not tale.is_vague),
        key=lambda place: (_rank(tales[place]), -place),
    )
    surest = {tales[place].object: place for place in known}
    return {
        place: surest[tale.object]
        for place, tale in enumerate(tales)
        if tale.is_vague
        and tale.object in surest
        and _rank(tale) <= _rank(tales[surest[tale.object]])
    }


def _rank(tale: Tale) -> tuple[int, float]:
    return DEPTH[tale.role], tale.certainty


def _is_same(better: Tale, other: Tale) -> bool:
    """Whether the second says what the first, which lies deeper or is surer, says too."""
    if better.playbook == other.playbook:
        return False
    is_of_one = better.object == other.object
    if is_of_one and better.symptom == other.symptom:
        return True
    if better.area == other.area and (not is_of_one or other.role == "root"):
        return False
    return _is_quoted(better.said, other.said)


def _is_quoted(line: str, other: str) -> bool:
    """Whether one line is the other or a part of it, but for numbers and marks."""
    short, long = sorted((_bare(line), _bare(other)), key=len)
    return len(short) >= SHORTEST and short in long


def _bare(line: str) -> str:
    return _MARKS.sub(" ", _DIGITS.sub("#", line.lower())).strip(" .…")
