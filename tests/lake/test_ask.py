import gc
import hashlib
import json
import math
import os
import resource
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, timedelta, timezone
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lake import ask, schema
from lake.ask import Limits, Rows, View, bind, literal
from lake.errors import DUCKDB_INTERRUPTED, QueryError
from lake.store import Lake
from tests.lake.world import NOON, logs

EMPTY = View({}, {})
ENDLESS = (
    "SELECT count(*) AS n FROM range(1000000000) a(i), range(1000000) b(j) WHERE (i * j) % 7 = 3"
)


@pytest.mark.parametrize("table", schema.tables())
def test_a_table_without_rows_is_an_empty_relation_of_its_shape(table: str) -> None:
    rows = EMPTY.ask(f"SELECT * FROM {table}")
    assert len(rows) == 0
    assert rows.columns == tuple(schema.duckdb_columns(table))
    assert schema.leaves(rows.arrow.schema) == set(schema.paths(table))


def test_an_answer_names_the_snapshots_of_the_tables_it_read_and_no_other(lake: Lake) -> None:
    log = lake.append("log_record", logs("a"), "b1")
    lake.append("quarantine", pa.table({"ingested_at": [NOON]}), "b1")
    rows = lake.at().ask(
        "WITH x AS (SELECT * FROM LOG_RECORD) SELECT count(*) AS n FROM x, trace_span"
    )
    assert rows.snapshots == {"log_record": log}


def test_a_cte_may_bear_the_name_of_the_table_it_reads(lake: Lake) -> None:
    lake.append("log_record", logs("a", "b"), "b1")
    rows = lake.at().ask(
        "WITH log_record AS (SELECT message AS m FROM log_record LIMIT 1) SELECT m FROM log_record"
    )
    assert rows.dicts() == [{"m": "a"}]


def test_quarantined_records_can_be_asked_for(lake: Lake) -> None:
    row = {
        "ingested_at": NOON,
        "source": "s",
        "path": "p",
        "position": 7,
        "reason": "r",
        "is_part": False,
        "batch": "b",
        "replay": None,
        "raw": "{",
    }
    lake.append("quarantine", pa.Table.from_pylist([row]), "b1")
    assert lake.at().ask("FROM quarantine").dicts() == [row]


def test_times_are_utc_and_sums_of_integers_are_integers(lake: Lake) -> None:
    lake.append("log_record", logs("a", "b", severity_id=2), "b1")
    frame = lake.at().ask("SELECT min(time) AS t, sum(severity_id) AS n FROM log_record").df()
    assert str(frame["t"].dtype) == "datetime64[us, UTC]"
    assert frame["n"].dtype == "int64"
    assert frame["n"][0] == 4


def test_a_sum_past_64_bits_stays_exact() -> None:
    rows = EMPTY.ask(f"SELECT sum(i::HUGEINT * {2**62}) AS n FROM range(5) r(i)")
    assert rows.dicts() == [{"n": 10 * 2**62}]
    assert rows.digest == Rows(pa.table({"n": pa.array([10 * 2**62], pa.decimal128(38, 0))})).digest


@pytest.mark.parametrize(
    "sql",
    [
        "COPY log_record TO '/tmp/x'",
        "COPY (SELECT 1) TO '/tmp/x'",
        "ATTACH '/tmp/x.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "PRAGMA version",
        "SET threads = 1",
        "CREATE TABLE x AS SELECT 1",
        "CREATE TEMP VIEW log_record AS SELECT 1",
        "DROP VIEW log_record",
        "INSERT INTO log_record SELECT * FROM log_record",
        "DELETE FROM log_record",
        "CALL pragma_version()",
        "EXPLAIN SELECT 1",
        "EXPORT DATABASE '/tmp/x'",
        "",
        "-- nothing",
        "SELECT 1; SELECT 2",
        "SELECT 1; COPY (SELECT 1) TO '/tmp/x'",
        "SELECT 1 /* */; /* */ DROP VIEW log_record",
        "/* SELECT */ COPY (SELECT 1) TO '/tmp/x' -- SELECT",
        "WITH x AS (DELETE FROM log_record RETURNING *) SELECT * FROM x",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM READ_BLOB('/etc/passwd')",
        "SELECT * FROM glob('/*')",
        "SELECT * FROM '/etc/passwd'",
        'FROM "/etc/passwd"',
        "SELECT (SELECT content FROM read_text('/etc/passwd'))",
        "SELECT 1 WHERE EXISTS (SELECT 1 FROM (SELECT * FROM read_text('/etc/passwd')))",
        "WITH x AS (SELECT * FROM sniff_csv('/etc/passwd')) SELECT 1",
        "SELECT 1 UNION ALL SELECT content FROM read_text('/etc/passwd')",
        "SELECT * FROM range(3) ORDER BY (SELECT content FROM read_text('/etc/passwd'))",
        "SELECT * FROM query('SELECT 1')",
        "SELECT * FROM query_table('log_record')",
        "SELECT * FROM duckdb_settings()",
        "SELECT * FROM duckdb_settings",
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM pg_catalog.pg_tables",
        "SELECT * FROM main.log_record",
        "SELECT * FROM (DESCRIBE log_record)",
        "SUMMARIZE log_record",
        "SHOW TABLES",
        "SELECT getenv('HOME')",
        "SELECT main.getenv('HOME')",
        "SELECT 'HOME'.getenv()",
        "SELECT list_transform(['HOME'], lambda x: getenv(x))",
        "SELECT sum(1) FILTER (WHERE getenv('HOME') = '') FROM range(1)",
        "SELECT current_setting('memory_limit')",
        "SELECT current_user",
        "SELECT now()",
        "SELECT CURRENT_TIMESTAMP",
        "SELECT random()",
        "SELECT uuid()",
        "SELECT repeat('x', 1000000000)",
        "SELECT json_execute_serialized_sql('{}')",
        "SELECT * FROM log_record TABLESAMPLE 10%",
        "SELECT $1",
        "SELECT 1\x00; COPY (SELECT 1) TO '/tmp/x'",
        "SELECT '\ud800'",
        f"SELECT {'NOT ' * 900} true",
        f"SELECT {'+'.join('1' * 5000)}",
    ],
)
def test_what_is_more_than_a_question_to_the_lake_is_refused(sql: str) -> None:
    with pytest.raises(QueryError):
        EMPTY.ask(sql)


def test_the_database_itself_opens_no_other_file_and_stays_locked(
    lake: Lake, tmp_path: Path
) -> None:
    """What a query that got past the first check would meet."""
    (tmp_path / "secret.csv").write_text("a\n1\n")
    lake.append("log_record", logs("a"), "b1")
    inside = lake.at()._database
    for sql in (
        f"FROM read_csv('{tmp_path}/secret.csv')",
        f"COPY (SELECT 1) TO '{tmp_path}/out.csv'",
        f"ATTACH '{tmp_path}/out.db'",
        "SET enable_external_access = true",
        "RESET allowed_paths",
        "INSTALL httpfs",
    ):
        with pytest.raises(duckdb.Error):
            inside.execute(sql)
    assert not list(tmp_path.glob("out*"))


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT * FROM spans", "no table spans: a lake has .*trace_span"),
        ("SELECT colour FROM log_record", '"colour" not found.*log_record has time, .*message'),
        ("SELECT workload.colour FROM log_record", '"colour" in struct.*workload'),
        ("SELEC 1", 'Only a SELECT may be asked: syntax error at or near "SELEC"'),
        ("SELECT CAST('x' AS INTEGER) AS n", "Could not convert string 'x'"),
        ("SELECT 1 AS a, 2 AS a", "Two columns of the answer have one name"),
        ("SELECT getenv('HOME')", "may not call getenv"),
    ],
)
def test_an_error_is_one_line_that_names_what_is_wrong(sql: str, expected: str) -> None:
    with pytest.raises(QueryError, match=expected) as caught:
        EMPTY.ask(sql)
    assert "\n" not in str(caught.value)


def test_a_data_file_that_is_gone_is_an_error_that_names_it(lake: Lake) -> None:
    lake.append("log_record", logs("a"), "b1")
    view = lake.at()
    (file,) = lake.staging("log_record").glob("*.parquet")
    file.unlink()
    with pytest.raises(QueryError, match=file.name):
        view.ask("SELECT message FROM log_record")


def test_a_data_file_that_cannot_be_opened_just_then_is_tried_again(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.append("log_record", logs("a"), "b1")
    view, (most, hard) = lake.at(), resource.getrlimit(resource.RLIMIT_NOFILE)
    view.ask("SELECT 1 AS one")
    waits: list[float] = []

    def wait(seconds: float) -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        waits.append(seconds)

    monkeypatch.setattr(View.ask.retry, "sleep", wait)
    gc.disable()  # what it closed would make room
    os.close(lowest := os.dup(0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    try:
        assert len(view.ask("SELECT message FROM log_record").dicts()) == 1
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        gc.enable()
    assert waits == [0.1]


def test_rows_past_the_cap_are_cut_off_and_the_answer_says_so() -> None:
    capped = EMPTY.ask("SELECT i FROM range(30000) r(i) ORDER BY i", Limits(rows=10_000))
    assert (len(capped), capped.truncated) == (10_000, True)
    assert capped.dicts()[-1] == {"i": 9_999}
    exact = EMPTY.ask("SELECT i FROM range(10000) r(i)", Limits(rows=10_000))
    assert (len(exact), exact.truncated) == (10_000, False)


def test_bytes_past_the_cap_are_cut_off_and_the_answer_says_so() -> None:
    capped = EMPTY.ask("SELECT i FROM range(100000) r(i)", Limits(bytes=200_000))
    assert capped.truncated
    assert 0 < len(capped) <= 25_000


def test_a_query_is_stopped_at_its_deadline() -> None:
    began = time.monotonic()
    with pytest.raises(QueryError, match=r"longer than 0\.2 s"):
        EMPTY.ask(ENDLESS, Limits(seconds=0.2))
    assert time.monotonic() - began < 20
    assert EMPTY.ask("SELECT 1 AS one").dicts() == [{"one": 1}]


def test_what_duckdb_makes_of_ctrl_c_is_ctrl_c_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal in the middle of a query is seen now or later: so its outcome is played."""

    def interrupted(*_: object) -> object:
        raise RuntimeError(DUCKDB_INTERRUPTED)

    monkeypatch.setattr(ask, "_fetch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        EMPTY.ask("SELECT 1 AS one")


def test_a_query_that_is_already_giving_rows_is_stopped_at_its_deadline() -> None:
    with pytest.raises(QueryError, match=r"longer than 0\.2 s"):
        EMPTY.ask("SELECT i FROM range(10000000000) r(i)", Limits(10**12, 10**15, seconds=0.2))


def test_an_error_after_the_first_rows_is_told_like_any_other() -> None:
    late = "SELECT CAST(if(i = 900000, 'x', '1') AS INTEGER) AS n FROM range(1000000) r(i)"
    with pytest.raises(QueryError, match="Could not convert string 'x'"):
        EMPTY.ask(late, Limits(rows=1_000_000))


def test_no_thread_is_left_behind() -> None:
    before = threading.active_count()
    EMPTY.ask("SELECT 1 AS one")
    assert threading.active_count() <= before


def test_one_view_answers_several_threads_at_once(lake: Lake) -> None:
    lake.append("log_record", logs(*map(str, range(100))), "b1")
    view = lake.at()
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(
                lambda i: view.ask(f"SELECT message FROM log_record WHERE message = '{i}'").dicts(),
                range(40),
            )
        )
    assert answers == [[{"message": str(i)}] for i in range(40)]


def test_a_digest_is_the_hash_of_json_lines() -> None:
    """What must never change: reports in the world carry it."""
    rows = EMPTY.ask(
        "SELECT TIMESTAMPTZ '2026-11-21 14:02:31+00' AS t, NULL AS n, 0.1::DOUBLE AS d, 1e16 AS b, "
        "'é \"🦆\"' AS s, [1, NULL] AS l, {'at': TIMESTAMP '2026-01-01', 'b': true} AS o, "
        "sum(2) AS h, 1.50 AS e, DATE '2026-01-02' AS day, '\\xFF'::BLOB AS raw, 'nan'::DOUBLE AS x"
    )
    line = (
        '{"t":"2026-11-21T14:02:31.000000Z","n":null,"d":0.1,"b":1e+16,"s":"é \\"🦆\\"",'
        '"l":[1,null],"o":{"at":"2026-01-01T00:00:00.000000Z","b":true},"h":2,"e":"1.50",'
        '"day":"2026-01-02","raw":"ff","x":NaN}\n'
    )
    assert rows.digest == f"sha256:{hashlib.sha256(line.encode()).hexdigest()}"


def test_a_digest_tells_apart_what_looks_alike() -> None:
    alike = [
        "SELECT NULL AS a",
        "SELECT 'null' AS a",
        "SELECT '' AS a",
        "SELECT 1 AS a",
        "SELECT 1.0::DOUBLE AS a",
        "SELECT '1' AS a",
        "SELECT 'nan'::DOUBLE AS a",
        "SELECT 1 AS b",
        "SELECT 1 AS a, 1 AS b",
        "SELECT 1 AS b, 1 AS a",
        "SELECT 1 AS a WHERE false",
        "SELECT unnest([1, 1]) AS a",
    ]
    assert len({EMPTY.ask(sql).digest for sql in alike}) == len(alike)


def test_a_digest_is_the_same_with_one_thread_and_with_four(lake: Lake) -> None:
    for batch in range(4):
        lake.append("log_record", logs(*map(str, range(500)), severity_id=batch), f"b{batch}")
    sql = (
        "SELECT severity_id, message, count(*) AS n, sum(severity_id) AS total FROM log_record "
        "GROUP BY ALL ORDER BY ALL"
    )
    digests = {lake.at(threads=threads).ask(sql).digest for threads in (1, 4, 4, 4)}
    assert len(digests) == 1


def test_a_digest_changes_when_a_data_file_is_altered_in_place(lake: Lake) -> None:
    lake.append("log_record", logs("paid", "paid"), "b1")
    view = lake.at()
    sql = "SELECT time, message FROM log_record ORDER BY time"
    before = view.ask(sql).digest
    assert view.ask(sql).digest == before
    (file,) = lake.staging("log_record").glob("*.parquet")
    table = pq.read_table(file)
    forged = pa.array(["paid", "free"])
    at = table.column_names.index("message")
    pq.write_table(table.set_column(at, table.schema.field(at), forged), file)
    assert view.ask(sql).digest != before


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.datetimes(
        NOON.replace(year=1, tzinfo=None),
        NOON.replace(year=9999, tzinfo=None),
        timezones=st.sampled_from([UTC, timezone(timedelta(hours=5))]),
    )
    | st.dates()
)


@settings(deadline=None, max_examples=200)
@given(SCALARS)
def test_a_literal_is_the_value(value: object) -> None:
    (row,) = EMPTY.ask(f"SELECT {literal(value)} AS v").dicts()
    assert (type(row["v"]), row["v"]) == (type(value), value)


@settings(deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))) | st.lists(st.integers(0, 9)))
def test_a_list_is_a_list(values: list[object]) -> None:
    assert EMPTY.ask(f"SELECT {literal(values)} AS v").dicts() == [{"v": values}]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -0.0])
def test_a_literal_double_is_the_same_to_the_bit(value: float) -> None:
    (row,) = EMPTY.ask(f"SELECT {literal(value)} AS v").dicts()
    assert repr(row["v"]) == repr(value)


@pytest.mark.parametrize("value", [NOON.replace(tzinfo=None), timedelta(1), b"x", {}, 2**63])
def test_a_value_without_a_literal_is_an_error(value: object) -> None:
    with pytest.raises(TypeError, match="No SQL literal"):
        literal(value)


def test_bound_sql_stands_alone() -> None:
    sql = bind("SELECT $a AS a, $b AS b, 5-$a AS c", a=-3, b="it's $a")
    assert EMPTY.ask(sql).dicts() == [{"a": -3, "b": "it's $a", "c": 8}]


@pytest.mark.parametrize(
    "untouched",
    [
        "'$a'",
        "'it''s $a'",
        "e'it\\'s $a'",
        '"$a"',
        "1 -- $a\n",
        "1 /* $a */",
        "$$ $a $$",
        "$tag$ $a $$ $a $tag$",
    ],
)
def test_a_dollar_inside_a_string_or_a_comment_is_left_alone(untouched: str) -> None:
    assert bind(f"SELECT {untouched}, $a", a=1) == f"SELECT {untouched}, 1"


def test_a_parameter_too_many_or_too_few_is_an_error_that_names_it() -> None:
    with pytest.raises(QueryError, match=r"parameter \$b has no value"):
        bind("SELECT $a, $b", a=1)
    with pytest.raises(QueryError, match=r"has no parameter \$c"):
        bind("SELECT $a", a=1, c=2)


def test_rows_are_dicts_and_a_frame_in_select_order() -> None:
    rows = EMPTY.ask("SELECT 2 AS b, 1 AS a")
    assert json.dumps(rows.dicts()) == '[{"b": 2, "a": 1}]'
    assert list(rows.df().columns) == ["b", "a"]
