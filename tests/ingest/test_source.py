"""A source file of one's own: checked whole, then as good as ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.run import ingest
from ingest.source import load
from lake.errors import InquestError
from lake.store import Lake

GOOD = """-- name: tiny
-- reads: lines
-- class: log_record
SELECT position, to_timestamp(line::BIGINT) AS "time", {'service': 'tiny'} AS workload,
  shouted(line) AS message, {'version': '1.8.0', 'log_name': 'mine'} AS metadata, 7 AS count
FROM raw
"""
MACROS = "CREATE MACRO shouted(text) AS upper(text) || '!';\n"


def sources(folder: Path, **files: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.sql").write_text(text, "utf-8")
    return folder


def test_a_folder_of_ones_own_adds_sources_and_macros(tmp_path: Path) -> None:
    own = sources(tmp_path / "own", tiny=GOOD, macros=MACROS)
    log = tmp_path / "log"
    log.write_text("1736935200\n")
    with Lake.create(tmp_path / "lake") as lake:
        assert ingest(lake, "tiny", [log], sources_dir=own).classes == {"log_record": 1}
        (row,) = lake.at().ask("SELECT message, metadata, ocsf_rest FROM log_record").dicts()
    assert row["message"] == "1736935200!"
    assert row["metadata"]["log_name"] == "mine"
    assert row["ocsf_rest"] == '{"metadata":{"version":"1.8.0"},"count":7}'


def test_a_row_that_the_select_fails_on_or_loses_is_quarantined(tmp_path: Path) -> None:
    losing = GOOD.replace("FROM raw", "FROM raw WHERE line <> '5'")
    own = sources(tmp_path / "own", tiny=losing, macros=MACROS)
    log = tmp_path / "log"
    log.write_text("1736935200\nnot a number\n5\n1736935201\n")
    with Lake.create(tmp_path / "lake") as lake:
        summary = ingest(lake, "tiny", [log], sources_dir=own)
        kept = lake.at().ask("SELECT position, raw FROM quarantine ORDER BY position").dicts()
    assert (summary.read, summary.mapped) == (4, 2)
    assert summary.quarantined == {
        "the mapping fails: Conversion Error": 1,
        "the SELECT gives no row for it": 1,
    }
    assert kept == [{"position": 2, "raw": "not a number"}, {"position": 3, "raw": "5"}]


def test_each_of_many_records_in_one_document_is_counted(tmp_path: Path) -> None:
    many = GOOD.replace("FROM raw", "FROM (SELECT *, unnest(range(3000)) AS one FROM raw)")
    twice = many.replace("7 AS count", "CASE WHEN one >= 1000 THEN 'too much' END AS problem")
    own = sources(tmp_path / "own", tiny=twice, macros=MACROS)
    log = tmp_path / "log"
    log.write_text("1736935200\n")
    with Lake.create(tmp_path / "lake") as lake:
        summary = ingest(lake, "tiny", [log], sources_dir=own)
        kept = lake.at().ask("SELECT count(*) AS n FROM quarantine").dicts()
    assert (summary.mapped, summary.quarantined, kept) == (1000, {"too much": 2000}, [{"n": 2000}])


def test_every_fault_of_every_file_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    own = sources(
        tmp_path / "own",
        macros=MACROS,
        headless="SELECT position, NULL::TIMESTAMPTZ AS time FROM raw",
        wrong="-- name: wrong\n-- reads: entrails\n-- class: weather\nSELECT 1",
        unbound="-- name: unbound\n-- reads: lines\n-- class: log_record\n"
        "SELECT position,\n  colour AS time FROM raw",
        timeless="-- name: timeless\n-- reads: lines\n-- class: log_record\nSELECT line FROM raw",
        three="-- name: three\n-- reads: lines\n-- class: log_record\n-- sniffs: (\n-- sniff: (\n"
        "SELECT position, colour AS time,\n  {'service': shouted(lin), 'pot': 1} AS workload,\n"
        "  wispered(line) AS mesage\nFROM raw",
        two="-- name: two\n-- reads: lines\n-- class: log_record\nSELECT 1; SELECT 2",
        nginx=GOOD,
    )
    with pytest.raises(InquestError) as caught:
        load(own)
    told = str(caught.value).replace(f"{own}/", "").splitlines()
    for expected in (
        "headless.sql:1: the header lacks `-- name:`, the stem of the file",
        "headless.sql:1: the header lacks `-- class:`, the OCSF classes that it makes",
        "wrong.sql:2: reads is entrails, expected lines or ",
        "wrong.sql:3: There is no table weather: a lake has one for each class of OCSF",
        'unbound.sql:5: Binder Error: Referenced column "colour" not found',
        "timeless.sql:1: the SELECT gives no column position",
        "three.sql:4: the header has `-- sniffs:`, expected perhaps `-- sniff:`",
        "three.sql:5: sniff is (, which is no regular expression: missing )",
        'three.sql:6: Binder Error: Referenced column "colour" not found',
        'three.sql:7: Binder Error: Referenced column "lin" not found',
        "three.sql:7: OCSF 1.8.0 has no workload.pot in log_record",
        "three.sql:8: Catalog Error: Scalar Function with name wispered does not exist",
        "three.sql:8: OCSF 1.8.0 has no mesage in log_record",
        "timeless.sql:1: the SELECT gives no column time",
        "two.sql:1: the file has to hold one SELECT",
        "nginx.sql:1: there is a source nginx: give it another name",
    ):
        assert any(line.startswith(expected) for line in told), (expected, told)


def test_a_macro_that_we_have_is_not_overridden(tmp_path: Path) -> None:
    own = sources(tmp_path / "own", macros="CREATE MACRO given(text) AS text;")
    with pytest.raises(InquestError, match=r"macros.sql:1: .*given"):
        load(own)


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(InquestError, match=r"gone is no folder of sources\."):
        load(tmp_path / "gone")
