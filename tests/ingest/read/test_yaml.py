"""Documents as kubectl writes them."""

from __future__ import annotations

import gzip
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml as pyyaml
from hypothesis import given
from hypothesis import strategies as st

from ingest.read import yaml
from ingest.read.stream import Broken

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def read(path: Path, content: str | bytes) -> tuple[list[Any], list[Broken]]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    chunks = list(yaml.read(path, NOW))
    rows = [row for chunk in chunks for row in chunk.raw.to_pylist()]
    return (
        [(row["position"], json.loads(row["doc"])) for row in rows],
        [one for chunk in chunks for one in chunk.broken],
    )


def test_each_document_of_a_yaml_stream_stands_at_its_line(tmp_path: Path) -> None:
    text = "# made by hand\nkind: Pod\n---\n\nkind: Node\n--- # empty\n# nothing\n---\n- 1\n...\n"
    docs, broken = read(tmp_path / "all.yaml", text)
    assert docs == [(1, {"kind": "Pod"}), (5, {"kind": "Node"}), (9, [1])]
    assert broken == []


def test_what_only_looks_like_a_number_or_a_time_stays_text(tmp_path: Path) -> None:
    text = "a: 1e5\nb: 00123\nc: 1.10\nd: on\ne: 2024-01-01T00:00:00Z\nf: 0x10\ng: 10d\nh: '7'\n"
    ((_, found),), _ = read(tmp_path / "ids.yaml", text + "i: 7\nj: true\nk:\nl: null\nm: ''\n")
    assert found == {
        "a": "1e5",
        "b": "00123",
        "c": "1.10",
        "d": "on",
        "e": "2024-01-01T00:00:00Z",
        "f": "0x10",
        "g": "10d",
        "h": "7",
        "i": 7,
        "j": True,
        "k": None,
        "l": None,
        "m": "",
    }


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(10**17), 10**17) | st.text("aé1.e0-:#\n '\""),
        lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text("ab1", min_size=1), one),
        max_leaves=8,
    )
)
def test_json_and_its_yaml_are_read_alike(
    tmp_path_factory: pytest.TempPathFactory, value: Any
) -> None:
    path, document = tmp_path_factory.mktemp("read") / "one", {"kind": value}
    written = pyyaml.safe_dump(document, allow_unicode=True)
    assert read(path, written)[0] == read(path, json.dumps(document))[0] == [(1, document)]


def test_a_watch_is_its_json_texts_one_after_another(tmp_path: Path) -> None:
    docs, broken = read(tmp_path / "watch.json", '{\n  "a": 1\n}\n{\n  "a": 2\n}{"a":3}\n')
    assert docs == [(1, {"a": 1}), (4, {"a": 2}), (6, {"a": 3})]
    assert broken == []


def test_json_that_breaks_off_is_broken_from_where_it_begins(tmp_path: Path) -> None:
    docs, broken = read(tmp_path / "cut.json", 'odd\n{"a": 1}\n{"a": [\n{"a": 3}\n')
    assert docs == [(2, {"a": 1}), (4, {"a": 3})]
    assert broken == [
        Broken(1, "the text is not JSON", "odd"),
        Broken(3, "the text is not JSON", '{"a": ['),
    ]


@pytest.mark.parametrize("text", ["kind: Pod\n", '{"kind": "Pod"}\n'])
def test_the_command_that_was_typed_is_no_document(tmp_path: Path, text: str) -> None:
    docs, broken = read(tmp_path / "typed", "$ kubectl get pod cart -o yaml\nstdout:\n" + text)
    assert (docs, broken) == ([(3, {"kind": "Pod"})], [])


def test_a_dump_gives_its_lists_and_every_line_of_its_logs(tmp_path: Path) -> None:
    log = "==== START logs for container app of pod shop/cart-0 ====\n{odd\n\nlast\n"
    end = "==== END logs for container app of pod shop/cart-0 ====\n"
    docs, broken = read(tmp_path / "dump.txt", '{\n"kind": "PodList"\n}\n' + log + end + log)
    pod = {"kind": "ContainerLog", "metadata": {"name": "cart-0", "namespace": "shop"}}
    assert docs == [
        (1, {"kind": "PodList"}),
        *[(at, pod | {"container": "app", "log": "{odd"}) for at in (5,)],
        (7, pod | {"container": "app", "log": "last"}),
        (10, pod | {"container": "app", "log": "{odd"}),
        (12, pod | {"container": "app", "log": "last"}),
    ]
    assert broken == []


@pytest.mark.parametrize(
    "text",
    ["just words\n", "a: [1\n", "a: &x 1\nb: *x\n", "a: &x [*x]\n", "{" * 5000, "[" * 5000],
)
def test_what_cannot_be_read_or_would_swell_is_broken(tmp_path: Path, text: str) -> None:
    docs, broken = read(tmp_path / "odd", text)
    assert (docs, len(broken)) == ([], 1)


def test_a_byte_of_another_encoding_in_a_log_costs_nothing_else(tmp_path: Path) -> None:
    begin = "==== START logs for container app of pod shop/a ====\n"
    end = begin.replace("START", "END")
    text = '{"kind": "PodList"}\n' + begin + "caf\xe9\n" + end + '{"kind": "EventList"}\n'
    docs, broken = read(tmp_path / "dump.txt", text.encode("latin-1"))
    assert [doc.get("log", doc["kind"]) for _, doc in docs] == ["PodList", "caf\\xe9", "EventList"]
    assert broken == []


def test_what_powershell_redirects_is_read(tmp_path: Path) -> None:
    docs, broken = read(tmp_path / "pods.yaml", "kind: Pod\r\nname: ☂\r\n".encode("utf-16"))
    assert (docs, broken) == ([(1, {"kind": "Pod", "name": "☂"})], [])


def test_a_value_of_a_secret_is_not_quoted(tmp_path: Path) -> None:
    _, broken = read(tmp_path / "s.yaml", "kind: Secret\ndata:\n  a: [aHVudGVyMg==\n")
    assert "aHVudGVyMg" not in broken[0].raw


def test_a_file_was_captured_when_it_was_written_unless_its_sidecar_says_when(
    tmp_path: Path,
) -> None:
    path = tmp_path / "pods.yaml.gz"
    path.write_bytes(gzip.compress(b"kind: Pod\n"))
    os.utime(path, (1772000000, 1772000000))
    (row,) = next(yaml.read(path, NOW)).raw.to_pylist()
    assert row["captured_at"] == datetime.fromtimestamp(1772000000, UTC)
    assert row["ingested_at"] == NOW
    sidecar = path.with_name(path.name + ".arrivals.jsonl")
    sidecar.write_text('{"body": 0, "received_unix_nano": "1771000000000000000"}\n')
    (row,) = next(yaml.read(path, NOW)).raw.to_pylist()
    assert row["captured_at"] == datetime.fromtimestamp(1771000000, UTC)
