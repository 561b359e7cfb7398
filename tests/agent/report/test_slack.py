"""A report as a Slack message: the expected blocks, Slack's limits, and text that stays text."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.report.slack import Message, hypotheses, note, slack
from agent.state import Report
from tests.agent.apps.slack_server import fault_of
from tests.agent.conftest import Golden
from tests.agent.report import samples
from tests.agent.report.test_dress import HOSTILE, poisoned

GOLDENS = Path(__file__).parent / "goldens"
REPORTS = {
    "cause_found": samples.cause_found(),
    "no_incident": samples.no_incident(),
    "inconclusive": samples.inconclusive(),
}
SECRET = "AKIAIOSFODNN7EXAMPLE"  # noqa: S105 - the example of AWS's own documentation


def messages(report: Report) -> list[Message]:
    return [one for one in (slack(report), hypotheses(report), note(report.title)) if one]


def skeleton(value: Any) -> Any:
    """Blocks without their texts: what a reader could be pinged, led or fooled by."""
    if isinstance(value, dict):
        return {key: "" if key == "text" else skeleton(part) for key, part in value.items()}
    return [skeleton(part) for part in value] if isinstance(value, list | tuple) else value


def swollen(report: Report) -> Report:
    """A report with ten times as much of everything, and every sentence a page long."""
    many = {
        name: getattr(report, name) * 10
        for name in ("summary", "impact", "causes", "changes", "ruled_out", "gaps", "next_steps")
    }
    swelled: Report = poisoned(replace(report, **many), 'a "quoted" \\word\\ & <more> é ' * 200)
    return swelled


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_becomes_the_expected_message(name: str, golden: Golden) -> None:
    message = slack(REPORTS[name], "reports/inq-1/report.html in the lake")
    body = {"text": message.text, "blocks": message.blocks}
    golden(GOLDENS / f"{name}.slack.json", json.dumps(body, indent=1, ensure_ascii=False) + "\n")


def test_each_hypothesis_that_was_weighed_has_its_line() -> None:
    tried = hypotheses(REPORTS["cause_found"])
    assert tried is not None
    (head, lines) = tried.blocks[0]["elements"]
    assert head["elements"][0]["text"] == "What was tried, and what came of it"
    assert [line["elements"][0]["text"] for line in lines["elements"]] == [
        "confirmed",
        "weakened",
        "refuted",
    ]
    assert hypotheses(REPORTS["no_incident"]) is None


@pytest.mark.parametrize("name", REPORTS)
def test_slack_takes_every_message_however_much_there_is_to_say(name: str) -> None:
    for report in (REPORTS[name], swollen(REPORTS[name])):
        for message in messages(report):
            assert fault_of({"text": message.text, "blocks": message.blocks}) == ""
            assert len(message.text) <= 2000


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("name", REPORTS)
def test_hostile_text_changes_no_element_and_escapes_no_text(name: str, hostile: str) -> None:
    said = messages(poisoned(REPORTS[name], hostile))
    harmless = messages(poisoned(REPORTS[name], "words"))
    assert [skeleton(one.blocks) for one in said] == [skeleton(one.blocks) for one in harmless]
    assert all(re.search("[<>]|&(?!(amp|lt|gt);)", one.text) is None for one in said)


@pytest.mark.parametrize("name", REPORTS)
def test_no_secret_of_a_report_leaves_not_even_half_of_one(name: str) -> None:
    for text in (SECRET, f"{'x ' * 145}{SECRET}", f"{SECRET[:9]}\u200b{SECRET[9:]}"):
        told = json.dumps([one.blocks for one in messages(poisoned(REPORTS[name], text))])
        assert SECRET[:9] not in told


def test_a_sentence_without_words_is_still_a_message_that_slack_takes() -> None:
    assert fault_of({"text": "-", "blocks": note("\u200b").blocks}) == ""
