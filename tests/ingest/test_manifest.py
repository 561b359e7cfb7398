"""The manifest of a bundle: what it says is kept, what cannot be followed is a sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ingest.manifest import read_manifest


def bundle(folder: Path, manifest: Any, *names: str) -> Path:
    """A folder with a manifest and some files."""
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_text("x\n")
    (folder / "_index.json").write_text(json.dumps(manifest))
    return folder


def test_what_it_says_of_the_bundle_and_of_each_file_is_kept(tmp_path: Path) -> None:
    place = bundle(
        tmp_path / "evidence",
        {
            "id": "one",
            "prompt": "Why does the press stand still?",
            "namespace": "print",
            "captured_at": "2025-03-04T10:00:00Z",
            "mood": "bad",
            "files": [
                {
                    "file": "evidence/a.txt",
                    "kind": "logs",
                    "tool": "fetch",
                    "params": {"pod": "press-0", "lines": 5, "end": None},
                    "invocation": "kubectl logs press-0",
                    "status": "success",
                },
                {"file": "alert.json", "kind": "alert"},
            ],
        },
        "a.txt",
        "alert.json",
    )
    for folder in (place, tmp_path):
        found = read_manifest(folder)
        assert found
        assert (found.id, found.namespace, found.notes) == ("one", "print", ())
        assert found.prompt == "Why does the press stand still?"
        assert found.captured_at
        assert found.alert == place / "alert.json"
        first = found.files[0]
        assert first.path == place / "a.txt"
        assert first.params == {"pod": "press-0", "lines": "5"}
        assert (first.kind, first.tool, first.status) == ("logs", "fetch", "success")


def test_a_file_that_is_not_there_or_lies_outside_is_a_note(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    names = [{"file": "gone.txt"}, {"file": "../secret"}, {"file": "/etc/passwd"}, {}, 5]
    folder = bundle(tmp_path / "bundle", {"files": names}, "link")
    (folder / "link").unlink()
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "_index.json").write_text(json.dumps({"files": [*names, {"file": "link"}]}))
    found = read_manifest(folder)
    assert found
    assert found.files == ()
    assert [note.partition(" names ")[2] for note in found.notes] == [
        "gone.txt, which is not there.",
        "../secret, which lies outside its folder.",
        "/etc/passwd, which lies outside its folder.",
        "a file without a name, which is not there.",
        "5, which is not there.",
        "link, which lies outside its folder.",
    ]


@pytest.mark.parametrize("name", ["n" * 5000, "\ud800", "a\0b", "loop", "loop/a", "."])
def test_a_name_that_no_file_can_have_is_a_note(tmp_path: Path, name: str) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "_index.json").write_text(json.dumps({"alert": name, "files": [{"file": name}]}))
    found = read_manifest(tmp_path)
    assert found
    assert (found.files, len(found.notes)) == ((), 1)
    assert found.alert == name.replace("\ud800", "?")
    assert found.notes[0].endswith(", which is not there.")


def test_what_is_of_no_use_is_a_note(tmp_path: Path) -> None:
    told = {"files": "all", "captured_at": "yesterday", "prompt": 5, "namespace": None}
    (tmp_path / "_index.json").write_text(json.dumps(told))
    found = read_manifest(tmp_path)
    assert found
    assert [note.partition(" says ")[2] for note in found.notes] == [
        "files all, expected a list.",
        "captured_at yesterday, expected a time of ISO 8601.",
    ]


def test_json_that_is_none_is_said_by_its_place(tmp_path: Path) -> None:
    (tmp_path / "_index.json").write_text('{"id":\n }')
    found = read_manifest(tmp_path)
    assert found
    assert found.notes[0].endswith("was left out: it is no JSON at line 2, column 2.")


@pytest.mark.parametrize("text", ["", "{", "[1]", "\x00", '"x"'])
def test_what_is_no_manifest_is_a_note_and_no_failure(tmp_path: Path, text: str) -> None:
    (tmp_path / "_index.json").write_text(text)
    found = read_manifest(tmp_path)
    assert found
    (note,) = found.notes
    assert note.startswith(f"{tmp_path}/_index.json is no manifest that can be read")


def test_a_folder_without_one_has_none(tmp_path: Path) -> None:
    assert read_manifest(tmp_path) is None
