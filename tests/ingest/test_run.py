"""Files into the lake: once, whole, and with nothing lost."""

from __future__ import annotations

import gzip
import json
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
import zstandard

from ingest.contract import samples
from ingest.plan import Plan, Refused, Staged, take
from ingest.read import READERS
from ingest.read.stream import Chunk
from ingest.run import ingest
from ingest.source import load
from ingest.told import Told
from lake.errors import InquestError
from lake.store import Lake
from tests.ingest.otlp_samples import DATA, framed, many, sample_traces

LINE = '198.51.100.4 - - [15/Jan/2025:10:00:0{} +0000] "GET /{} HTTP/1.1" 200 1 "-" "-"\n'
_AT = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    with Lake.create(tmp_path / "lake") as made:
        yield made


def access_log(path: Path, lines: int = 9) -> Path:
    path.write_text("".join(LINE.format(i % 10, i) for i in range(lines)), "utf-8")
    return path


def test_the_same_file_twice_changes_nothing_and_says_so(lake: Lake, tmp_path: Path) -> None:
    log = access_log(tmp_path / "access.log")
    assert ingest(lake, "nginx", [log]).mapped == 9
    before = lake.snapshots()
    again = ingest(lake, "nginx", [log])
    assert (again.read, lake.snapshots()) == (0, before)
    assert again.notes == (f"{log} holds what was ingested before: nothing changed.",)


def test_small_files_go_in_with_one_commit_and_each_once(lake: Lake, tmp_path: Path) -> None:
    logs = [access_log(tmp_path / f"{n}.log", lines=n) for n in (3, 4, 5)]
    twin = access_log(tmp_path / "twin.log", lines=4)
    summary = ingest(lake, "nginx", [*logs, twin])
    assert summary.mapped == 12
    assert summary.notes == (f"{twin} holds what was ingested before: nothing changed.",)
    assert len(list(lake.path.glob("http_activity/metadata/snap-*.avro"))) == 1
    for log in logs:
        assert ingest(lake, "nginx", [log]).read == 0


def test_a_file_of_nothing_but_junk_is_quarantined_once(lake: Lake, tmp_path: Path) -> None:
    junk = tmp_path / "junk.log"
    junk.write_text("one\ntwo\n")
    assert ingest(lake, "nginx", [junk]).quarantined == {
        "the line is not in nginx's common or combined format": 2
    }
    assert ingest(lake, "nginx", [junk]).read == 0
    assert lake.at().ask("SELECT count(*) AS n FROM quarantine").dicts() == [{"n": 2}]


def test_a_run_killed_between_its_two_commits_is_finished_by_the_next(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "access.log"
    log.write_text(LINE.format(1, 1) + "junk\n", "utf-8")
    commit = Lake.add_files

    def killed(self: Lake, table: str, batches: Mapping[str, Sequence[Path]]) -> None:
        if table == "http_activity":
            raise KeyboardInterrupt
        commit(self, table, batches)

    with monkeypatch.context() as patch:
        patch.setattr(Lake, "add_files", killed)
        with pytest.raises(KeyboardInterrupt):
            ingest(lake, "nginx", [log])
    summary = ingest(lake, "nginx", [log])
    assert (summary.mapped, sum(summary.quarantined.values())) == (1, 1)
    assert lake.at().ask("SELECT count(*) AS n FROM quarantine").dicts() == [{"n": 1}]


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_a_compressed_file_is_read_by_its_content_not_its_name(
    lake: Lake, tmp_path: Path, pack: object
) -> None:
    assert callable(pack)
    plain = access_log(tmp_path / "access.log").read_bytes()
    packed = tmp_path / "packed"
    packed.write_bytes(pack(plain[:300]) + pack(plain[300:]))
    assert ingest(lake, "nginx", [packed]).mapped == 9


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_a_cut_compressed_file_gives_what_it_has_and_says_where_it_breaks_off(
    lake: Lake, tmp_path: Path, pack: object
) -> None:
    assert callable(pack)
    rng = random.Random(1)
    lines = [LINE.format(i % 10, rng.randbytes(90).hex()) for i in range(2000)]
    packed = pack("".join(lines).encode())
    cut = tmp_path / "cut"
    cut.write_bytes(packed[: len(packed) * 3 // 4])
    summary = ingest(lake, "nginx", [cut])
    assert summary.mapped > 500
    assert summary.quarantined["the compressed stream breaks off here"] == 1


def test_days_become_partitions(lake: Lake, tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text(LINE.format(1, 1) + LINE.format(2, 2).replace("15/Jan", "16/Jan"), "utf-8")
    ingest(lake, "nginx", [log])
    assert len(list(lake.path.rglob("*.parquet"))) == 2


def test_an_empty_file_is_no_fault_and_is_said(lake: Lake, tmp_path: Path) -> None:
    empty = tmp_path / "empty.log"
    empty.touch()
    for name in load():
        summary = ingest(lake, name, [empty])
        assert (summary.read, summary.notes) == (0, (f"{empty} holds no records.",))


JUNK = (
    b"junk\n",
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\xff\xfe\n",
    b"[1, null, {}]",
    b'{"some": "thing"}\n'
    b'{"resourceSpans": "no", "status": 5, "deployment": 1, "alerts": {}}\n'
    b'{"resourceSpans": [{"scopeSpans": [{"spans": [5]}]}]}\n',
)


@pytest.mark.parametrize("name", [name for name in load() if name != "plain_log"])
def test_junk_goes_to_quarantine_with_a_reason(lake: Lake, tmp_path: Path, name: str) -> None:
    files = [tmp_path / f"junk-{number}" for number in range(len(JUNK))]
    for file, junk in zip(files, JUNK, strict=True):
        file.write_bytes(junk)
    summary = ingest(lake, name, files)
    assert summary.mapped == 0
    kept = lake.at().ask("SELECT source, path, reason FROM quarantine").dicts()
    assert len(kept) == summary.read
    without = {file for file in files if f"{file} holds no records." in summary.notes}
    assert {row["path"] for row in kept} == set(map(str, files)) - set(map(str, without))
    assert all(row["source"] == name and row["reason"] for row in kept)


def test_a_file_that_nobody_thought_of_costs_no_other(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [access_log(tmp_path / name) for name in ("a.log", "b.log", "c.log")]
    files[0].write_text(files[0].read_text() + "a\n")
    files[2].write_text(files[2].read_text() + "c\n")
    real = READERS["lines"]

    def read(path: Path, now: datetime) -> Iterator[Chunk]:
        yield from real.read(path, now)
        if path == files[1]:
            raise ValueError("no decoder is perfect")

    monkeypatch.setitem(READERS, "lines", replace(real, read=read))
    summary = ingest(lake, "nginx", files)
    told = f"{files[1]} cannot be read, and nothing of it was taken: no decoder is perfect"
    assert (summary.notes, summary.unread) == ((told,), 1)
    (row,) = lake.at().ask("SELECT count(*) AS n FROM http_activity").dicts()
    assert row["n"] == summary.mapped > 0
    assert len(list(lake.path.rglob("*.parquet"))) == 3  # one of both, and each has its own aside


def test_of_a_file_that_has_grown_only_what_is_new_is_taken(lake: Lake, tmp_path: Path) -> None:
    log = access_log(tmp_path / "access.log")
    whole = log.read_text()
    for more, mapped in (("", 9), ("what\n" + LINE.format(1, "new"), 1), (LINE[:30], 0), ("", 1)):
        whole += more if more else ""
        log.write_text(
            whole if more or mapped == 9 else whole[: -len(LINE[:30])] + LINE.format(2, "x")
        )
        summary = ingest(lake, "nginx", [log])
        assert (summary.mapped, "has grown" in "".join(summary.notes)) == (mapped, mapped != 9)
    rows = lake.at().ask("SELECT http_request.url.path AS path FROM http_activity").dicts()
    assert sorted(row["path"] for row in rows) == sorted(
        [*(f"/{i}" for i in range(9)), "/new", "/x"]
    )
    kept = lake.at().ask("SELECT position, raw FROM quarantine ORDER BY position").dicts()
    assert kept == [{"position": 10, "raw": "what"}, {"position": 12, "raw": LINE[:30]}]
    assert ingest(lake, "nginx", [log]).read == 0


def test_large_documents_of_many_records_are_mapped_each_alone(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = {"alertname": "Slow", "service": "cart"}
    alert = {"status": "firing", "labels": labels, "startsAt": "2026-01-15T10:00:00Z"}
    bodies = [
        {"alerts": [alert | {"fingerprint": f"{body}-{i}"} for i in range(n)]}
        for body, n in enumerate((1, 600, 2, 700, 650))
    ]
    (tmp_path / "alerts").write_text("".join(json.dumps(body) + "\n" for body in bodies))
    seen = list[int]()

    def counting(plan: Plan, raw: pa.Table, staged: Staged) -> tuple[Counter[str], list[Refused]]:
        seen.append(len(raw))
        return take(plan, raw, staged)

    monkeypatch.setattr("ingest.run.take", counting)
    assert ingest(lake, "alertmanager", [tmp_path / "alerts"]).mapped == 1953
    assert seen == [1, 1, 1, 1, 1]


def test_a_file_that_grew_after_its_run_was_killed_between_two_commits_is_taken_whole(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "tally.sql").write_text(
        "-- name: tally\n-- reads: lines\n-- class: log_record base_event\n"
        "SELECT position, to_timestamp(line::BIGINT) AS time,\n"
        "  CASE WHEN line LIKE '%0' THEN 1 ELSE 99 END AS activity_id,\n"
        "  CASE WHEN line LIKE '%0' THEN 'log_record' ELSE 'base_event' END AS class_name FROM raw",
        "utf-8",
    )
    log = tmp_path / "log"
    log.write_text("1736935200\n1736935201\n")
    with monkeypatch.context() as killed:
        real = lake.add_files

        def add_files(table: str, batches: Mapping[str, Sequence[Path]]) -> None:
            if table == "base_event":
                raise KeyboardInterrupt
            real(table, batches)

        killed.setattr(lake, "add_files", add_files)
        with pytest.raises(KeyboardInterrupt):
            ingest(lake, "tally", [log], own)
    log.write_text("1736935200\n1736935201\n1736935210\n")
    assert ingest(lake, "tally", [log], own).mapped == 3
    (row,) = lake.at().ask("SELECT count(*) AS n FROM base_event").dicts()
    assert row["n"] == 1


def test_two_files_of_one_content_are_two_where_their_place_tells_whose_they_are(
    lake: Lake, tmp_path: Path
) -> None:
    pods = ["cart-6d5f8c7b9d-x2x4z", "cart-6d5f8c7b9d-b4b5c"]
    uid = "0b1c2d3e-0000-4000-8000-000000000001"
    places = [tmp_path / "pods" / f"shop_{pod}_{uid}" / "cart" for pod in pods]
    files = [place / "0.log" for place in places]
    for file in files:
        file.parent.mkdir(parents=True)
        file.write_text("2026-01-15T10:00:00.1Z stdout F started\n")
    assert ingest(lake, "cri", files).mapped == 2
    assert ingest(lake, "cri", files).mapped == 0
    rows = lake.at().ask("SELECT workload.pod AS pod FROM log_record ORDER BY pod").dicts()
    assert [row["pod"] for row in rows] == sorted(pods)


def test_ids_stay_as_they_came(lake: Lake) -> None:
    ingest(lake, "otlp_traces", [DATA / "otlp_traces" / "input.jsonl"])
    (row,) = lake.at().ask("SELECT DISTINCT trace_uid FROM trace_span").dicts()
    assert row["trace_uid"] == "000000000000000012e5000000000001"
    spans = lake.at().ask("SELECT span_uid FROM trace_span ORDER BY span_uid").dicts()
    assert spans[0]["span_uid"] == "00000000000001e5"


def test_arrivals_say_when_each_body_was_ingested(lake: Lake, tmp_path: Path) -> None:
    bodies = framed(request.SerializeToString() for request in sample_traces())
    (tmp_path / "traces.otlp.binpb.zst").write_bytes(zstandard.compress(bodies))
    (tmp_path / "traces.otlp.arrivals.jsonl").write_text(
        '{"body": 0, "received_unix_nano": "1736935201000001999"}\n'
        '{"body": 1, "received_unix_nano": "1736935202000000000"}\n'
    )
    ingest(lake, "otlp_traces", [tmp_path / "traces.otlp.binpb.zst"])
    rows = lake.at().ask(
        "SELECT workload.service AS service, strftime(ingested_at, '%S.%f') AS came FROM "
        "trace_span GROUP BY ALL ORDER BY came"
    )
    assert rows.dicts() == [
        {"service": "checkout", "came": "01.000001"},
        {"service": "cart", "came": "02.000000"},
    ]


def test_a_faulty_sidecar_is_refused_in_a_sentence(lake: Lake, tmp_path: Path) -> None:
    log = access_log(tmp_path / "access.log")
    (tmp_path / "access.log.arrivals.jsonl").write_text('{"body": 0}\n')
    with pytest.raises(InquestError, match=r'arrivals.jsonl holds {"body": 0}, expected {"body":'):
        ingest(lake, "nginx", [log])


def test_a_series_is_the_same_whatever_the_order_of_its_attributes(lake: Lake) -> None:
    ingest(lake, "otlp_metrics", [DATA / "otlp_metrics" / "input.jsonl"])
    rows = lake.at().ask(
        "SELECT count(DISTINCT series_uid) AS n FROM metric_point WHERE metric_name = 'pool.used'"
    )
    assert rows.dicts() == [{"n": 1}]


def test_progress_ends_with_the_whole_file(lake: Lake, tmp_path: Path) -> None:
    log = access_log(tmp_path / "access.log")
    told: list[tuple[Path, int, int]] = []
    ingest(lake, "nginx", [log], progress=lambda *step: told.append(step))
    assert told[-1] == (log, log.stat().st_size, log.stat().st_size)


def test_a_file_larger_than_a_chunk_goes_in_whole(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.read.stream.CHUNK_BYTES", 3000)
    monkeypatch.setattr("ingest.read.stream.BLOCK_BYTES", 700)
    monkeypatch.setattr("ingest.read.bodies.CHUNK_BYTES", 3000)
    log = access_log(tmp_path / "access.log", lines=500)
    log.write_text(log.read_text("utf-8") + "junk\n", "utf-8")
    assert ingest(lake, "nginx", [log]).mapped == 500
    (junk,) = lake.at().ask("SELECT position FROM quarantine").dicts()
    assert junk["position"] == 501
    spans = tmp_path / "traces.otlp.binpb"
    spans.write_bytes(framed(many("traces", 300, in_a_body=20)))
    assert ingest(lake, "otlp_traces", [spans]).mapped == 300
    assert len(lake.snapshots()) == 3


def test_an_unknown_source_is_said(lake: Lake, tmp_path: Path) -> None:
    with pytest.raises(InquestError, match="There is no source apache: `inquest sources list`"):
        ingest(lake, "apache", [tmp_path])


def test_a_missing_file_and_a_folder_are_refused_in_a_sentence(lake: Lake, tmp_path: Path) -> None:
    with pytest.raises(InquestError, match=r"gone.log cannot be read: No such file or directory\."):
        ingest(lake, "nginx", [tmp_path / "gone.log"])
    with pytest.raises(InquestError, match=r"cannot be read: Is a directory\."):
        ingest(lake, "nginx", [tmp_path])


@pytest.mark.parametrize(
    "source", ["cri", "docker_json", "plain_log", "postgresql_text", "prometheus_text", "rabbitmq"]
)
def test_files_that_are_mapped_together_give_what_each_gives_alone(
    source: str, tmp_path: Path
) -> None:
    (sample, *_) = samples(load()[source])
    files = [tmp_path / f"{number}.txt" for number in range(3)]
    for number, file in enumerate(files):
        lines = sample.read_bytes().splitlines(keepends=True)
        file.write_bytes(b"".join(lines[number:]))
    told = {file: Told(file=str(file), captured_at=_AT, undated_at=_AT) for file in files}
    with Lake.create(tmp_path / "together") as lake:
        together = ingest(lake, source, files, told=told)
        assert ingest(lake, source, files, told=told).read == 0
        found = rows_of(lake)
    alone, wanted = Counter[str](), Counter[str]()
    for file in files:
        with Lake.create(tmp_path / f"{file.stem} alone") as lake:
            alone += Counter(ingest(lake, source, [file], told=told).classes)
            wanted += rows_of(lake)
    assert Counter(together.classes) == alone
    assert found == wanted


def rows_of(lake: Lake) -> Counter[str]:
    """What is in a lake, but when it was ingested."""
    view = lake.at()
    return Counter(
        str([table, *(value for key, value in row.items() if key != "ingested_at")])
        for table in view.snapshots
        for row in view.ask(f"SELECT * FROM {table}").dicts()
    )


def test_of_files_that_are_mapped_together_one_that_cannot_be_mapped_costs_no_other(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [access_log(tmp_path / f"{number}.log", number) for number in range(1, 4)]

    def failing(plan: Plan, raw: pa.Table, staged: Staged) -> tuple[Counter[str], list[Refused]]:
        if str(files[1]) in raw["path"].to_pylist():
            raise ValueError("no SELECT is perfect")
        return take(plan, raw, staged)

    monkeypatch.setattr("ingest.run.take", failing)
    summary = ingest(lake, "nginx", files)
    assert summary.unread == 1
    (row,) = lake.at().ask("SELECT count(*) AS n FROM http_activity").dicts()
    assert row["n"] == summary.mapped > 0
