"""Real processes break in known ways; what a person would collect of it is enough to name why."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.planted.plant import FAULTS, plant
from tests.planted.site import INQUEST

pytestmark = pytest.mark.e2e

SAID = {
    "connections_exhausted": (r"connection", r"max_connections|exhaust|too many|slots|limit"),
    "lock_pile_up": (r"lock", r"idle in transaction|transaction", r"stock"),
    "deadlock": (r"deadlock",),
    "redis_full": (r"redis", r"maxmemory|memory"),
    "upstream_refused": (r"refused", r"upstream|orders|web"),
    "certificate_expired": (r"certificate", r"expired"),
    "setting_missing": (r"INVOICE_BUCKET", r"environment variable|setting|missing|not set"),
    "port_taken": (r"port|address", r"in use|taken"),
    "disk_full": (r"no space|disk|full", r"ledger|journal|space"),
    "files_exhausted": (r"too many open files|file descriptor|open files",),
}
"""What a cause has to say, all of it, in whatever words."""

Bundle = Callable[[str], Path]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """Give the bundle of a fault, which is planted once."""
    home = tmp_path_factory.mktemp("planted")

    def give(fault: str) -> Path:
        if not (home / fault).exists():
            plant(fault, home / fault)
        return home / fault

    return give


def investigated(bundle: Path, desk: Path) -> dict[str, Any]:
    words = ["investigate", str(bundle), "--format", "json"]
    done = subprocess.run([INQUEST, *words], cwd=desk, capture_output=True, check=True)
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def test_every_fault_but_none_is_to_be_named() -> None:
    assert {each.__name__ for each in FAULTS} == {*SAID, "healthy"}


@pytest.mark.parametrize("fault", SAID)
def test_what_is_collected_says_what_is_wrong(bundle: Bundle, fault: str) -> None:
    folder = bundle(fault)
    told = json.loads((folder / "_index.json").read_text(encoding="utf-8"))
    assert {each["status"] for each in told["files"]} == {"success"}
    text = "".join((folder / each["file"]).read_text("utf-8") for each in told["files"])
    said = SAID[fault] if fault != "setting_missing" else SAID[fault][:1]
    assert [words for words in said if not re.search(words, text, re.IGNORECASE)] == []


@pytest.mark.parametrize("fault", SAID)
def test_a_planted_fault_is_named(bundle: Bundle, fault: str, tmp_path: Path) -> None:
    report = investigated(bundle(fault), tmp_path)
    assert report["verdict"] == "cause_found"
    first = report["causes"][0]["text"]
    assert [words for words in SAID[fault] if not re.search(words, first, re.IGNORECASE)] == []


def test_where_all_is_well_nothing_is_named(bundle: Bundle, tmp_path: Path) -> None:
    assert investigated(bundle("healthy"), tmp_path)["verdict"] != "cause_found"
