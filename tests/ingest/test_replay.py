"""Quarantined records are tried again once their source is mended, and none is lost or doubled."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ingest.replay import replay
from ingest.run import ingest
from lake.errors import InquestError, LakeError
from lake.store import Lake

HEADER = "-- name: {name}\n-- reads: {reads}\n-- class: log_record\n"
TALLY = """SELECT position, to_timestamp({seconds}) AS time, line AS message,
  CASE WHEN line LIKE '%bad%' THEN 'it is bad' END AS problem FROM raw"""
STRICT = TALLY.format(seconds="try_cast(line AS BIGINT)")
MENDED = TALLY.format(seconds="try_cast(regexp_extract(line, '[0-9]+') AS BIGINT)")
MANY = """SELECT position, to_timestamp(try_cast(one AS BIGINT)) AS time, one AS message
FROM (SELECT position, unnest(from_json(doc->'$.{key}', '["VARCHAR"]')) AS one FROM raw)"""


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    with Lake.create(tmp_path / "lake") as made:
        yield made


def source(folder: Path, sql: str, name: str = "tally", reads: str = "lines") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.sql").write_text(HEADER.format(name=name, reads=reads) + sql, "utf-8")
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
    assert done.note == "1 were cut or are parts of documents: ingest their files again."
    assert len(messages(lake)) == 4
    assert [position for position, _, _ in kept(lake)] == [1]


def test_a_replay_that_was_killed_before_its_end_doubles_nothing(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = source(tmp_path / "own", STRICT)
    (tmp_path / "log").write_text("at 1736935201\nnever\n")
    ingest(lake, "tally", [tmp_path / "log"], own)
    source(own, MENDED)
    with monkeypatch.context() as killed:

        def kill(*_: object) -> None:
            raise LakeError("killed")

        killed.setattr(lake, "replace", kill)
        with pytest.raises(LakeError):
            replay(lake, sources_dir=own)
    assert (len(messages(lake)), len(kept(lake))) == (1, 2)
    replay(lake, sources_dir=own)
    assert (messages(lake), [raw for _, raw, _ in kept(lake)]) == (["at 1736935201"], ["never"])


def test_records_of_a_source_that_is_gone_stay_and_it_is_said(lake: Lake, tmp_path: Path) -> None:
    own = source(tmp_path / "own", STRICT)
    (tmp_path / "log").write_text("never\n")
    ingest(lake, "tally", [tmp_path / "log"], own)
    (done,) = replay(lake)
    assert done.note == "There is no source tally any more: its records stay."
    assert len(kept(lake)) == 1
