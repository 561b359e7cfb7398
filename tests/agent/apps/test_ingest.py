"""`inquest ingest` says which file gave nothing, and takes the others all the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.apps.cli import run
from lake.store import Lake

LINE = '1.2.3.4 - - [01/Mar/2026:12:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "curl"\n'


def test_an_empty_file_is_unreadable_input_and_hides_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty, full = tmp_path / "empty.log", tmp_path / "full.log"
    empty.touch()
    full.write_text(LINE)
    lake = str(tmp_path / "lake")
    assert run(["ingest", "nginx", str(empty), str(full), "--lake", lake]) == 2
    assert "empty.log holds no records" in capsys.readouterr().err
    with Lake.open(lake) as opened:
        assert len(opened.at().ask("SELECT time FROM http_activity")) == 1
    assert run(["ingest", "nginx", str(full), "--lake", lake]) == 0
