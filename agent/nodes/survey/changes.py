"""What was changed: announced changes, matched with the versions that telemetry shows running."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

from langgraph.runtime import Runtime

from agent.nodes.context import Context
from agent.state import Change, ChangeKind, Investigation, Rollout, Window

Row = dict[str, Any]

_LOOKBACK = timedelta(hours=24)
_EARLY = timedelta(minutes=5)  # a first span may precede its announcement's clock by as much
_QUIET = timedelta(seconds=60)  # an instance silent for less may still be running
NEVER = datetime.max.replace(tzinfo=UTC)  # of a change neither announced nor seen: there is none
_SETTLED_S = 60  # versions seen this soon were running when the window opened


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch in which one instance of a service reported one version."""

    service: str
    version: str
    instance: str
    first: datetime
    last: datetime | None  # None for one that goes on when the window ends

    def lasts(self, at: datetime) -> bool:
        """Whether the instance was still running the version at that time."""
        return self.last is None or self.last >= at


@dataclass(frozen=True, slots=True)
class Release:
    """The runs that put one version on a service's instances, one after the other."""

    service: str
    version: str
    previous: str
    runs: tuple[Run, ...]

    @property
    def first(self) -> datetime:
        """When its first instance was seen."""
        return self.runs[0].first


def survey_changes(state: Investigation, runtime: Runtime[Context]) -> Investigation:
    """List every change near the incident, those nobody announced too."""
    context, window = runtime.context, state["window"]
    context.progress("survey: announced changes and versions seen running")
    announced = context.notebook.ask("changes", start=window.start - _LOOKBACK, end=window.end)
    versions = context.notebook.ask("versions", start=window.start, end=window.end)
    found = released([_run(row, window) for row in versions.rows.dicts()], window)
    declared = [_declared(row) for row in announced.rows.dicts()]
    return {
        "evidence": announced.noted() | versions.noted(),
        "changes": {c.id: c for c in numbered(matched(declared, found))},
    }


def released(runs: Iterable[Run], window: Window) -> list[Release]:
    """The version changes that the runs show; what ran when the window opened is none.

    A run begins a release when its version is new to the service, or when its instance turned to
    it from another; the same version on further instances is the same release going on.
    """
    settled = window.start + timedelta(seconds=_SETTLED_S)
    releases: list[Release] = []
    seen: list[Run] = []
    for run in sorted(runs, key=lambda r: (r.first, r.service, r.instance)):
        of_service = [r for r in seen if r.service == run.service]
        seen.append(run)
        if run.first <= settled or not of_service:
            continue
        last = next((r for r in reversed(releases) if r.service == run.service), None)
        if last and last.version == run.version:
            releases[releases.index(last)] = replace(last, runs=(*last.runs, run))
        elif _turned(run, of_service):
            previous = last.version if last else of_service[0].version
            releases.append(Release(run.service, run.version, previous, (run,)))
    return releases


def _turned(run: Run, earlier: list[Run]) -> bool:
    before = [r for r in earlier if r.instance == run.instance]
    running = {r.version for r in earlier if r.lasts(run.first)}
    return bool(before and before[-1].version != run.version) or run.version not in running


def matched(declared: list[Change], found: list[Release]) -> list[Change]:
    """Each declared change with the rollout seen of it; a release without one is undeclared."""
    free = list(found)
    changes = []
    for change in declared:
        release = next((r for r in free if _is_of(r, change)), None)
        if release:
            free.remove(release)
        changes.append(_rolled_out(change, release) if release else change)
    changes += [_undeclared(release) for release in free]
    return _with_reverts(sorted(changes, key=lambda c: (began(c), c.service)))


def _is_of(release: Release, change: Change) -> bool:
    return (
        change.service == release.service
        and change.version in ("", release.version)
        and change.declared_at is not None
        and release.first >= change.declared_at - _EARLY
    )


def _rolled_out(change: Change, release: Release) -> Change:
    return replace(
        change,
        version=release.version,
        previous_version=release.previous,
        rollouts=tuple(Rollout(r.instance, r.first, r.last) for r in release.runs),
    )


def _undeclared(release: Release) -> Change:
    bare = Change(
        id="", kind="deploy", what=f"{release.service} {release.version}", service=release.service
    )
    return _rolled_out(bare, release)


def _with_reverts(changes: list[Change]) -> list[Change]:
    """Name, for each change that brings back the version an earlier one replaced, that one."""
    done: list[Change] = []
    for change in changes:
        undone = next(
            (
                earlier
                for earlier in reversed(done)
                if earlier.service == change.service
                and change.version
                and earlier.previous_version == change.version
                and earlier.version == change.previous_version
            ),
            None,
        )
        done.append(replace(change, reverts=_key(undone)) if undone else change)
    return done


def numbered(changes: list[Change]) -> list[Change]:
    """The changes as C1, C2, ... in order of time, their references with them."""
    ids = {_key(change): f"C{n}" for n, change in enumerate(changes, 1)}
    return [replace(c, id=ids[_key(c)], reverts=ids.get(c.reverts, "")) for c in changes]


def began(change: Change) -> datetime:
    """When a change took hold first: observed if it was, else as announced."""
    times = [r.first_observed_at for r in change.rollouts]
    return min(times) if times else change.declared_at or NEVER


def _key(change: Change) -> str:
    return f"{change.service} {change.version} {began(change):%H:%M:%S.%f}"


def _run(row: Row, window: Window) -> Run:
    last = row["last_seen_at"]
    over = window.end - last > _QUIET
    return Run(
        row["service"],
        row["version"],
        row["instance"],
        row["first_seen_at"],
        last if over else None,
    )


def _declared(row: Row) -> Change:
    kind: ChangeKind = row["kind"] if row["kind"] in get_args(ChangeKind) else "deploy"
    service, version = row["service"] or "", row["version"] or ""
    return Change(
        id="",
        kind=kind,
        what=f"{service} {version}".strip() or str(row["uid"]),
        service=service,
        revision=row["revision"] or "",
        version=version,
        who=row["who"] or "",
        url=row["url"] or "",
        declared_at=row["declared_at"],
    )
