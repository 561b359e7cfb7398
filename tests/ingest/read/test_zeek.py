"""Zeek's tables: what their headers say, and rows as the documents that they are."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from ingest.read.stream import Broken
from ingest.read.zeek import read

NOW = datetime(2026, 11, 21, 14, 5, tzinfo=UTC)
HEADER = (
    "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n"
    "#path\tconn\n#fields\tts\tuid\tn\tok\ttags\ttext\n"
    "#types\ttime\tstring\tcount\tbool\tset[string]\tstring\n"
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "conn.log"


def parsed(file: Path, text: str) -> tuple[dict[int, Any], list[Broken]]:
    """The documents of a log by their position, and what is broken."""
    file.write_text(text, "utf-8")
    chunks = list(read(file, NOW))
    rows = [row for chunk in chunks for row in chunk.raw.to_pylist()]
    docs = {row["position"]: orjson.loads(row["doc"]) for row in rows}
    return docs, [one for chunk in chunks for one in chunk.broken]


def test_a_row_is_the_document_that_its_header_makes_of_it(file: Path) -> None:
    docs, broken = parsed(
        file,
        HEADER
        + "1.5\tC1\t007\tT\ta,b\\x2cc\t\\\\\\\\host\\x09x\n"
        + "2.5\tC2\t7\tF\t(empty)\t-\n#close\tnow\n",
    )
    assert docs == {
        8: {
            "_path": "conn",
            "ts": 1.5,
            "uid": "C1",
            "n": "007",
            "ok": True,
            "tags": ["a", "b,c"],
            "text": "\\\\host\tx",
        },
        9: {"_path": "conn", "ts": 2.5, "uid": "C2", "n": 7, "ok": False, "tags": []},
    }
    assert not broken


def test_a_second_header_is_that_of_the_rows_below_it(file: Path) -> None:
    docs, _ = parsed(
        file,
        HEADER + "1\tC1\t1\tT\t-\t-\n#separator \\x7c\n#path|dns\n#fields|ts\n#types|time\n2\n",
    )
    assert docs[8]["_path"] == "conn"
    assert docs[13] == {"_path": "dns", "ts": 2}


def test_a_row_of_another_width_is_broken_and_the_others_are_not(file: Path) -> None:
    docs, broken = parsed(file, HEADER + "short\trow\n1\tC1\t1\tT\t-\t-\n")
    assert list(docs) == [9]
    assert broken == [Broken(8, "the row has not the 6 fields of its header", "short\trow")]


def test_a_log_that_is_json_is_read_as_json(file: Path) -> None:
    assert parsed(file, '{"ts": 1}\n{"ts": 2}\n') == ({1: {"ts": 1}, 2: {"ts": 2}}, [])
