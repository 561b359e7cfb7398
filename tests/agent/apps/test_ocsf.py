"""`inquest ocsf validate`: one line a fault, counts at the end, exit 1 if anything is invalid."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from agent.apps.cli import run

LOGIN: dict[str, Any] = {
    "activity_id": 1,
    "category_uid": 3,
    "class_uid": 3002,
    "metadata": {"version": "1.8.0", "product": {"name": "shop"}},
    "severity_id": 1,
    "time": 1_763_726_400_000,
    "type_uid": 300201,
    "user": {"name": "mira"},
    "service": {"name": "shop"},
}


def test_valid_events_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "events.jsonl.gz"
    file.write_bytes(gzip.compress(f"{json.dumps(LOGIN)}\n".encode() * 3))
    assert run(["ocsf", "validate", str(file)]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "3 events, 0 invalid, 0 warnings\n"


def test_a_fault_is_told_with_its_line_class_and_path(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "events.jsonl"
    late = LOGIN | {"time": 1_763_726_400, "src_endpoint": {"ip": "192.0.2.7", "port": 70_000}}
    file.write_text(f"{json.dumps(LOGIN)}\n{json.dumps(late)}\nnot json\n", "utf-8")
    assert run(["ocsf", "validate", str(file)]) == 1
    out, err = capsys.readouterr()
    assert sorted(out.splitlines()) == [
        f"{file}:2: authentication: src_endpoint.port: 70000 is not 65535 or less",
        f"{file}:2: authentication: time: 1763726400 is in seconds, and OCSF wants milliseconds",
        f"{file}:3: the text is not JSON",
    ]
    assert err == "3 events, 2 invalid, 0 warnings\n"


def test_what_is_deprecated_is_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "event.json"
    old = LOGIN | {"user": {"name": "mira", "credential_uid": "a"}}
    file.write_text(json.dumps([old], indent=2), "utf-8")
    assert run(["ocsf", "validate", str(file)]) == 0
    out, err = capsys.readouterr()
    told = "warning: authentication: user.credential_uid: is deprecated since OCSF 1.6.0"
    assert out == f"{file}:1: {told}\n"
    assert err == "1 events, 0 invalid, 1 warnings\n"


def test_a_program_reads_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "event.json"
    file.write_text(json.dumps(LOGIN | {"class_uid": 4242}), "utf-8")
    assert run(["ocsf", "validate", str(file), "--format", "json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert (said["events"], said["invalid"], said["warnings"]) == (1, 1, 0)
    assert said["faults"] == [
        {
            "file": str(file),
            "position": 1,
            "class_name": None,
            "path": "class_uid",
            "problem": "OCSF 1.8.0 has no class 4242",
            "is_warning": False,
        }
    ]


def test_a_file_without_events_is_not_valid(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty.jsonl").touch()
    assert run(["ocsf", "validate", str(tmp_path / "empty.jsonl")]) == 1
    assert "0 events" in capsys.readouterr().err
