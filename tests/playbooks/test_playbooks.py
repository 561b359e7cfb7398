"""Every playbook we ship is sound, and does what its own tests say."""

from collections import Counter

import pytest

from agent.playbook.form import Playbook
from agent.playbook.load import load
from agent.playbook.trial import lint, tried

PLAYBOOKS = load()


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda one: one.id)
def test_a_playbook_can_run_and_passes_its_tests(playbook: Playbook) -> None:
    assert not [*map(str, lint(playbook))]
    assert not [*map(str, tried(playbook))]


def test_every_area_of_the_trade_is_there() -> None:
    areas = Counter(one.area for one in PLAYBOOKS if one.role != "standing")
    assert areas.keys() >= {"kubernetes", "network", "database", "service", "cloud", "ai"}
    assert areas.total() >= 90


def test_every_playbook_names_where_its_knowledge_is_from() -> None:
    assert not [one.id for one in PLAYBOOKS if not one.references]
    assert all(url.startswith("https://") for one in PLAYBOOKS for url in one.references)
