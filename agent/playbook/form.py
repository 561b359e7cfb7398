"""What a playbook is made of: frozen values, as `load` reads them from YAML."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from agent.state import Indicator, Mechanism, Role

ROLES: tuple[Role, ...] = get_args(Role)
"""How far down a finding lies: what explains itself, what something else may explain, what only
shows that something is wrong; what explains an alarm as none; what stands, ill or not, all year."""

Reading = Literal["rows", "no rows"]


@dataclass(frozen=True, slots=True)
class Query:
    """A question in words, and the SELECT over the relations and OCSF tables that answers it."""

    question: str
    sql: str


@dataclass(frozen=True, slots=True)
class Check:
    """A question about one finding: whether it has rows confirms it, or refutes it.

    Its SQL may name `$kind`, `$namespace`, `$name` and every column of `finds` as `$column`.
    """

    query: Query
    confirms: Reading | None = None
    refutes: Reading | None = None


@dataclass(frozen=True, slots=True)
class Remedy:
    """What a person may do about it; `{column}` stands for what `finds` gave. It is never run."""

    text: str
    reversible: bool
    command: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """A test inside a playbook: rows of tables, and the objects that are to be found in them."""

    name: str
    given: dict[str, list[dict[str, Any]]]
    finds: tuple[str, ...]
    question: str = ""
    says: str = ""


@dataclass(frozen=True, slots=True)
class Playbook:
    """A symptom, how it is found, what it proves and what may be done about it.

    `certainty` is how often, of ten times that it fires in an incident, it is what explains it.
    `explains` are the ids of playbooks whose findings on the same object's chain are its doing.
    """

    id: str
    title: str
    role: Role
    mechanism: Mechanism
    indicator: Indicator
    certainty: float
    finds: Query
    cause: str
    checks: tuple[Check, ...] = ()
    explains: tuple[str, ...] = ()
    remedies: tuple[Remedy, ...] = ()
    references: tuple[str, ...] = ()
    tests: tuple[Trial, ...] = ()
    file: str = ""
    lines: dict[str, int] = field(default_factory=dict, compare=False, repr=False)

    @property
    def area(self) -> str:
        """The folder that it lies in."""
        return self.id.partition("/")[0]
