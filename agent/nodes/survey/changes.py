"""What was changed: announced changes, matched with the versions that telemetry shows running."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

from langgraph.runtime import Runtime

from agent.nodes.context import Context
from agent.state import Change, ChangeKind, Investigation, Rollout, Window

Row = dict[str, Any]

_LOOKBACK = timedelta(hours=24)
_LATE = timedelta(hours=2)  # a rollout that begins later is of another change
_AT_ONCE = timedelta(minutes=30)  # and so is one of a version that was not named
_EARLY = timedelta(minutes=5)  # a first span may precede its announcement's clock by as much
_QUIET = timedelta(seconds=60)  # an instance silent for less may still be running
NEVER = datetime.max.replace(tzinfo=UTC)  # of a change neither announced nor seen: there is none
_SETTLED_S = 60  # versions seen this soon were running when the window opened
_SHORT_SHA = 7
_REPLACED = ("deploy", "config", "flag", "scale")  # in force until the next one is
_PROMPTLY = timedelta(minutes=2)  # the first instance is restarted for a change that takes restarts
_BAKES = timedelta(minutes=5)  # and so soon after it the next one
_CLOCKS = timedelta(seconds=30)  # how far the clocks of a deployer and an instance may differ


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch in which one instance of a service reported one version."""

    service: str
    version: str
    instance: str
    first: datetime
    last: datetime | None  # None for one that goes on when the window ends

    def lasts(self, at: datetime) -> bool:
        """Whether the instance ran the version at that time, or until just before it."""
        return self.last is None or self.last >= at - _QUIET


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
    runs = [_run(row, window) for row in versions.rows.dicts()]
    told = [row for row in announced.rows.dicts() if not row["failed"]]
    once = folded([row for row in told if row["happened"]])
    intended = [_declared(row) for row in told if not row["happened"]]
    changes = matched([_declared(row) for row in once], runs, window, intended)
    return {
        "evidence": announced.noted() | versions.noted(),
        "changes": {c.id: c for c in changes},
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
        previous = last.version if last else of_service[0].version
        if last and last.version == run.version:
            releases[releases.index(last)] = replace(last, runs=(*last.runs, run))
        elif run.version != previous and _turned(run, of_service):
            releases.append(Release(run.service, run.version, previous, (run,)))
    return releases


def _turned(run: Run, earlier: list[Run]) -> bool:
    before = [r for r in earlier if r.instance == run.instance]
    running = {r.version for r in earlier if r.lasts(run.first)}
    return bool(before and before[-1].version != run.version) or run.version not in running


def folded(announced: Iterable[Row]) -> list[Row]:
    """The announcements in order of time, those of one deploy by several tools as one."""
    deploys: list[list[Row]] = []
    for row in announced:
        of_service = (d for d in reversed(deploys) if d[0]["service"] == row["service"] is not None)
        last = next((d for d in of_service if d[0]["kind"] == row["kind"] == "deploy"), None)
        if last and _is_once_more(row, last):
            last.append(row)
        else:
            deploys.append([row])
    return [_as_one(rows) for rows in deploys]


def _is_once_more(row: Row, deploy: list[Row]) -> bool:
    """Whether another tool tells of the same version or revision while the deploy is under way."""
    first, tools = _as_one(deploy), {r["source"] for r in deploy}
    version, revision = (
        row[of] == first[of] if row[of] and first[of] else None for of in ("version", "revision")
    )
    under_way = row["declared_at"] - max(r["last_event_at"] for r in deploy) <= _AT_ONCE
    is_same = version is not False and bool(version or revision)
    return is_same and under_way and row["source"] not in tools


def _as_one(rows: list[Row]) -> Row:
    """What the first of several rows says, and where it says nothing the next."""
    return {key: next((r[key] for r in rows if r[key]), value) for key, value in rows[0].items()}


def matched(
    declared: list[Change], runs: list[Run], window: Window, intended: Sequence[Change] = ()
) -> list[Change]:
    """Each declared change with what was seen of it: a release its new version, others restarts.

    A release that was seen without a declaration is an undeclared change, unless it was `intended`;
    a restart is none.
    """
    found = released(runs, window)
    free = list(found)
    changes: list[Change] = []
    for change in declared:
        release = min(
            (r for r in free if _is_of(r, change)), key=lambda r: _fit(r, change), default=None
        )
        if release:
            free.remove(release)
        changes.append(_rolled_out(change, release) if release else change)
    changes = _restarted_by(changes, found, runs, window)
    changes += [_undeclared(release, intended) for release in free]
    return _numbered(sorted(changes, key=lambda c: (began(c), c.service, c.what)))


def _is_of(release: Release, change: Change) -> bool:
    """Whether a release may be what a change announced: its version soon, or an unnamed one now."""
    if change.kind != "deploy" or change.service != release.service or not change.declared_at:
        return False
    late = _LATE if change.version else _AT_ONCE
    return (
        change.version in ("", release.version)
        and -_EARLY <= release.first - change.declared_at <= late
    )


def _restarted_by(
    changes: list[Change], found: list[Release], runs: list[Run], window: Window
) -> list[Change]:
    """The changes with the restarts that carried them: each restart is of the latest before it.

    A restart is a new instance on a version that ran already.
    """
    settled = window.start + timedelta(seconds=_SETTLED_S)
    of_releases = {run for release in found for run in release.runs}
    restarts = [r for r in runs if r.instance and r.first > settled and r not in of_releases]
    carried: dict[int, list[Run]] = {}
    for run in sorted(restarts, key=lambda r: (r.first, r.instance)):
        before = [at for at, change in enumerate(changes) if _may_restart(change, run)]
        if before:
            carried.setdefault(max(before, key=lambda at: _declared_at(changes[at])), []).append(
                run
            )
    return [
        _restarting(c, carriers, runs)
        if (carriers := _carriers(c, carried.get(at, []), runs))
        else c
        for at, c in enumerate(changes)
    ]


def _carriers(change: Change, restarts: list[Run], runs: list[Run]) -> list[Run]:
    """The restarts that follow a change promptly, one after the other, and reach half of it all.

    One that comes later, or alone among many instances, has a reason of its own.
    """
    carriers: list[Run] = []
    due = _declared_at(change) + _PROMPTLY
    for run in restarts:
        if run.first > due:
            break
        carriers.append(run)
        due = run.first + _BAKES
    at = _declared_at(change)
    running = {
        r.instance for r in runs if r.service == change.service and r.first < at and r.lasts(at)
    }
    return carriers if 2 * len(carriers) >= len(running) else []


def _may_restart(change: Change, run: Run) -> bool:
    """Whether a restart may be how a change of no version reached an instance.

    A deployment of the version that ran already changed its configuration.
    """
    unseen = change.kind == "deploy" and not change.rollouts and change.version == run.version
    return (
        (change.kind == "config" or unseen)
        and change.service == run.service
        and -_CLOCKS <= run.first - _declared_at(change) <= _AT_ONCE
    )


def _restarting(change: Change, restarts: list[Run], runs: list[Run]) -> Change:
    """A change with its restarts: a version gone back to, or else a configuration."""
    version = restarts[0].version
    before = [
        r.version
        for r in sorted(runs, key=lambda r: r.first)
        if (r.service, r.first < restarts[0].first) == (change.service, True)
        and r.lasts(_declared_at(change))
        and r.version != version
    ]
    rolled = tuple(Rollout(r.instance, r.first, r.last) for r in restarts)
    if before and change.kind == "deploy":
        return replace(change, version=version, previous_version=before[-1], rollouts=rolled)
    return replace(
        change,
        kind="config",
        what=f"{change.service} {change.revision[:_SHORT_SHA]}".strip(),
        version=version,
        previous_version=version,
        rollouts=rolled,
    )


def _declared_at(change: Change) -> datetime:
    return change.declared_at or NEVER


def _fit(release: Release, change: Change) -> tuple[bool, timedelta]:
    apart = release.first - (change.declared_at or release.first)
    return release.version != change.version, abs(apart)


def _rolled_out(change: Change, release: Release) -> Change:
    return replace(
        change,
        version=release.version,
        previous_version=release.previous,
        rollouts=tuple(Rollout(r.instance, r.first, r.last) for r in release.runs),
    )


def _undeclared(release: Release, intended: Sequence[Change]) -> Change:
    bare = Change(
        id="", kind="deploy", what=f"{release.service} {release.version}", service=release.service
    )
    return _rolled_out(next((c for c in intended if _foretells(c, release)), bare), release)


def _foretells(change: Change, release: Release) -> bool:
    """Whether what was pushed or published, and deployed by nobody, is what was seen running."""
    is_revision = len(release.version) >= _SHORT_SHA and change.revision.startswith(release.version)
    named = replace(change, version=release.version if is_revision else change.version)
    return bool(named.version) and _is_of(release, named)


def _numbered(changes: list[Change]) -> list[Change]:
    """The changes as C1, C2, ... in order of time; each names the earlier one it takes back."""
    done: list[Change] = []
    for number, change in enumerate(changes, 1):
        undone = next((c for c in reversed(done) if _reverts(change, c)), None)
        done.append(replace(change, id=f"C{number}", reverts=undone.id if undone else ""))
    return done


def _reverts(change: Change, earlier: Change) -> bool:
    return (
        change.service == earlier.service
        and change.version != change.previous_version
        and (change.version, change.previous_version) == (earlier.previous_version, earlier.version)
    )


def undone(change: Change, changes: Iterable[Change]) -> Change | None:
    """The change that took another back, or else the next of its kind in its place."""
    later = sorted((c for c in changes if began(c) > began(change)), key=began)
    backs = [c for c in later if c.reverts == change.id]
    if not backs and change.kind in _REPLACED:
        backs = [c for c in later if (c.kind, c.service) == (change.kind, change.service)]
    return backs[0] if backs else None


def began(change: Change) -> datetime:
    """When a change took hold first: observed if it was, else as announced."""
    times = [r.first_observed_at for r in change.rollouts]
    return min(times) if times else change.declared_at or NEVER


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
    """An announced change; only of a deploy is the version it names a change."""
    kind: ChangeKind = row["kind"] if row["kind"] in get_args(ChangeKind) else "deploy"
    service, revision = row["service"] or "", row["revision"] or ""
    version = (row["version"] or "") if kind == "deploy" else ""
    return Change(
        id="",
        kind=kind,
        what=f"{service} {version or revision[:_SHORT_SHA]}".strip() or str(row["uid"]),
        service=service,
        revision=revision,
        version=version,
        who=row["who"] or "",
        url=row["url"] or "",
        declared_at=row["declared_at"],
    )
