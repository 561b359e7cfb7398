"""JSON as it is found: lines, documents of many lines, arrays, an endless line, cut, damaged."""

from __future__ import annotations

import json as writer
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.read import json, stream
from ingest.read.stream import Broken

NOW = datetime(2025, 1, 15, 12, tzinfo=UTC)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


def documents(path: Path, content: bytes) -> tuple[list[tuple[int, str]], list[Broken]]:
    path.write_bytes(content)
    chunks = list(json.read(path, NOW))
    found = [(r["position"], r["doc"]) for chunk in chunks for r in chunk.raw.to_pylist()]
    return found, [one for chunk in chunks for one in chunk.broken]


def test_json_documents_may_take_several_lines_each(log: Path) -> None:
    found, broken = documents(log, b'{\n "a": 1\n}\n{\n "a": [\n2]\n}\n{\n "cut"')
    assert found == [(1, '{\n "a": 1\n}'), (4, '{\n "a": [\n2]\n}')]
    assert broken == [Broken(8, "the text is not JSON", '{\n "cut"')]


def test_text_between_json_lines_is_set_aside_alone(log: Path) -> None:
    found, broken = documents(log, b'starting\n{"a": 1}\nwait\n{"a": 1, "a": 2}\n')
    assert found == [(2, '{"a": 1}'), (4, '{"a": 1, "a": 2}')]
    assert [(one.position, one.raw) for one in broken] == [(1, "starting"), (3, "wait")]


def test_an_array_on_one_endless_line_is_read(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "CHUNK_BYTES", 1000)
    monkeypatch.setattr(stream, "BLOCK_BYTES", 100)
    found, broken = documents(log, b"[" + b",".join([b'{"a":1}'] * 999) + b"]")
    assert (len(found), found[998], broken) == (999, (999, '{"a":1}'), [])


def test_a_json_line_in_utf_16_is_read(log: Path) -> None:
    assert documents(log, '{"a":"é"}\n'.encode("utf-16")) == ([(1, '{"a":"é"}')], [])


RECORDS = [{"id": f"{n:05}", "text": 'a "quoted\\" [, {' * (n % 7)} for n in range(500)]


@pytest.mark.parametrize("indent", [None, 1])
def test_a_document_that_is_one_large_array_is_dealt_out(
    log: Path, monkeypatch: pytest.MonkeyPatch, indent: int | None
) -> None:
    monkeypatch.setattr(stream, "CHUNK_BYTES", 5000)
    document = {"tags": ["a"], "Records": RECORDS, "next": {"items": [1]}}
    found, broken = documents(log, (writer.dumps(document, indent=indent) + "\n").encode())
    pieces = [(position, writer.loads(doc)) for position, doc in found]
    assert len(pieces) > 4
    assert [RECORDS[position - 1] for position, _ in pieces] == [d["Records"][0] for _, d in pieces]
    assert [record for _, piece in pieces for record in piece.pop("Records")] == RECORDS
    assert all(piece == {"tags": ["a"], "next": {"items": [1]}} for _, piece in pieces)
    assert broken == []


@pytest.mark.parametrize(
    "document",
    [
        {"Records": RECORDS, "others": [{"id": 1}]},
        {"Records": RECORDS, "beside": "x" * 70_000},
        {"within": {"Records": RECORDS}},
        {"text": "x" * 9000},
    ],
    ids=["another array", "much beside it", "an array further within", "no array"],
)
def test_another_large_document_is_one(
    log: Path, monkeypatch: pytest.MonkeyPatch, document: Any
) -> None:
    monkeypatch.setattr(stream, "CHUNK_BYTES", 5000)
    for indent in (None, 2):
        found, broken = documents(log, writer.dumps(document, indent=indent).encode())
        assert [(position, writer.loads(doc)) for position, doc in found] == [(1, document)]
        assert broken == []


def test_a_line_too_long_of_several_is_set_aside_alone(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "CHUNK_BYTES", 5000)
    monkeypatch.setattr(stream, "BLOCK_BYTES", 100)
    found, broken = documents(log, b'{"a":1}\n{"a":"' + b"x" * 9000 + b'"}\n\n{"a":2}\n')
    assert found == [(1, '{"a":1}'), (4, '{"a":2}')]
    assert [one.reason for one in broken] == ["the line is longer than 5,000 bytes"]


@pytest.mark.parametrize("text", [b'{"a":1000}', b'{\n"a":1000}', b"[1000,1000]"])
def test_a_whole_text_beyond_the_limit_is_said(
    log: Path, monkeypatch: pytest.MonkeyPatch, text: bytes
) -> None:
    monkeypatch.setattr(stream, "WHOLE_BYTES", 9)
    assert documents(log, text) == ([], [Broken(1, "the text is longer than 0 MiB")])


@pytest.mark.parametrize("fill", [b" ", b"x", b"\n", b"{"])
def test_a_text_without_line_ends_is_looked_at_once(
    log: Path, monkeypatch: pytest.MonkeyPatch, fill: bytes
) -> None:
    monkeypatch.setattr(stream, "BLOCK_BYTES", 50)
    started = time.process_time()
    found, broken = documents(log, fill * 4_000_000)
    assert time.process_time() - started < 15, "it once took the square of its length"
    assert (len(found), len(broken)) == (0, int(bool(fill.strip())))


def test_numbers_stay_as_they_were_written(log: Path) -> None:
    text = '{"a":[1.10,1e5,12345678901234567890123,0.10000000000000000555,"\\u00e9\\/"]}'
    pretty = text.replace(",", ",\n ").replace(":", ": ")
    assert documents(log, pretty.encode()) == ([(1, text)], [])
    assert documents(log, f"[{text},\n{pretty}]".encode()) == ([(1, text), (2, text)], [])


def test_of_an_array_only_what_is_damaged_is_set_aside(log: Path) -> None:
    found, broken = documents(log, b'\n[{"a":1},\n{"a":},{"a":"\xe9"},{"a":4}]\n')
    assert found == [(1, '{"a":1}'), (4, '{"a":4}')]
    assert sorted(broken) == [
        Broken(2, "the text is not JSON", '{"a":}'),
        Broken(3, "the text is not UTF-8", b'{"a":"\xe9"}'.hex()),
    ]


def test_of_an_array_that_breaks_off_there_is_what_came_before(log: Path) -> None:
    found, broken = documents(log, b'[{"a":1},\n{"a":[2]},{"a":')
    assert found == [(1, '{"a":1}'), (2, '{"a":[2]}')]
    assert broken == [Broken(3, "the text is not JSON", '{"a":')]


def test_documents_may_follow_each_other_on_a_line(log: Path) -> None:
    found, broken = documents(log, b'{"a":1}{"a":"}{"}\n{"a":3} [4]\n')
    assert found == [(1, '{"a":1}'), (1, '{"a":"}{"}'), (2, '{"a":3}'), (2, "[4]")]
    assert broken == []


def test_text_between_documents_of_several_lines_is_set_aside_alone(log: Path) -> None:
    found, broken = documents(log, b'{\n"a":1}\nwait\n{"a":\n2}\ndone\n')
    assert found == [(1, '{\n"a":1}'), (4, '{"a":\n2}')]
    assert [(one.position, one.raw) for one in broken] == [(3, "wait"), (6, "done")]


VALUES = st.recursive(
    st.none() | st.integers() | st.text('a"\\[]{},:\n é'),
    lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text('a"\\{'), one, max_size=3),
    max_leaves=6,
)


@given(
    values=st.lists(
        st.dictionaries(st.text("ab"), VALUES, min_size=1, max_size=3), min_size=1, max_size=5
    ),
    indent=st.sampled_from([None, 0, 2]),
    block=st.integers(1, 40),
)
def test_whatever_is_written_is_found_however_it_is_laid_out(
    tmp_path_factory: pytest.TempPathFactory, values: list[Any], indent: int | None, block: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "laid-out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream, "BLOCK_BYTES", block)
        patch.setattr(json, "_BLOCK_BYTES", block)
        texts = [writer.dumps(value, indent=indent) for value in values]
        for text in ("\n".join(texts), "".join(texts), writer.dumps(values, indent=indent)):
            found, broken = documents(path, text.encode())
            assert [writer.loads(doc) for _, doc in found] == values
            assert broken == []


@given(text=st.text('{}[]",:\\ \n\r1é', max_size=40))
def test_no_text_is_lost(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    found, broken = documents(tmp_path_factory.getbasetemp() / "odd", text.encode())
    told = "".join([doc for _, doc in found] + [one.raw for one in broken])
    assert all(told.count(one) == text.count(one) for one in '{}":\\1é')
