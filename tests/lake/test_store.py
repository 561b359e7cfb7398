import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyiceberg.catalog.sql import SqlCatalog

from lake import schema
from lake.ask import literal
from lake.errors import LakeError
from lake.store import Lake
from tests.lake.world import NOON, logs

TIMES = f"SELECT {literal(NOON)} AS time, {literal(NOON)} AS ingested_at"
MESSAGES = "SELECT message FROM log_record ORDER BY time, message"


def messages(lake: Lake) -> list[str]:
    return [row["message"] for row in lake.at().ask(MESSAGES).dicts()]


def copy(lake: Lake, select: str, name: str = "written.parquet") -> Path:
    """Write a SELECT in the shape of log_record as ingest does: DuckDB straight into staging."""
    file = lake.staging("log_record") / name
    columns = schema.duckdb_columns("log_record")
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        given = set(connection.sql(select).columns)
        shaped = ", ".join(
            f"CAST({column if column in given else 'NULL'} AS {kind}) AS {column}"
            for column, kind in columns.items()
        )
        connection.execute(
            f"COPY (SELECT {shaped} FROM ({select})) TO {literal(str(file))} "
            f"({lake.copy_options('log_record')})"
        )
    return file


def test_rows_come_back_as_they_went_in(lake: Lake) -> None:
    row = {
        "time": datetime(2026, 11, 21, 23, 59, 59, 999_999, tzinfo=UTC),
        "ingested_at": NOON,
        "activity_id": 1,
        "severity_id": None,
        "message": "naïve 🦆 'quoted'\n\x00end",
        "metadata": {"uid": "00ff", "log_name": None, "product": None},
        "workload": None,
        "exception": {"type": "E", "message": None, "stacktrace": ""},
        "attributes": '{"k": [1, null]}',
    }
    lake.append("log_record", pa.Table.from_pylist([row]), "b1")
    assert lake.at().ask(f"SELECT {', '.join(row)} FROM log_record").dicts() == [row]


def test_lists_and_numbers_come_back_as_they_went_in(lake: Lake) -> None:
    row = {
        "time": NOON,
        "ingested_at": NOON,
        "is_monotonic": True,
        "value": 0.1,
        "count": 2**40,
        "explicit_bounds": [0.5, float("inf")],
        "bucket_counts": [],
    }
    lake.append("metric_point", pa.Table.from_pylist([row]), "b1")
    assert lake.at().ask(f"SELECT {', '.join(row)} FROM metric_point").dicts() == [row]


def test_another_iceberg_reader_sees_the_same_rows_partitioned_by_day(lake: Lake) -> None:
    lake.append("log_record", logs("a", "b", at=NOON + timedelta(hours=11, seconds=3599)), "b1")
    uri = f"sqlite:///{lake.path / 'catalog.sqlite'}"
    catalog = SqlCatalog("inquest", uri=uri)
    table = catalog.load_table("inquest.log_record")
    assert table.scan().to_arrow().sort_by("time")["message"].to_pylist() == ["a", "b"]
    days = [task.file.partition[0] for task in table.scan().plan_files()]
    catalog.close()
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    assert sorted(days) == [(NOON - epoch).days, (NOON - epoch).days + 1]


def test_an_append_is_sorted(lake: Lake) -> None:
    lake.append("log_record", logs("a", "b", "c").take([2, 0, 1]), "b1")
    (file,) = lake.staging("log_record").glob("*.parquet")
    assert pq.read_table(file)["message"].to_pylist() == ["a", "b", "c"]


def test_a_batch_is_appended_once(lake: Lake) -> None:
    first = lake.append("log_record", logs("a"), "b1")
    second = lake.append("log_record", logs("b"), "b2")
    assert lake.append("log_record", logs("a"), "b1") == first
    assert lake.snapshots() == {"log_record": second}
    assert messages(lake) == ["a", "b"]


def test_a_batch_is_remembered_by_the_lake_and_not_by_the_process(tmp_path: Path) -> None:
    with Lake.create(tmp_path) as lake:
        first = lake.append("log_record", logs("a"), "b1")
    with Lake.open(tmp_path) as lake:
        assert lake.append("log_record", logs("a"), "b1") == first
        assert messages(lake) == ["a"]


def test_writers_at_once_with_the_same_batches_append_each_once(tmp_path: Path) -> None:
    Lake.create(tmp_path).close()

    def write(_: int) -> None:
        with Lake.open(tmp_path) as lake:
            for batch in ("b1", "b2", "b3"):
                lake.append("log_record", logs(batch), batch)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(write, range(3)))
    with Lake.open(tmp_path) as lake:
        assert sorted(messages(lake)) == ["b1", "b2", "b3"]


def test_no_rows_make_no_snapshot(lake: Lake) -> None:
    assert lake.append("log_record", logs("a").slice(0, 0), "b1") is None
    assert lake.snapshots() == {}


def test_a_file_written_by_duckdb_is_committed_where_it_lies(lake: Lake) -> None:
    file = copy(
        lake, f"SELECT {literal(NOON)} AS time, {literal(NOON)} AS ingested_at, 'a' AS message"
    )
    lake.add_files("log_record", {"b1": [file]})
    before = lake.snapshots()
    lake.add_files("log_record", {"b1": [file]})
    assert lake.snapshots() == before
    assert messages(lake) == ["a"]
    assert list(lake.staging("log_record").iterdir()) == [file]


def test_a_file_that_batches_share_goes_in_once_and_not_with_one_that_is_there(lake: Lake) -> None:
    rows = f"SELECT {literal(NOON)} AS time, {literal(NOON)} AS ingested_at, 'a' AS message"
    file = copy(lake, rows)
    for _ in range(2):
        lake.add_files("log_record", {"b1\nb2": [file]})
    assert messages(lake) == ["a"]
    with pytest.raises(LakeError, match="first with some of the files"):
        lake.add_files("log_record", {"b2\nb3": [copy(lake, rows)]})


def test_a_file_of_several_days_is_replaced_by_one_for_each(lake: Lake) -> None:
    days = (
        f"SELECT {literal(NOON)} + to_days(i::INT) AS time, 'm' || i AS message FROM range(3) r(i)"
    )
    file = copy(lake, f"SELECT time, time AS ingested_at, message FROM ({days})")
    lake.add_files("log_record", {"b1": [file]})
    assert messages(lake) == ["m0", "m1", "m2"]
    assert not file.exists()
    assert len(list(lake.staging("log_record").iterdir())) == 3


@pytest.mark.parametrize(
    ("select", "expected"),
    [
        ("NULL::TIMESTAMPTZ AS time, now() AS ingested_at", "rows without time"),
        ("now() AS time, NULL::TIMESTAMPTZ AS ingested_at", "rows without ingested_at"),
    ],
)
def test_a_file_with_rows_that_lack_a_time_is_refused(
    lake: Lake, select: str, expected: str
) -> None:
    file = copy(lake, f"SELECT {select}")
    with pytest.raises(LakeError, match=expected):
        lake.add_files("log_record", {"b1": [file]})
    assert lake.snapshots() == {}


def test_a_file_without_field_ids_is_refused_since_it_would_read_as_null(lake: Lake) -> None:
    file = lake.staging("log_record") / "bare.parquet"
    pq.write_table(schema.arrow_schema("log_record").empty_table(), file)
    bare = pa.Table.from_pylist(
        [{"time": NOON, "ingested_at": NOON}], schema=schema.arrow_schema("log_record")
    )
    pq.write_table(bare, file)
    with pytest.raises(LakeError, match=r"bare\.parquet lacks the columns or field ids"):
        lake.add_files("log_record", {"b1": [file]})


def test_a_file_outside_the_lake_is_refused(lake: Lake, tmp_path: Path) -> None:
    with pytest.raises(LakeError, match=r"elsewhere\.parquet is not in"):
        lake.add_files("log_record", {"b1": [tmp_path / "elsewhere.parquet"]})


def test_a_file_that_nobody_committed_is_never_seen(lake: Lake) -> None:
    lake.append("log_record", logs("a"), "b1")
    copy(
        lake, f"SELECT {literal(NOON)} AS time, {literal(NOON)} AS ingested_at, 'orphan' AS message"
    )
    assert messages(lake) == ["a"]


def test_columns_that_a_table_lacks_are_named(lake: Lake) -> None:
    rows = logs("a", wrong=1, workload={"service": "s", "colour": "red"})
    with pytest.raises(LakeError, match=r"log_record has no column workload\.colour, wrong\."):
        lake.append("log_record", rows, "b1")


def test_values_that_do_not_fit_are_an_error_and_nothing_is_stored(lake: Lake) -> None:
    with pytest.raises(LakeError, match=r"cannot be written to log_record.*'many'"):
        lake.append("log_record", logs("a", severity_id="many"), "b1")
    with pytest.raises(LakeError, match="rows without time"):
        lake.append("log_record", logs("a").drop(["time"]), "b2")
    assert lake.snapshots() == {}


def test_an_unknown_table_is_an_error_that_names_those_there_are(lake: Lake) -> None:
    with pytest.raises(LakeError, match=r"no table spans: a lake has .*trace_span"):
        lake.append("spans", logs("a"), "b1")


def test_a_pinned_view_does_not_see_what_is_appended_later(lake: Lake) -> None:
    first = lake.append("log_record", logs("a"), "b1")
    pinned = lake.at()
    lake.append("log_record", logs("b"), "b2")
    assert first is not None
    for view in (pinned, lake.at({"log_record": first})):
        rows = view.ask(MESSAGES)
        assert rows.dicts() == [{"message": "a"}]
        assert rows.snapshots == {"log_record": first}
    assert messages(lake) == ["a", "b"]


def test_a_snapshot_that_is_not_there_is_an_error_that_names_it(lake: Lake) -> None:
    lake.append("log_record", logs("a"), "b1")
    with pytest.raises(LakeError, match="no snapshot 17 of log_record"):
        lake.at({"log_record": 17})


def test_a_table_of_an_older_shape_is_read_and_grows_with_the_next_append(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = schema.arrow_schema("log_record")
    narrow = pa.schema([field for field in whole if field.name != "scope"])
    with monkeypatch.context() as before:
        before.setattr(schema, "arrow_schema", lambda _: narrow)
        before.setattr(schema, "paths", lambda _: sorted(schema.leaves(narrow)))
        lake.append("log_record", logs("old"), "b1")
    question = "SELECT message, scope FROM log_record ORDER BY message"
    assert lake.at().ask(question).dicts() == [{"message": "old", "scope": None}]
    lake.append("log_record", logs("young", scope="app"), "b2")
    assert lake.at().ask(question).dicts() == [
        {"message": "old", "scope": None},
        {"message": "young", "scope": "app"},
    ]


def test_metadata_files_do_not_pile_up(lake: Lake) -> None:
    for i in range(14):
        lake.append("quarantine", pa.table({"ingested_at": [NOON], "position": [i]}), f"b{i}")
    metadata = lake.staging("quarantine").parent / "metadata"
    assert len(list(metadata.glob("*.metadata.json"))) <= 11
    assert lake.at().ask("SELECT count(*) AS n FROM quarantine").dicts() == [{"n": 14}]


@pytest.mark.parametrize("name", ["plain", "a b", "naïve 'q'", "50%20#x?y"])
def test_a_lake_may_have_any_name_that_a_folder_may(tmp_path: Path, name: str) -> None:
    with Lake.create(tmp_path / "deep" / name) as lake:
        lake.append("log_record", logs("a"), "b1")
    with Lake.open(str(tmp_path / "deep" / name)) as lake:
        assert messages(lake) == ["a"]


def test_a_lake_that_was_moved_says_from_where_to_where(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    with Lake.create(old) as lake:
        lake.append("log_record", logs("a"), "b1")
    shutil.move(old, new)
    with pytest.raises(LakeError) as caught:
        Lake.open(new)
    assert str(caught.value) == (
        f"The lake at {new} was made at {old}, and Iceberg holds absolute paths: move it back to "
        f"{old}, or ingest again into a new folder."
    )
    shutil.move(new, old)
    with Lake.open(old) as lake:
        assert messages(lake) == ["a"]


def test_a_copy_of_a_lake_is_not_mistaken_for_it(tmp_path: Path) -> None:
    Lake.create(tmp_path / "lake").close()
    shutil.copytree(tmp_path / "lake", tmp_path / "copy")
    with pytest.raises(LakeError, match="was made at"):
        Lake.open(tmp_path / "copy")


def test_a_lake_can_be_opened_through_a_link(tmp_path: Path) -> None:
    Lake.create(tmp_path / "lake").close()
    (tmp_path / "link").symlink_to(tmp_path / "lake")
    with Lake.open(tmp_path / "link") as lake:
        assert lake.path == tmp_path / "lake"


def test_there_is_no_lake_where_nothing_is(tmp_path: Path) -> None:
    with pytest.raises(LakeError, match=r"There is no lake at .*nowhere"):
        Lake.open(tmp_path / "nowhere")


def test_a_folder_of_other_things_is_no_lake_and_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("dear")
    with pytest.raises(LakeError, match="is no lake"):
        Lake.open(tmp_path)
    with pytest.raises(LakeError, match="is not empty and no lake"):
        Lake.create(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_file_is_no_lake(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LakeError, match="is no lake"):
        Lake.open(tmp_path / "file")
    with pytest.raises(LakeError, match="a lake is a folder"):
        Lake.create(tmp_path / "file")


def test_a_lake_that_cannot_be_made_says_why() -> None:
    with pytest.raises(LakeError, match=r"No lake can be made at /dev/null/lake: .*[Nn]ot a dir"):
        Lake.create("/dev/null/lake")


def test_a_bucket_is_no_lake_yet() -> None:
    with pytest.raises(LakeError, match="s3://bucket/lake is no folder"):
        Lake.open("s3://bucket/lake")


@pytest.mark.parametrize("content", [b"", b"no database at all, just words" * 99])
def test_a_broken_catalog_says_which_file_and_what_to_do(tmp_path: Path, content: bytes) -> None:
    Lake.create(tmp_path).close()
    (tmp_path / "catalog.sqlite").write_bytes(content)
    with pytest.raises(LakeError, match=r"catalog\.sqlite is no readable catalog .* restore it"):
        Lake.open(tmp_path)


def test_a_table_whose_metadata_is_gone_says_so(lake: Lake) -> None:
    lake.append("log_record", logs("a"), "b1")
    shutil.rmtree(lake.staging("log_record").parent / "metadata")
    with pytest.raises(LakeError, match=r"The table log_record of the lake .* cannot be read"):
        lake.at()


def test_creating_a_lake_twice_opens_it(tmp_path: Path) -> None:
    with Lake.create(tmp_path / "lake") as lake:
        lake.append("log_record", logs("a"), "b1")
    with Lake.create(tmp_path / "lake") as lake:
        assert messages(lake) == ["a"]
