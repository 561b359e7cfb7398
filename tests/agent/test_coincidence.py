"""What only coincides with trouble is neither blamed nor cleared: worlds made to mislead."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

import tests.agent.world as world
from agent.config import Request
from agent.investigation import investigate
from agent.state import Report
from lake.store import Lake
from tests.agent.test_graph import verdicts
from tests.agent.world import GUILTY, Behaviour, Release, Served, leaking, record, well


def ill(service: str, since_s: float, until_s: float = 1e9) -> Behaviour:
    """Let a service be slow and fail for a while, whatever its version."""

    def behaviour(name: str, version: str, at_s: float, random: Random) -> Served:
        if name == service and since_s < at_s < until_s:
            return Served(random.uniform(600, 900), failed=random.random() < 0.3)
        return well(name, version, at_s, random)

    return behaviour


def kinds(report: Report) -> list[tuple[str, str]]:
    return [(change.kind, change.verdict) for change in report.changes]


def test_a_release_rolled_back_in_vain_is_not_implicated(lake: Lake) -> None:
    innocent = Release("payment", "2.8.0", "2.7.9", (390.0, 391.0))
    in_vain = Release("payment", "2.7.9", "2.8.0", (440.0, 441.0))
    record(lake, releases=(innocent, in_vain), behaviour=ill("payment", 400, 600), minutes=14)
    assert verdicts(investigate(lake, Request()))["payment 2.8.0"] != "implicated"


def test_another_release_taken_back_first_does_not_clear_the_guilty_one(lake: Lake) -> None:
    other = Release("catalog", "41", "40", (180.0, 260.0))
    other_back = Release("catalog", "40", "41", (540.0, 545.0))
    forward = Release("payment", "2.8.1", "2.8.0", (600.0, 610.0))
    record(lake, releases=(other, GUILTY, other_back, forward), behaviour=leaking, minutes=14)
    report = investigate(lake, Request())
    assert verdicts(report)["payment 2.8.0"] == "implicated"
    assert report.next_steps[0].text.startswith("Keep payment on 2.8.1")


@pytest.mark.parametrize("at_s", [(310.0, 400.0), (300.0, 390.0)])
def test_of_two_changes_that_no_instance_tells_apart_neither_is_implicated(
    lake: Lake, at_s: tuple[float, float]
) -> None:
    def misread(service: str, version: str, at_s: float, random: Random) -> Served:
        failing = service == "payment" and version.endswith("+config") and random.random() < 0.7
        return replace(well(service, version, at_s, random), failed=failing)

    release = Release("payment", "2.8.0", "2.7.9", (300.0, 390.0))
    config = Release("payment", "", "", at_s, kind="config")
    record(lake, releases=(release, config), behaviour=misread)
    assert "implicated" not in {verdict for _, verdict in kinds(investigate(lake, Request()))}


def test_a_flag_just_before_a_guilty_release_does_not_shield_it(lake: Lake) -> None:
    flag = Release("payment", "", "", (250.0, 250.0), kind="flag")
    record(lake, releases=(flag, GUILTY), behaviour=leaking)
    assert verdicts(investigate(lake, Request()))["payment 2.8.0"] == "implicated"


class MovedPod(world.World):
    """One instance of payment is started anew at 400 s, for a reason of its own."""

    def configured(self, service: str, instance: int, at_s: float) -> bool:
        return service == "payment" and instance == 1 and at_s >= 400


def test_a_pod_moved_to_a_bad_node_does_not_implicate_the_sync_minutes_before(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bad_node(service: str, version: str, at_s: float, random: Random) -> Served:
        moved = service == "payment" and version.endswith("+config")
        return (
            ill("payment", 0)(service, version, at_s, random)
            if moved
            else well(service, version, at_s, random)
        )

    monkeypatch.setattr(world, "World", MovedPod)
    sync = Release("payment", "", "", (100.0, 100.0), kind="config")
    record(lake, releases=(sync,), behaviour=bad_node)
    assert kinds(investigate(lake, Request())) == [("config", "not_assessable")]


def test_a_sync_that_takes_effect_at_once_is_not_cleared_by_a_later_restart(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world, "World", MovedPod)
    sync = Release("payment", "", "", (305.0, 305.0), kind="config")
    record(lake, releases=(sync,), behaviour=ill("payment", 303))
    assert kinds(investigate(lake, Request())) != [("config", "cleared")]


def test_a_release_that_answers_nobody_is_not_cleared_by_the_little_it_answered(lake: Lake) -> None:
    def gone(service: str, version: str, at_s: float, random: Random) -> Served:
        if (service, version) == ("web", "319"):
            return Served(1.0, answered=False)
        return well(service, version, at_s, random)

    silent = Release("web", "319", "318", (400.0, 430.0))
    record(lake, releases=(silent,), behaviour=gone, alerts=(("web", 480.0, None),))
    report = investigate(lake, Request())
    assert report.verdict != "no_incident"
    assert "cleared" not in {verdict for _, verdict in kinds(report)}


def test_failures_that_rose_a_little_and_surely_are_found(lake: Lake) -> None:
    def some(service: str, version: str, at_s: float, random: Random) -> Served:
        failing = service == "payment" and at_s > 300 and random.random() < 0.018
        return replace(well(service, version, at_s, random), failed=failing)

    record(lake, behaviour=some, alerts=(("payment", 480.0, None),), per_s=6.0)
    report = investigate(lake, Request())
    assert report.verdict == "cause_found"
    assert (report.causes[0].resource.name, report.causes[0].indicator) == ("payment", "errors")


def test_flags_that_nobody_can_decide_on_do_not_hide_the_culprit(lake: Lake) -> None:
    flags = tuple(Release("payment", "", "", (at, at), kind="flag") for at in (250.0, 260.0, 270.0))
    record(lake, releases=flags, behaviour=ill("payment", 400))
    report = investigate(lake, Request())
    assert report.verdict == "cause_found"
    assert (report.causes[0].resource.name, report.causes[0].change) == ("payment", "")
    assert {verdict for _, verdict in kinds(report)} == {"not_assessable"}


@pytest.mark.parametrize(("minutes", "over"), [(14, True), (9, False)])
def test_a_lock_that_is_still_held_is_to_be_ended_and_one_that_is_over_is_not(
    lake: Lake, minutes: int, *, over: bool
) -> None:
    record(lake, held_s=(400.0, 560.0), minutes=minutes)
    report = investigate(lake, Request())
    commands = [step.command for step in report.next_steps if step.command]
    assert commands == ([] if over else ["SELECT pg_terminate_backend(4711);"])
