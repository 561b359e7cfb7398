"""A playbook's tests can fail, and say why."""

from dataclasses import replace
from pathlib import Path

import pytest

from agent.playbook.form import Check, Playbook, Query, Trial
from agent.playbook.load import TEMPLATE, read
from agent.playbook.trial import lint, tried


@pytest.fixture
def playbook(tmp_path: Path) -> Playbook:
    file = tmp_path / "licence.yaml"
    file.write_text(TEMPLATE.read_text("utf-8").replace("AREA/SYMPTOM", "mine/licence"), "utf-8")
    found = read(file, "mine/licence")
    assert isinstance(found, Playbook)
    return found


def asking(playbook: Playbook, sql: str) -> Playbook:
    return replace(playbook, finds=Query("What?", sql))


def test_a_sound_playbook_has_no_faults(playbook: Playbook) -> None:
    assert not [*lint(playbook)]
    assert not [*tried(playbook)]


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT 1 AS x FROM said", "finds gives no column kind"),
        ("SELECT nothing FROM said", 'column "nothing" not found'),
        ("SELECT * FROM read_csv('/etc/passwd')", "may not"),
        ("DELETE FROM log_record", "SELECT"),
        ("SELECT now() AS seen_at FROM said", "may not call now"),
    ],
)
def test_sql_that_cannot_run_is_a_fault(playbook: Playbook, sql: str, said: str) -> None:
    told = [*map(str, lint(asking(playbook, sql)))]
    assert any(said.lower() in line.lower() for line in told), told


def test_a_template_that_names_no_column_is_a_fault(playbook: Playbook) -> None:
    told = [one.text for one in lint(replace(playbook, cause="{object} has {colour}"))]
    assert told == [
        "{colour} is no column of finds; those are kind, namespace, name, seen_at, said, service"
    ]


def test_a_test_that_finds_something_else_fails(playbook: Playbook) -> None:
    first = playbook.tests[0]
    wrong = replace(playbook, tests=(replace(first, finds=("Service/other",)),))
    assert [one.text for one in tried(wrong)] == [
        f"test {first.name!r}: found Service/ledger, expected Service/other"
    ]
    unsaid = replace(playbook, tests=(replace(first, says="the moon"),))
    assert "it says" in next(tried(unsaid)).text


def test_a_row_that_no_table_has_is_a_fault(playbook: Playbook) -> None:
    rows = {"log_record": [{"msg": "licence expired"}]}
    wrong = replace(playbook, tests=(Trial("odd", rows, ("Service/ledger",)),))
    assert "log_record has no column 'msg'" in next(tried(wrong)).text
    nowhere = replace(playbook, tests=(Trial("odd", {"logs": []}, ()),))
    assert "logs" in next(tried(nowhere)).text


def test_a_check_that_refutes_takes_the_finding_away(playbook: Playbook) -> None:
    renewed = Check(
        Query(
            "Was it renewed?", "SELECT 1 AS x FROM log_record WHERE message = 'renewed ' || $name"
        ),
        refutes="rows",
    )
    rows = playbook.tests[0].given["log_record"]
    after = {"log_record": [*rows, {"message": "renewed ledger", "severity_id": 1}]}
    tests = (playbook.tests[0], Trial("renewed", after, ()))
    assert not [*tried(replace(playbook, checks=(renewed,), tests=tests))]


@pytest.mark.parametrize(
    ("command", "is_fault"),
    [
        ('psql -c "EXPLAIN {name}"', True),
        ("echo '{name}' {kind}", True),
        ("kubectl -n {namespace} get pod {name} -o 'jsonpath={.spec}'", False),
    ],
)
def test_a_value_within_the_quotes_of_a_command_is_a_fault(
    playbook: Playbook, command: str, *, is_fault: bool
) -> None:
    remedies = (replace(playbook.remedies[0], command=command),)
    told = [one.text for one in lint(replace(playbook, remedies=remedies))]
    assert bool(told) == is_fault, told
