"""A folder of evidence: each file finds its source, or is said to have none."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest import contract
from ingest.bundle import guess, ingest_folder, take
from ingest.source import load
from lake.errors import InquestError
from lake.store import Lake
from tests.ingest.otlp_samples import DATA

INCIDENTS = Path(__file__).parents[1] / "shop" / "incidents"


SOURCES = load()


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    with Lake.create(tmp_path / "lake") as made:
        yield made


@pytest.mark.parametrize("name", SOURCES)
def test_the_samples_are_recognised(name: str, tmp_path: Path) -> None:
    for sample in contract.samples(SOURCES[name]):
        plain = tmp_path / f"{name}.{sample.name}"
        packed = tmp_path / f"{name}.{sample.name}.gz"
        shutil.copy(sample, plain)
        packed.write_bytes(gzip.compress(sample.read_bytes()))
        guesses = [guess(plain, SOURCES), guess(packed, SOURCES)]
        assert [one and one.source for one in guesses] == [name, name], (sample, guesses)


def test_what_no_source_reads_is_said_and_sidecars_are_none(tmp_path: Path) -> None:
    folder = tmp_path / "evidence"
    folder.mkdir()
    shutil.copy(DATA / "nginx" / "input.log", folder / "access.log")
    (folder / "access.log.arrivals.jsonl").touch()
    (folder / "notes.txt").write_text("dear diary\n")
    (folder / "picture").write_bytes(bytes(range(32)) * 9)
    (folder / "nothing").touch()
    with Lake.create(tmp_path / "lake") as lake:
        nginx, plain, rest = ingest_folder(lake, folder)
    assert (nginx.source, len(nginx.files), nginx.mapped) == ("nginx", 1, 6)
    assert (plain.source, plain.mapped) == ("plain_log", 1)
    assert rest.notes == (
        f"{folder}/nothing was skipped: it is empty.",
        f"{folder}/picture was skipped: it is no text, and its name is none that OTLP would have: "
        "traces, metrics, logs.",
    )


def evidence(folder: Path, **files: str) -> Path:
    """A folder of evidence: texts by their names, `_` for a dot."""
    folder.mkdir()
    for name, text in files.items():
        (folder / name.replace("_txt", ".txt")).write_text(text)
        os.utime(folder / name.replace("_txt", ".txt"), (1772618400, 1772618400))  # a year later
    return folder


LOGS = "SELECT time, message, workload.pod AS pod, workload.namespace AS namespace, unmapped "
LOGS += "FROM log_record ORDER BY message, pod"


def test_an_undated_log_is_of_whom_its_command_names_and_of_when_the_bundle_was_taken(
    lake: Lake, tmp_path: Path
) -> None:
    folder = evidence(
        tmp_path / "evidence",
        a_txt="$ kubectl logs press-0 -n print -c ink --previous\nthe plate is jammed\n",
        b_txt="kubectl logs press-1 -n print\nthe plate is jammed\n",
        c_txt="starting up\n2025-03-04T10:00:00Z INFO ready\n2025-03-04T10:05:00Z INFO idle\n",
    )
    take(lake, [folder])
    idle, ready, start, first, second = lake.at().ask(LOGS).dicts()
    assert (first["pod"], second["pod"]) == ("press-0", "press-1")
    assert {first["namespace"], second["namespace"]} == {"print"}
    assert first["time"] == second["time"] == idle["time"]
    assert (start["message"], start["time"]) == ("starting up", ready["time"])
    said = json.loads(first["unmapped"])
    assert said["file"] == f"{folder}/a.txt"
    assert (said["line"], said["container"], said["previous"]) == (2, "ink", True)
    assert said["undated"] is True


def test_a_table_is_of_the_namespace_that_was_asked_for(lake: Lake, tmp_path: Path) -> None:
    text = "kubectl get pods -n print\nNAME      READY   STATUS    RESTARTS   AGE\n"
    folder = evidence(tmp_path / "evidence", a_txt=f"{text}press-0   1/1     Running   0   5m\n")
    take(lake, [folder])
    ask = "SELECT object.namespace AS a, workload.namespace AS b FROM kubernetes_object"
    assert lake.at().ask(ask).dicts() == [{"a": "print", "b": "print"}]


def test_what_printed_nothing_and_what_a_tool_could_not_do_are_said(
    lake: Lake, tmp_path: Path
) -> None:
    folder = evidence(
        tmp_path / "evidence",
        a_txt="kubectl get pods -A | grep press\n\n",
        b_txt="Command `kubectl logs x` failed with return code 1\nstdout:\n\nstderr:\n"
        'Error from server (NotFound): pods "x" not found\n',
    )
    found, rest = take(lake, [folder])
    assert (found.source, found.mapped) == ("plain_log", 1)
    nothing = f"{folder}/a.txt is empty: `kubectl get pods -A | grep press` printed nothing."
    assert rest.notes == (nothing,)
    ask = "SELECT severity_id, attributes FROM log_record"
    assert lake.at().ask(ask).dicts() == [{"severity_id": 1, "attributes": '{"tool_error":true}'}]


def test_the_kind_in_a_manifest_chooses_among_sources(lake: Lake, tmp_path: Path) -> None:
    rule = "groups:\n- name: a\n  rules:\n  - alert: Idle\n    expr: up == 0\n"
    rule += "    labels:\n      namespace: print\n"
    folder = evidence(
        tmp_path / "evidence",
        a_txt=rule,
        b_txt="Name:         press-0\nNamespace:    print\n",
    )
    kinds = [{"file": "a.txt", "kind": "alert"}, {"file": "b.txt", "kind": "logs"}]
    (folder / "_index.json").write_text(json.dumps({"files": kinds}))
    assert {one.source for one in take(lake, [folder])} == {"generic_alert", "plain_log"}


@pytest.mark.parametrize(
    "content", [b"\x89PNG\r\n\x1a\n" + bytes(60), bytes(4096), b"GIF89a\1\0\1\0"]
)
def test_what_is_no_text_and_cannot_be_otlp_is_not_guessed(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "app.log").write_bytes(content)
    assert guess(tmp_path / "app.log", SOURCES) is None


def test_names_and_folders_that_cannot_be_read_cost_no_other(tmp_path: Path, lake: Lake) -> None:
    folder = tmp_path / "evidence"
    (folder / "sub").mkdir(parents=True)
    good = (DATA / "nginx" / "input.log").read_bytes()
    (folder / "a\x1b]0;pwned\x07\n.log").write_bytes(good)
    (folder / "gone.log").symlink_to(tmp_path / "nowhere")
    (folder / "shut.log").write_bytes(good)
    (folder / "shut.log").chmod(0)
    summaries = take(lake, [folder])
    told = [name for one in summaries for name in one.guesses]
    assert f"{folder}/a\\x1b]0;pwned\\x07\\n.log" in told
    assert not any(c in note for one in summaries for note in one.notes for c in "\x1b\x07\n")


def test_what_comes_through_a_pipe_is_read(tmp_path: Path, lake: Lake) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    good = (DATA / "nginx" / "input.log").read_bytes()
    writer = threading.Thread(target=pipe.write_bytes, args=(good,))
    writer.start()
    (summary,) = take(lake, [pipe])
    writer.join()
    assert (summary.source, summary.mapped) == ("nginx", 6)
    with pytest.raises(InquestError, match=r"/dev/zero is neither a file, a pipe nor a folder"):
        take(lake, [Path("/dev/zero")])


@pytest.mark.parametrize("incident", sorted(INCIDENTS.glob("*/evidence")), ids=str)
def test_a_recorded_incident_is_read_whole(incident: Path, tmp_path: Path) -> None:
    with Lake.create(tmp_path / "lake") as lake:
        summaries = ingest_folder(lake, incident)
    assert {name: count for one in summaries for name, count in one.quarantined.items()} == {}
    recorded = {"github_deployment", "nginx", "otlp_logs", "otlp_metrics", "otlp_traces"}
    assert {one.source for one in summaries} >= recorded | {"prometheus_query_range"}


def test_a_folder_without_evidence_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with Lake.create(tmp_path / "lake") as lake:
        with pytest.raises(InquestError, match=r"gone is no folder of evidence\."):
            ingest_folder(lake, tmp_path / "gone")
        (tmp_path / "empty").mkdir()
        with pytest.raises(InquestError, match=r"empty holds no file of evidence\."):
            ingest_folder(lake, tmp_path / "empty")


def tallies(folder: Path, **patterns: str) -> Path:
    """A family of sources that take the files of these patterns."""
    folder.mkdir()
    for name, pattern in patterns.items():
        (folder / f"{name}.sql").write_text(
            f"-- name: {name}\n-- reads: csv\n-- class: log_record\n-- files: {pattern}\n"
            "SELECT position, to_timestamp(fields['at']::BIGINT) AS time, "
            f"'{name} ' || fields['what'] AS message FROM raw",
            "utf-8",
        )
    return folder


def counted(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"at,what\n1736935200,{name}\n", "utf-8")
    return folder


def test_each_file_of_a_folder_is_read_by_the_source_of_the_family_that_takes_its_name(
    lake: Lake, tmp_path: Path
) -> None:
    own = tallies(tmp_path / "own", shop_in="in.csv", shop_out="out-*.csv *.out", shopping="*")
    folder = counted(tmp_path / "evidence", "in.csv", "a/out-1.csv", "a/b/2.out", "labels.json")
    summaries = take(lake, [folder], "shop", own)
    assert [(one.source, one.mapped) for one in summaries] == [
        ("shop_out", 2),
        ("shop_in", 1),
        ("", 0),
    ]
    skipped = f"{folder / 'labels.json'} was skipped: no source of shop takes it."
    assert summaries[-1].notes == (skipped,)
    rows = lake.at().ask("SELECT message FROM log_record ORDER BY message").dicts()
    assert [row["message"] for row in rows] == [
        "shop_in in.csv",
        "shop_out a/b/2.out",
        "shop_out a/out-1.csv",
    ]


def test_a_source_named_whole_reads_a_file_of_any_name(lake: Lake, tmp_path: Path) -> None:
    own = tallies(tmp_path / "own", shop_in="in.csv")
    folder = counted(tmp_path / "evidence", "renamed")
    assert [one.mapped for one in take(lake, [folder / "renamed"], "shop_in", own)] == [1]


def test_a_file_that_two_of_a_family_take_is_refused(lake: Lake, tmp_path: Path) -> None:
    own = tallies(tmp_path / "own", shop_in="*.csv", shop_out="out.*")
    folder = counted(tmp_path / "evidence", "in.csv", "out.csv")
    with pytest.raises(InquestError, match=r"out\.csv is a file of shop_in and of shop_out: let"):
        take(lake, [folder], "shop", own)
    assert not lake.at().ask("SELECT 1 AS n FROM log_record").dicts()


def test_a_family_without_a_file_says_which_it_takes(lake: Lake, tmp_path: Path) -> None:
    own = tallies(tmp_path / "own", shop_in="in.csv", shop_out="out.csv")
    folder = counted(tmp_path / "evidence", "other.csv")
    with pytest.raises(InquestError, match=r"no file of shop at .*other.csv: .* in.csv, out.csv\."):
        take(lake, [folder], "shop", own)


def test_what_is_neither_a_source_nor_a_family_is_said(lake: Lake, tmp_path: Path) -> None:
    own = tallies(tmp_path / "own", shop_in="in.csv")
    folder = counted(tmp_path / "evidence", "in.csv")
    with pytest.raises(InquestError, match=r"There is no source sho: `inquest sources list`"):
        take(lake, [folder], "sho", own)


def test_what_differs_between_revisions_is_told_though_each_has_a_file_of_its_own(
    lake: Lake, tmp_path: Path
) -> None:
    for space, limit in (("print", 3), ("draft", 30)):
        for revision, seconds in ((3, 30), (4, limit)):
            command = f"kubectl rollout history deployment/press -n {space} --revision={revision}"
            (tmp_path / f"{space}_revision{revision}.txt").write_text(
                f"$ {command}\ndeployment.apps/press with revision #{revision}\nPod Template:\n"
                f"  Containers:\n   press:\n    Environment:\n      TIMEOUT:\t{seconds}\n"
            )
    take(lake, [tmp_path])
    rows = lake.at().ask(
        "SELECT workload.namespace AS space, unmapped->>'$.diff' AS diff "
        "FROM application_lifecycle "
        "WHERE change.revision = '4' ORDER BY space"
    )
    assert [(row["space"], row["diff"]) for row in rows.dicts()] == [
        ("draft", None),
        ("print", "- TIMEOUT:\t30\n+ TIMEOUT:\t3"),
    ]


def test_a_link_out_of_a_bundle_is_not_followed(tmp_path: Path) -> None:
    outside, folder = tmp_path / "secret.log", tmp_path / "bundle"
    outside.write_text("2026-01-01T00:00:00Z ERROR not to be read\n")
    folder.mkdir()
    (folder / "own.log").write_text("2026-01-01T00:00:00Z ERROR to be read\n")
    (folder / "near.log").symlink_to(folder / "own.log")
    (folder / "far.log").symlink_to(outside)
    with Lake.create(tmp_path / "lake") as lake:
        notes = [note for one in take(lake, [folder]) for note in one.notes]
        messages = lake.at().ask("SELECT DISTINCT message FROM log_record").dicts()
    assert any("far.log was skipped: it links out of its folder" in note for note in notes)
    assert not any("not to be read" in str(row) for row in messages)
    assert messages
