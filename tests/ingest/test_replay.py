"""Quarantined records are tried again once their source is mended, and none is lost or doubled."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ingest.replay import replay
from ingest.run import ingest
from lake.errors import InquestError
from lake.store import Lake

HEADER = "-- name: {name}\n-- reads: {reads}\n-- class: {classes}\n"
CLASSES = "log_record scheduled_job_activity"
TALLY = """SELECT position, to_timestamp({seconds}) AS time, line AS message,
  CASE WHEN line LIKE '%bad%' THEN 'it is bad' END AS problem FROM raw"""
STRICT = TALLY.format(seconds="try_cast(line AS BIGINT)")
MENDED = TALLY.format(seconds="try_cast(regexp_extract(line, '[0-9]+') AS BIGINT)")
TWO = """SELECT position,
  CASE WHEN line LIKE 'job%' THEN 'scheduled_job_activity' ELSE 'log_record' END AS class_name,
  to_timestamp(try_cast(regexp_extract(regexp_extract(substr(line, 5), '{pattern}'), '[0-9]+')
    AS BIGINT)) AS time,
  1 AS activity_id, {{'name': 'job'}} AS job, {{'hostname': 'h', 'type_id': 1}} AS device
FROM raw"""
MANY = """SELECT position, to_timestamp(try_cast(one AS BIGINT)) AS time, one AS message
FROM (SELECT position, unnest(from_json(doc->'$.{key}', '["VARCHAR"]')) AS one FROM raw)"""


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    with Lake.create(tmp_path / "lake") as made:
        yield made


def source(
    folder: Path, sql: str, name: str = "tally", reads: str = "lines", classes: str = "log_record"
) -> Path:
    folder.mkdir(exist_ok=True)
    header = HEADER.format(name=name, reads=reads, classes=classes)
    (folder / f"{name}.sql").write_text(header + sql, "utf-8")
    return folder


def messages(lake: Lake) -> list[Any]:
    rows = lake.at().ask("SELECT message FROM log_record ORDER BY message").dicts()
    return [row["message"] for row in rows]


def kept(lake: Lake) -> list[Any]:
    asked = "SELECT position, raw, reason FROM quarantine ORDER BY ALL"
    return [tuple(row.values()) for row in lake.at().ask(asked).dicts()]


def test_what_is_mapped_now_goes_to_its_table_and_the_rest_stays(
    lake: Lake, tmp_path: Path
) -> None:
    own = source(tmp_path / "own", STRICT)
    (tmp_path / "log").write_text("1736935200\nat 1736935201\nbad 1736935202\nnever\n")
    ingest(lake, "tally", [tmp_path / "log"], own)
    assert messages(lake) == ["1736935200"]
    source(own, MENDED)
    (done,) = replay(lake, sources_dir=own)
    assert (done.source, done.tried, done.mapped) == ("tally", 3, 1)
    assert done.left == {"it is bad": 1, "it has no time that can be read": 1}
    assert messages(lake) == ["1736935200", "at 1736935201"]
    assert kept(lake) == [
        (3, "bad 1736935202", "it is bad"),
        (4, "never", "it has no time that can be read"),
    ]
    (again,) = replay(lake, "tally", own)
    assert (again.tried, again.mapped) == (2, 0)
    assert len(messages(lake)) == 2
    ingest(lake, "tally", [tmp_path / "log"], own)
    assert (len(messages(lake)), len(kept(lake))) == (2, 2)


def test_other_sources_keep_what_they_have(lake: Lake, tmp_path: Path) -> None:
    own = source(source(tmp_path / "own", STRICT), STRICT, name="other")
    (tmp_path / "log").write_text("at 1736935201\n")
    for name in ("tally", "other"):
        ingest(lake, name, [tmp_path / "log"], own)
    source(own, MENDED)
    assert [one.mapped for one in replay(lake, "tally", own)] == [1]
    assert len(kept(lake)) == 1
    with pytest.raises(InquestError, match="There is nothing of tally in quarantine"):
        replay(lake, "tally", own)


def test_a_document_is_tried_once_however_many_of_its_records_were_refused(
    lake: Lake, tmp_path: Path
) -> None:
    times = '["1736935200", "1736935201", "1736935202"]'
    own = source(tmp_path / "own", MANY.format(key="times"), reads="json")
    (tmp_path / "docs").write_text(
        f'{{"times": ["x", "1736935299"], "at": ["1"]}}\n{{"at": {times}}}\n'
    )
    ingest(lake, "tally", [tmp_path / "docs"], own)
    assert messages(lake) == ["1736935299"]
    source(own, MANY.format(key="at"), reads="json")
    (done,) = replay(lake, sources_dir=own)
    assert (done.tried, done.mapped) == (1, 3)
    assert done.note == "1 stay: they were cut, or others of their documents are stored."
    assert len(messages(lake)) == 4
    assert [position for position, _, _ in kept(lake)] == [1]


class KilledError(Exception):
    """What a test stops a replay with."""


def killing(lake: Lake, monkeypatch: pytest.MonkeyPatch, what: str, after: int) -> None:
    """Let a lake's method be called so many times, and then no more."""
    real, calls = getattr(lake, what), iter(range(after))

    def call(*arguments: Any) -> Any:
        if next(calls, None) is None:
            raise KilledError
        return real(*arguments)

    monkeypatch.setattr(lake, what, call)


@pytest.mark.parametrize(
    ("what", "after"), [("replace", 0), ("add_files", 0), ("add_files", 1), ("replace", 1)]
)
def test_a_replay_that_was_killed_anywhere_loses_and_doubles_nothing(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, after: int
) -> None:
    own = source(tmp_path / "own", TWO.format(pattern="^[0-9]+$"), classes=CLASSES)
    (tmp_path / "log").write_text(
        "log 1736935200\nlog at 1736935201\njob at 1736935202\nlog then 1736935203\nnever\n"
    )
    ingest(lake, "tally", [tmp_path / "log"], own)
    source(own, TWO.format(pattern="^at [0-9]+$"), classes=CLASSES)
    with monkeypatch.context() as killed:
        killing(lake, killed, what, after)
        with pytest.raises(KilledError):
            replay(lake, sources_dir=own)
    source(own, TWO.format(pattern="[0-9]+$"), classes=CLASSES)
    (tmp_path / "more").write_text("log at 1736935204\nnever more\n")
    ingest(lake, "tally", [tmp_path / "more"], own)
    replay(lake, sources_dir=own)
    times = "SELECT epoch(time)::BIGINT % 10 AS second FROM {} ORDER BY ALL"
    logs, jobs = (
        [row["second"] for row in lake.at().ask(times.format(table)).dicts()]
        for table in ("log_record", "scheduled_job_activity")
    )
    assert (logs, jobs) == ([0, 1, 3, 4], [2])
    assert sorted(raw for _, raw, _ in kept(lake)) == ["never", "never more"]


def test_a_file_ingested_again_with_a_mended_source_leaves_the_quarantine(
    lake: Lake, tmp_path: Path
) -> None:
    own = source(tmp_path / "own", STRICT)
    (tmp_path / "log").write_text("at 1736935201\nnever\n")
    ingest(lake, "tally", [tmp_path / "log"], own)
    source(own, MENDED)
    ingest(lake, "tally", [tmp_path / "log"], own)
    assert (messages(lake), [raw for _, raw, _ in kept(lake)]) == (["at 1736935201"], ["never"])
    assert [one.mapped for one in replay(lake, sources_dir=own)] == [0]


def test_records_of_a_source_that_is_gone_stay_and_it_is_said(lake: Lake, tmp_path: Path) -> None:
    own = source(tmp_path / "own", STRICT)
    (tmp_path / "log").write_text("never\n")
    ingest(lake, "tally", [tmp_path / "log"], own)
    (done,) = replay(lake)
    assert done.note == "There is no source tally any more: its records stay."
    assert len(kept(lake)) == 1
