"""Stories, releases, webhooks and truths hold together, without a server."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

from tests.shop import daemons, github, truth
from tests.shop.fleet import (
    DRAIN_S,
    FIRST_CONFIGURATIONS,
    FIRST_VERSIONS,
    SERVICES,
    Configuration,
    Instance,
    Release,
    first_configuration,
)
from tests.shop.processes import Child
from tests.shop.recorder import Alert
from tests.shop.repertoire import STORIES
from tests.shop.stories import bad_release, config_timeout, quick
from tests.shop.story import (
    INNOCENT,
    AwaitAlert,
    Calm,
    Configure,
    Deploy,
    Story,
    is_way_back,
    revert,
    roll_back,
)

SEEDS = range(20)
NOW = datetime(2026, 11, 21, 23, 40, tzinfo=UTC)


def releases(story: Story) -> Iterator[Release]:
    for seed in SEEDS:
        for step in story.steps(random.Random(seed)):
            if isinstance(step, Deploy):
                yield step.release


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_every_released_version_has_its_code(story: Story) -> None:
    for release in releases(story):
        module = "v" + release.version.replace(".", "_") + ".py"
        assert (SERVICES / release.service / module).is_file()


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_a_recording_stays_under_fifteen_minutes(story: Story) -> None:
    for seed in SEEDS:
        steps = story.steps(random.Random(seed))
        assert sum(step.seconds for step in steps if isinstance(step, Calm)) < 840


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_a_seed_tells_the_same_story_twice(story: Story) -> None:
    assert story.steps(random.Random(5)) == story.steps(random.Random(5))


def test_the_guilty_release_stands_between_two_innocent_ones() -> None:
    for seed in SEEDS:
        steps = bad_release.steps(random.Random(seed))
        before, guilty, after, back = (s.release for s in steps if isinstance(s, Deploy))
        assert guilty == bad_release.GUILTY
        assert back == roll_back("payment")
        assert {before, after} < set(INNOCENT)
        assert before != after


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_what_goes_wrong_has_reached_every_zone_before_it_is_taken_back(story: Story) -> None:
    for seed in SEEDS:
        at, rolled_by = 0.0, 0.0
        for step in story.steps(random.Random(seed)):
            if isinstance(step, Calm):
                at += step.seconds
            if isinstance(step, Deploy | Configure):
                change = step.release if isinstance(step, Deploy) else step.configuration
                assert not is_way_back(change) or at > rolled_by
                if story.culprit and change == story.culprit.change:
                    rolled_by = at + step.bake_s + 2 * DRAIN_S


def test_the_quick_story_is_quick() -> None:
    for seed in SEEDS:
        steps = quick.steps(random.Random(seed))
        waits = [step.within_s for step in steps if isinstance(step, AwaitAlert)]
        assert sum(waits) + sum(each.seconds for each in steps if isinstance(each, Calm)) < 200


def test_a_revision_names_its_code() -> None:
    shas = {release.sha for release in (*INNOCENT, bad_release.GUILTY, roll_back("payment"))}
    assert len(shas) == len(INNOCENT) + 2
    assert all(len(sha) == 40 for sha in shas)


def deployment(release: Release) -> github.Deployment:
    return github.Deployment(2_400_000_001, release, "mkowalski", "deploy", NOW)


def test_a_deployment_webhook_names_service_version_and_revision() -> None:
    release = INNOCENT[0]
    event = github.deployment_event(deployment(release))
    made = event["deployment"]
    assert made["payload"] == {"service": release.service, "version": release.version}
    assert (made["sha"], made["ref"]) == (release.sha, f"v{release.version}")
    assert made["created_at"] == "2026-11-21T23:40:00Z"
    assert event["repository"]["full_name"] == f"shop-example/{release.service}"
    told = github.status_event(deployment(release), 7, "success")
    assert told["deployment_status"]["state"] == "success"
    assert told["deployment"]["id"] == made["id"]


def rolled(change: Release | Configuration) -> truth.Rolled:
    service = change.service
    first = first_configuration(service)
    nowhere = cast("Child", None)
    before = Instance(service, FIRST_VERSIONS[service], first, "a", f"{service}-a-1", 1, nowhere)
    return truth.Rolled(change, 7, "mkowalski", NOW, before, (), NOW)


def test_a_change_is_culprit_rollback_or_innocent() -> None:
    releases = (INNOCENT[0], bad_release.GUILTY, roll_back("payment"))
    roles = [truth.change(rolled(each), bad_release.STORY).role for each in releases]
    assert roles == ["innocent", "culprit", "rollback"]


def test_a_configuration_changes_no_version() -> None:
    guilty = config_timeout.GUILTY
    told = truth.change(rolled(guilty), config_timeout.STORY)
    assert (told.kind, told.role) == ("config", "culprit")
    assert told.version == told.previous_version
    assert (told.previous_configuration, told.configuration) == (
        FIRST_CONFIGURATIONS["checkout"],
        guilty.values,
    )
    back = truth.change(rolled(revert(guilty)), config_timeout.STORY)
    assert (back.role, back.configuration) == ("rollback", FIRST_CONFIGURATIONS["checkout"])


def alert(status: str, starts_at: str, ends_at: str = "") -> Alert:
    return Alert("Slow", "web", "critical", status, starts_at, ends_at, 1_795_303_851_373_817_601)


def test_each_firing_is_told_once_with_its_end() -> None:
    deliveries = [
        alert("firing", "t1"),
        alert("firing", "t1"),
        alert("resolved", "t1", "t2"),
        alert("firing", "t3"),
        alert("resolved", "t4", "t5"),
        alert("firing", "t6"),
    ]
    told = [(each.starts_at, each.ends_at) for each in truth.fired(deliveries)]
    assert told == [("t1", "t2"), ("t3", "t5"), ("t6", None)]


def test_ports_do_not_meet_each_other() -> None:
    ports = daemons.Ports.from_base(18000)
    services = range(ports.first_service, ports.first_service + 10 * len(FIRST_VERSIONS))
    fixed = [port for name, port in vars(ports).items() if name != "first_service"]
    assert len(set(fixed)) == len(fixed)
    assert not set(fixed) & set(services)


def test_configuration_files_have_no_unknown_names() -> None:
    ports = daemons.Ports.from_base(18000)
    for name in ("nginx.conf", "prometheus.yml", "alertmanager.yml"):
        assert "@" not in daemons.fill(name, Path("/run/shop"), ports)


RECORDED = sorted((Path(__file__).parent / "incidents").glob("*/truth.json"))


@pytest.mark.parametrize("file", RECORDED, ids=lambda file: file.parent.name)
def test_a_recorded_truth_is_whole(file: Path) -> None:
    told = json.loads(file.read_text(encoding="utf-8"))
    began, ended = (datetime.fromisoformat(told[key]) for key in ("recorded_at", "ended_at"))
    assert 60 < (ended - began).total_seconds() < 900
    first_alert = min(datetime.fromisoformat(each["starts_at"]) for each in told["alerts"])
    began_to_fail = told["first_failure_at"] or told["alerts"][0]["starts_at"]
    assert began <= datetime.fromisoformat(began_to_fail) <= first_alert
    assert told["innocent_changes"]
    caused = told["culprit"] is not None or told["blocker"] is not None
    assert (told["verdict"] == "cause_found") is caused
    size = sum(each.stat().st_size for each in (file.parent / "evidence").iterdir())
    assert size < 3_000_000
