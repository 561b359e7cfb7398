"""Which version changes the runs show, and which announcement each belongs to."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agent.nodes.survey.changes import Run, began, folded, matched, released
from agent.state import Change, ChangeKind, Window

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(minutes=15), 10)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def run(instance: str, version: str, first: float, last: float, service: str = "cart") -> Run:
    return Run(service, version, instance, at(first), at(last))


def announced(version: str, declared: float, service: str = "cart") -> Change:
    what = f"{service} {version}"
    return Change("", "deploy", what, service, version=version, declared_at=at(declared))


ROLLED = [
    run("a", "1", 0, 300),
    run("b", "1", 0, 400),
    run("a", "2", 305, 890),
    run("b", "2", 405, 890),
]


def test_instances_that_follow_each_other_are_one_release() -> None:
    (release,) = released(ROLLED, WINDOW)
    assert (release.version, release.previous) == ("2", "1")
    assert [r.instance for r in release.runs] == ["a", "b"]


def test_what_ran_when_the_window_opened_is_no_change() -> None:
    assert released([run("a", "1", 0, 800), run("b", "2", 30, 800)], WINDOW) == []


def test_a_new_instance_of_the_running_version_is_no_release() -> None:
    assert released([run("a", "1", 0, 800), run("c", "1", 400, 800)], WINDOW) == []


def test_going_back_is_a_release_of_its_own_and_reverts_the_first() -> None:
    back = [run("a", "1", 600, 890), run("b", "1", 700, 890)]
    found = released([*ROLLED, *back], WINDOW)
    assert [(r.version, r.previous) for r in found] == [("2", "1"), ("1", "2")]
    changes = matched([announced("2", 300), announced("1", 590)], [*ROLLED, *back], WINDOW)
    assert [(c.id, c.reverts) for c in changes] == [("C1", ""), ("C2", "C1")]


def test_a_rollback_halfway_through_a_rollout_is_seen() -> None:
    halfway = [run("a", "1", 0, 300), run("b", "1", 0, 890), run("a", "2", 305, 500)]
    found = released([*halfway, run("a", "1", 505, 890)], WINDOW)
    assert [r.version for r in found] == ["2", "1"]


MOVED = [
    run("a", "1", 0, 300),
    run("b", "1", 0, 400),
    run("c", "1", 308, 890),
    run("d", "1", 408, 890),
]


def test_a_configuration_is_carried_by_the_instances_started_with_it() -> None:
    config = replace(announced("", 300), kind="config", revision="906680ef77af")
    (change,) = matched([config], MOVED, WINDOW)
    assert [r.instance for r in change.rollouts] == ["c", "d"]
    assert (change.version, change.previous_version) == ("1", "1")


def test_a_deploy_of_what_ran_already_changed_the_configuration() -> None:
    (change,) = matched([replace(announced("1", 300), revision="906680ef77af")], MOVED, WINDOW)
    assert (change.kind, change.what, len(change.rollouts)) == ("config", "cart 906680e", 2)


def test_two_configurations_each_have_the_restarts_after_them() -> None:
    configs = [replace(announced("", at_s), kind="config") for at_s in (300, 401)]
    found = matched(configs, MOVED, WINDOW)
    assert [[r.instance for r in c.rollouts] for c in found] == [["c"], ["d"]]


def test_going_back_while_the_old_version_is_hardly_gone_is_a_deploy_and_reverts() -> None:
    canary = [run("a", "1", 0, 300), run("b", "1", 0, 880), run("c", "2", 305, 500)]
    back = [announced("2", 300), announced("1", 500)]
    found = matched(back, [*canary, run("d", "1", 508, 890)], WINDOW)
    assert [(c.kind, c.version, c.previous_version, c.reverts) for c in found] == [
        ("deploy", "2", "1", ""),
        ("deploy", "1", "2", "C1"),
    ]


def test_a_version_nobody_announced_is_an_undeclared_change() -> None:
    (change,) = matched([], ROLLED, WINDOW)
    assert change.declared_at is None
    assert began(change) == at(305)


def test_an_announcement_gets_the_rollout_of_its_version_and_service() -> None:
    others = [announced("9", 200, "web"), announced("2", 300)]
    web, cart = matched(others, ROLLED, WINDOW)
    assert web.rollouts == ()
    assert [r.first_observed_at for r in cart.rollouts] == [at(305), at(405)]


def test_an_announcement_is_not_matched_with_a_rollout_long_before_it() -> None:
    changes = matched([announced("2", 850)], ROLLED, WINDOW)
    assert sorted(len(c.rollouts) for c in changes) == [0, 2]


def test_a_pod_that_is_rescheduled_is_no_release() -> None:
    moved = [run("a", "1", 0, 300), run("c", "1", 330, 800)]
    assert released(moved, WINDOW) == []


@pytest.mark.parametrize("kind", ["flag", "config", "scale"])
def test_only_a_deploy_takes_a_rollout(kind: ChangeKind) -> None:
    other = replace(announced("", 300), kind=kind)
    changes = matched([other], ROLLED, WINDOW)
    assert [(c.kind, len(c.rollouts)) for c in changes] == [(kind, 0), ("deploy", 2)]


def test_a_deploy_that_names_no_version_takes_no_rollout_of_hours_later() -> None:
    changes = matched([announced("", -7200)], ROLLED, WINDOW)
    assert [len(c.rollouts) for c in changes] == [0, 2]


def test_changes_of_the_same_second_are_all_there() -> None:
    flags = [replace(announced("", 300), kind="flag", what=f"flag {n}") for n in range(3)]
    assert [c.id for c in matched(flags, [], WINDOW)] == ["C1", "C2", "C3"]


def told(source: str, at_s: float, version: str = "", revision: str = "", **more: Any) -> Any:
    """An announcement as the lake answers it: one that takes two minutes."""
    return {
        "uid": f"{source}@{at_s}",
        "source": source,
        "kind": "deploy",
        "service": "cart",
        "version": version or None,
        "revision": revision or None,
        "declared_at": at(at_s),
        "last_event_at": at(at_s + 120),
    } | more


FOLDED: dict[str, tuple[list[Any], int]] = {
    "one version by two tools": ([told("github", 0, "2", "abc"), told("argo", 90, "2", "fed")], 1),
    "one revision by two tools": ([told("github", 0, "", "abc"), told("argo", 90, "2", "abc")], 1),
    "three tools": ([told("a", 0, "2", "abc"), told("b", 9, "2"), told("c", 9, "", "abc")], 1),
    "one tool twice": ([told("argo", 0, "2"), told("argo", 90, "2")], 2),
    "two versions of one revision": ([told("a", 0, "2", "abc"), told("b", 9, "3", "abc")], 2),
    "nothing in common": ([told("a", 0, "", "abc"), told("b", 9, "2")], 2),
    "two services": ([told("a", 0, "2"), told("b", 9, "2", service="web")], 2),
    "an hour later": ([told("a", 0, "2"), told("b", 3600, "2")], 2),
    "another one in between": ([told("a", 0, "2"), told("a", 60, "1"), told("b", 90, "2")], 3),
    "a flag": ([told("a", 0, "2"), told("b", 9, "2", kind="flag")], 2),
}


@pytest.mark.parametrize(("rows", "count"), FOLDED.values(), ids=FOLDED.keys())
def test_announcements_of_one_deploy_by_several_tools_are_one(rows: list[Any], count: int) -> None:
    found = folded(rows)
    assert len(found) == count
    assert found[0]["declared_at"] == at(0)


def test_of_announcements_that_are_one_each_says_what_the_others_do_not() -> None:
    (one,) = folded([told("push", 0, "", "abc"), told("argo", 90, "2", "abc", url="u")])
    assert (one["version"], one["revision"]) == ("2", "abc")


@pytest.mark.parametrize(("version", "sha"), [("2a93e41", ""), ("", "2a93e41" + "0" * 33)])
def test_what_was_pushed_names_the_release_that_nobody_announced(version: str, sha: str) -> None:
    ran = [replace(one, version="2a93e41") if one.version == "2" else one for one in ROLLED]
    pushed = replace(announced(version, 100), who="ana", revision=sha)
    (change,) = matched([], ran, WINDOW, [announced("9", 100), announced("", 100), pushed])
    assert (change.who, len(change.rollouts)) == ("ana", 2)
    assert matched([], [], WINDOW, [pushed]) == []
