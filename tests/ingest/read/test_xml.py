from __future__ import annotations

import gzip
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ingest.read import xml
from ingest.read.stream import Broken

NOW = datetime(2026, 3, 14, tzinfo=UTC)
EVENT = """<Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event"><System>
<Provider Name="P"/><EventID Qualifiers="0">1</EventID></System><EventData>
<Data Name="Path">C:\\a &lt;b&gt; &#9730;</Data><Data>10d</Data></EventData></Event>
"""
DOC = {
    "System": {"Provider": {"Name": "P"}, "EventID": {"Qualifiers": "0", "#text": "1"}},
    "EventData": {"Path": "C:\\a <b> ☂", "param2": "10d"},
}


def read(path: Path, content: str | bytes) -> tuple[list[dict[str, Any]], list[Broken]]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    chunks = list(xml.read(path, NOW))
    rows = [row for chunk in chunks for row in chunk.raw.to_pylist()]
    return rows, [broken for chunk in chunks for broken in chunk.broken]


def test_an_event_is_json_beside_the_text_that_it_was(tmp_path: Path) -> None:
    path = tmp_path / "one.xml"
    rows, broken = read(path, EVENT)
    assert broken == []
    assert [(row["position"], row["text"], row["path"]) for row in rows] == [(1, EVENT, str(path))]
    assert json.loads(rows[0]["doc"]) == DOC


@pytest.mark.parametrize(
    "content",
    [
        EVENT * 3,
        EVENT.replace("\n", "") * 3,
        '<?xml version="1.0"?>\n<Events>\n' + EVENT * 3 + "</Events>",
        ("\ufeff" + EVENT * 3).encode("utf-16-le"),
        (EVENT * 3).encode("utf-16-be"),
        gzip.compress((EVENT * 3).encode("utf-8-sig")),
    ],
    ids=["behind each other", "in a line", "in Events", "UTF-16", "UTF-16 unmarked", "gzip"],
)
def test_events_are_found_however_a_file_holds_them(content: str | bytes, tmp_path: Path) -> None:
    rows, broken = read(tmp_path / "events.xml", content)
    assert broken == []
    assert [row["position"] for row in rows] == [1, 2, 3]
    assert {row["doc"] for row in rows} == {rows[0]["doc"]}


def test_an_event_is_found_across_the_blocks_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.read.stream.BLOCK_BYTES", 7)
    monkeypatch.setattr(xml, "CHUNK_BYTES", 400)
    rows, broken = read(tmp_path / "events.xml", EVENT * 5)
    assert broken == []
    assert [row["position"] for row in rows] == [1, 2, 3, 4, 5]


def test_a_comment_belongs_to_the_event_after_it(tmp_path: Path) -> None:
    rows, broken = read(tmp_path / "events.xml", EVENT + "<!-- Event 2 -->\n" + EVENT)
    assert broken == []
    assert [row["text"] for row in rows] == [EVENT, "<!-- Event 2 -->\n" + EVENT]


def test_what_is_no_event_is_broken_and_the_next_is_read(tmp_path: Path) -> None:
    cut = EVENT.partition("</System>")[0]
    rows, broken = read(
        tmp_path / "events.xml",
        "junk\n" + EVENT + cut + EVENT + EVENT.replace("</Data>", "", 1) + EVENT + cut,
    )
    assert [row["position"] for row in rows] == [2, 4, 6]
    assert [(one.position, one.reason.partition(":")[0]) for one in broken] == [
        (1, "the text is no XML of an event"),
        (3, "the text is no XML of an event"),
        (5, "the event is no XML"),
        (7, "the text is no XML of an event"),
    ]


def test_no_entity_is_expanded_however_it_is_declared(tmp_path: Path) -> None:
    bomb = (
        '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;"><!ENTITY f SYSTEM "file:///etc/hosts">]>'
    )
    rows, broken = read(
        tmp_path / "events.xml",
        "".join(bomb + EVENT.replace("10d", text) for text in ("&b;", "&f;", "10d")),
    )
    assert [json.loads(row["doc"]) for row in rows] == [DOC]
    assert len(broken) == 5
    assert not [one for one in broken if "haha" in one.raw]


def test_a_damaged_file_gives_what_came_before_the_damage(tmp_path: Path) -> None:
    rows, broken = read(tmp_path / "events.xml.gz", gzip.compress(EVENT.encode())[:-9])
    assert len(rows) + len(broken) >= 1
    assert broken[-1].reason == "the compressed stream breaks off here"


def test_bytes_that_are_no_text_and_elements_without_end_break_their_event_only(
    tmp_path: Path,
) -> None:
    deep = EVENT.replace("10d", "<a>" * 20_000 + "</a>" * 20_000)
    latin = EVENT.encode().replace(b"10d", b"M\xe4rz")
    rows, broken = read(tmp_path / "events.xml", latin + deep.encode() + EVENT.encode())
    assert [row["position"] for row in rows] == [3]
    assert [one.reason.partition(":")[0] for one in broken] == [
        "the event is not UTF-8 text",
        "the event is no XML",
    ]
    assert "M\ufffdrz" in broken[0].raw


def test_an_event_that_does_not_end_is_not_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.read.stream.BLOCK_BYTES", 50)
    monkeypatch.setattr(xml, "CHUNK_BYTES", 400)
    rows, broken = read(tmp_path / "events.xml", EVENT + "<Event>" + "x" * 5000 + EVENT * 4)
    assert len(rows) >= 4
    assert max(len(one.raw) for one in broken) < 500


@pytest.mark.parametrize("mark", ["<!--", "<?xml ", "<Events ", "<Event><a>", "</Event "])
def test_marks_that_never_end_are_passed_over_in_one_go(tmp_path: Path, mark: str) -> None:
    started = time.process_time()
    rows, broken = read(tmp_path / "events.xml", mark * 200_000 + EVENT)
    assert time.process_time() - started < 10, "it once took an hour"
    assert len(rows) + len(broken) >= 1


def test_an_element_may_repeat_many_times(tmp_path: Path) -> None:
    started = time.process_time()
    rows, _ = read(tmp_path / "events.xml", EVENT.replace("10d", "<a/>" * 200_000))
    assert time.process_time() - started < 10, "it once took a minute"
    assert json.loads(rows[0]["doc"])["EventData"]["param2"] == {"a": [""] * 200_000}
