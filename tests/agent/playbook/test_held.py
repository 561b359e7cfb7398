"""What playbooks read is made once; the evidence stands alone and says the same."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.apps.bundle import request_of
from agent.investigation import investigate
from agent.playbook.load import load
from agent.playbook.relations import held
from ingest.bundle import take
from lake.ask import bind
from lake.errors import QueryError
from lake.store import Lake

SPAN = {
    "start": datetime(2020, 1, 1, tzinfo=UTC),
    "since": datetime(2020, 1, 1, tzinfo=UTC),
    "end": datetime(2100, 1, 1, tzinfo=UTC),
    "question": "",
}


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "bundle"
    folder.mkdir()
    lines = [f"2026-03-01T10:0{n}:00Z ERROR licence expired on 2026-01-01" for n in range(5)]
    (folder / "shop_ledger-7d9f8c6b5-x2x4p_ledger.log").write_text("\n".join(lines))
    return folder


def test_playbooks_without_data_are_not_asked(lake: Lake, bundle: Path) -> None:
    take(lake, [bundle])
    left = {one.id for one in held(lake.at(), load(), SPAN)}
    assert "service/licence_expired" in left or "kubernetes/licence_expired" in left
    assert "kubernetes/oom_killed" not in left
    assert "kubernetes/pvc_pending" not in left


def test_a_held_answer_is_of_the_tables_behind_it(lake: Lake, bundle: Path) -> None:
    take(lake, [bundle])
    view = lake.at()
    rows = view.hold("lines", "SELECT message FROM log_record")
    answer = view.ask("SELECT count(*) AS n FROM lines")
    assert answer.dicts() == [{"n": rows}]
    assert answer.snapshots.keys() == {"log_record"}


@pytest.mark.parametrize("sql", ["SELECT now() AS n", "DROP TABLE log_record", "FROM nowhere"])
def test_what_may_not_be_asked_may_not_be_held(lake: Lake, sql: str) -> None:
    with pytest.raises(QueryError):
        lake.at().hold("lines", sql)


def test_the_evidence_of_a_playbook_runs_again_without_what_was_held(
    lake: Lake, bundle: Path
) -> None:
    take(lake, [bundle])
    report = investigate(lake, request_of(bundle))
    asked = [one for one in report.evidence.values() if one.tool == "playbook"]
    assert asked
    for one in asked:
        assert lake.at().ask(bind(one.sql)).digest == one.digest
        assert one.snapshots.keys() == {"log_record"}
