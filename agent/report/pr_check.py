"""What the check of a pull request found: frozen values, and their JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from pydantic import TypeAdapter

from agent.redaction import redact
from agent.report.words import block
from agent.state import Cost, Evidence, Gap, Statement

Severity = Literal["high", "medium", "low"]
FindingKind = Literal["past_incident", "health", "alert", "change", "map"]
Verdict = Literal["look_twice", "keep_an_eye", "nothing_found", "not_assessable"]
Role = Literal["touched", "caller"]

VERDICTS: dict[Verdict, str] = {
    "look_twice": "look twice before merging",
    "keep_an_eye": "merge with an eye on it",
    "nothing_found": "nothing speaks against merging",
    "not_assessable": "not to be judged from this lake alone",
}
RISK_OF: dict[Severity, float] = {"high": 0.5, "medium": 0.2, "low": 0.05}
"""What one finding adds to the risk, were it alone: a judgement, not calibrated."""

HIGHEST_RISK = 0.97


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A file of the pull request, where it was before if it was moved, and whose it is.

    `status` is GitHub's word: added, removed, modified, renamed, copied, changed, unchanged.
    """

    path: str
    status: str
    previous_path: str = ""
    services: tuple[str, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path that the change concerns."""
        return tuple(filter(None, (self.path, self.previous_path)))


@dataclass(frozen=True, slots=True)
class Pull:
    """A pull request, or with number None what git says lies between two commits.

    `files_in_all` is how many it changes; a source may list fewer.
    """

    repo: str
    number: int | None
    title: str
    base: str
    head: str
    files: tuple[ChangedFile, ...]
    files_in_all: int


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that speaks against merging now; `seen_before` is an incident's report id."""

    severity: Severity
    kind: FindingKind
    service: str
    where: str
    text: str
    evidence: tuple[str, ...] = ()
    seen_before: str = ""


@dataclass(frozen=True, slots=True)
class Level:
    """How a service answered over some time."""

    requests: int
    failed: int
    failed_percent: float
    p95_ms: float


@dataclass(frozen=True, slots=True)
class Health:
    """A service in reach: how it answers now and did before; None where there were no requests."""

    service: str
    role: Role
    now: Level | None = None
    before: Level | None = None


@dataclass(frozen=True, slots=True)
class Reach:
    """Who is concerned, and the share of all requests that they answer, in percent.

    `now_since` to `as_of` is compared with `before_since` to `now_since`.
    """

    services: tuple[Health, ...] = ()
    percent: float | None = None
    before_since: datetime | None = None
    now_since: datetime | None = None
    as_of: datetime | None = None
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RecentChange:
    """A change that was announced for a touched service."""

    service: str
    kind: str
    version: str
    revision: str
    declared_at: datetime
    failed: bool
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PastIncident:
    """An incident that a touched service had, as its investigation found it."""

    id: str
    started_at: datetime
    title: str
    verdict: str
    service: str
    indicator: str
    change_kind: str
    revision: str
    same_files: tuple[str, ...]
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """The answer; `risk` is None where nothing could be judged."""

    pull: Pull
    created_at: datetime
    since: datetime
    verdict: Verdict
    risk: float | None
    schema_version: Literal["1"] = "1"
    risk_is: Literal["a judgement, not calibrated"] = "a judgement, not calibrated"
    summary: tuple[Statement, ...] = ()
    findings: tuple[Finding, ...] = ()
    reach: Reach = field(default_factory=Reach)
    changes: tuple[RecentChange, ...] = ()
    incidents: tuple[PastIncident, ...] = ()
    unmapped: tuple[str, ...] = ()
    gaps: tuple[Gap, ...] = ()
    evidence: dict[str, Evidence] = field(default_factory=dict)
    cost: Cost = field(default_factory=Cost)
    engine_version: str = ""


_checks = TypeAdapter(Check)


def dump(check: Check) -> str:
    """`check` as indented JSON."""
    return _checks.dump_json(check, indent=2).decode() + "\n"


def fit_to_leave(check: Check) -> Check:
    """`check` with every text redacted, after the unseen characters that could part a secret."""
    return _checks.validate_python(_cleaned(json.loads(_checks.dump_json(check))))


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return redact(block(value))
    if isinstance(value, dict):
        return {key: _cleaned(item) for key, item in value.items()}
    return [_cleaned(item) for item in value] if isinstance(value, list) else value
