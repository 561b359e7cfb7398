"""A seed draws the same story each time, of every kind there is, and blames nobody innocent."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path
from unittest.mock import Mock

import pytest

from tests.shop.fault import Shop
from tests.shop.faults.node_load import NodeLoad
from tests.shop.fleet import SERVICES, Flag, Fleet, Release
from tests.shop.groups import Groups
from tests.shop.kind import EDGES, Kind, change_of
from tests.shop.kinds.outside import CALLERS
from tests.shop.outside import PARTNERS
from tests.shop.processes import Processes
from tests.shop.seed import KINDS, draw, kind_of
from tests.shop.story import (
    AwaitAlert,
    Calm,
    Inject,
    Mend,
    Step,
    is_way_back,
)

SEEDS = range(6)
NOBODY = random.Random(0)
every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


def steps(seed: int, kind: Kind | None = None) -> tuple[Step, ...]:
    return draw(seed, kind).steps(NOBODY)


def test_there_are_enough_kinds_and_each_has_a_name_of_its_own() -> None:
    assert len({kind.name for kind in KINDS}) == len(KINDS) >= 15
    assert sum(kind.name.startswith("calm") for kind in KINDS) >= 4


def test_a_round_of_seeds_has_each_kind_once_and_the_next_has_them_in_another_order() -> None:
    first, second = (
        [kind_of(seed).name for seed in range(start, start + len(KINDS))]
        for start in (0, len(KINDS))
    )
    assert sorted(first) == sorted(second) == sorted(kind.name for kind in KINDS)
    assert first != second


@every_kind
def test_a_seed_draws_the_same_story_twice_and_others_draw_others(kind: Kind) -> None:
    for seed in SEEDS:
        one, again = draw(seed, kind), draw(seed, kind)
        assert (one.culprits, one.edges) == (again.culprits, again.edges)
        assert one.steps(NOBODY) == again.steps(NOBODY)
    assert all(steps(one, kind) != steps(other, kind) for one, other in pairwise(SEEDS))


@every_kind
def test_calm_kinds_blame_nobody_and_others_say_what_is_right(kind: Kind) -> None:
    for seed in SEEDS:
        story = draw(seed, kind)
        assert kind.name.startswith("calm") is not bool(story.culprits)
        assert bool(story.culprits) is (story.verdict == "cause_found")
        assert all(culprit.resources for culprit in story.culprits)
        assert all((each.change is None) is (each.fault is not None) for each in story.culprits)


@every_kind
def test_what_is_to_blame_is_done_and_no_decoy_is_of_its_service(kind: Kind) -> None:
    for seed in SEEDS:
        story = draw(seed, kind)
        played = story.steps(NOBODY)
        faults = [step.fault for step in played if isinstance(step, Inject)]
        changes = [change for change in map(change_of, played) if change]
        for culprit in story.culprits:
            assert culprit.change in changes if culprit.change else culprit.fault in faults
        guilty = [culprit.change for culprit in story.culprits if culprit.change]
        decoys = [each for each in changes if each not in guilty and not is_way_back(each)]
        assert not {each.service for each in guilty} & {each.service for each in decoys}


@every_kind
def test_no_service_is_changed_twice_but_to_be_taken_back(kind: Kind) -> None:
    for seed in SEEDS:
        changes = [change for change in map(change_of, steps(seed, kind)) if change]
        services = [change.service for change in changes if not is_way_back(change)]
        assert len(set(services)) == len(services)


@every_kind
def test_a_story_takes_three_to_five_minutes_and_mends_only_what_was_broken(kind: Kind) -> None:
    for seed in SEEDS:
        played = steps(seed, kind)
        assert 140 < sum(step.seconds for step in played if isinstance(step, Calm)) < 290
        broken = [step.fault for step in played if isinstance(step, Inject)]
        mended = [step.fault for step in played if isinstance(step, Mend)]
        assert set(mended) <= set(broken)
        assert len(set(broken)) == len(broken)


@every_kind
def test_an_alert_is_awaited_where_something_is_wrong_and_only_there(kind: Kind) -> None:
    for seed in SEEDS:
        awaited = any(isinstance(step, AwaitAlert) for step in steps(seed, kind))
        assert awaited is bool(draw(seed, kind).culprits)


@every_kind
def test_every_released_version_has_its_code_and_every_flag_is_asked_for(kind: Kind) -> None:
    for seed in SEEDS:
        for change in map(change_of, steps(seed, kind)):
            if isinstance(change, Release):
                module = "v" + change.version.replace(".", "_") + ".py"
                assert (SERVICES / change.service / module).is_file()
            if isinstance(change, Flag) and change.service != "web":
                code = (SERVICES / change.service / "routes.py").read_text(encoding="utf-8")
                assert f'"{change.name}"' in code


@every_kind
def test_an_edge_that_suffers_has_its_proxy(kind: Kind) -> None:
    for seed in SEEDS:
        story = draw(seed, kind)
        assert set(story.edges) <= set(EDGES)
        for culprit in story.culprits:
            ends = tuple(getattr(culprit.fault, end, None) for end in ("caller", "callee"))
            assert ends == (None, None) or ends in story.edges


def test_a_machine_that_will_be_loaded_has_its_few_cores_all_the_time() -> None:
    kind = next(kind for kind in KINDS if kind.name == "cpu_stress")
    for seed in SEEDS:
        story = draw(seed, kind)
        (fault,) = (step.fault for step in story.steps(NOBODY) if isinstance(step, Inject))
        assert isinstance(fault, NodeLoad)
        assert story.machines == ((fault.zone, fault.cores),)


def test_a_load_on_a_machine_is_work_and_leaves_its_limit_as_it_is(tmp_path: Path) -> None:
    groups = Mock(spec=Groups)
    with Processes(tmp_path) as processes:
        fleet = Fleet(processes, Mock(run=tmp_path, seed=1), groups=groups)
        shop = Shop(tmp_path, processes, fleet, Mock(), Mock(), 0, 0)
        with NodeLoad("a", cores=0.2, busy=2).within(shop):
            assert groups.add.call_count == 2
    groups.limit_cpu.assert_not_called()


def test_a_brief_story_is_the_same_one_in_less_time() -> None:
    for seed in SEEDS:
        brief, whole = draw(seed, brief=True).steps(NOBODY), steps(seed)
        assert [type(step) for step in brief] == [type(step) for step in whole]
        assert sum(step.seconds for step in brief if isinstance(step, Calm)) < 120


def test_each_partner_has_somebody_who_calls_it() -> None:
    assert set(CALLERS) == {partner.name for partner in PARTNERS}
