"""A folder of evidence: each file finds its source, or is said to have none."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import pytest

from ingest.bundle import guess, ingest_folder
from ingest.source import load
from lake.errors import InquestError
from lake.store import Lake
from tests.ingest.otlp_samples import DATA

INCIDENTS = Path(__file__).parents[1] / "shop" / "incidents"


@pytest.mark.parametrize("name", load())
def test_the_samples_are_recognised(name: str, tmp_path: Path) -> None:
    for sample in (DATA / name).glob("input*"):
        plain = tmp_path / f"{name}.{sample.name}"
        packed = tmp_path / f"{name}.{sample.name}.gz"
        shutil.copy(sample, plain)
        packed.write_bytes(gzip.compress(sample.read_bytes()))
        assert (guess(plain), guess(packed)) == (name, name)


def test_what_no_source_reads_is_said_and_sidecars_are_none(tmp_path: Path) -> None:
    folder = tmp_path / "evidence"
    folder.mkdir()
    shutil.copy(DATA / "nginx" / "input.log", folder / "access.log")
    (folder / "access.log.arrivals.jsonl").touch()
    (folder / "notes.txt").write_text("dear diary\n")
    (folder / "nothing").touch()
    with Lake.create(tmp_path / "lake") as lake:
        nginx, rest = ingest_folder(lake, folder)
    assert (nginx.source, len(nginx.files), nginx.mapped) == ("nginx", 1, 6)
    assert rest.notes == (
        f"{folder}/notes.txt was skipped: no source is known to read it.",
        f"{folder}/nothing was skipped: it is empty.",
    )


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
