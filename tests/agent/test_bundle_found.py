"""A folder of what somebody saved, from files to report: what is wrong is named."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.apps.bundle import request_of
from agent.config import Request
from agent.investigation import investigate
from agent.state import Report
from ingest.bundle import take
from lake.store import Lake

NOTHING = Request()


def pod(name: str, **container: Any) -> dict[str, Any]:
    """A pod of one container, whose status is as told."""
    service = name.split("-")[0]
    status = {"name": service, "image": f"{service}:1", "restartCount": 0, **container}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop", "labels": {"app": service}},
        "spec": {
            "nodeName": "node-a",
            "containers": [
                {
                    "name": service,
                    "image": f"{service}:1",
                    "resources": {"limits": {"memory": "64Mi"}},
                }
            ],
        },
        "status": {
            "phase": "Running",
            "startTime": "2026-03-01T10:00:00Z",
            "containerStatuses": [status],
        },
    }


KILLED = {
    "ready": False,
    "restartCount": 7,
    "state": {"waiting": {"reason": "CrashLoopBackOff"}},
    "lastState": {
        "terminated": {
            "reason": "OOMKilled",
            "exitCode": 137,
            "finishedAt": "2026-03-01T11:00:00Z",
        }
    },
}
WELL = {"ready": True, "state": {"running": {"startedAt": "2026-03-01T10:00:05Z"}}}


def looked_at(
    lake: Lake, folder: Path, *objects: dict[str, Any], request: Request = NOTHING, prompt: str = ""
) -> Report:
    folder.mkdir()
    (folder / "pods.json").write_text(json.dumps({"kind": "List", "items": objects}))
    manifest = {"id": "one", "prompt": prompt, "files": [{"file": "pods.json", "kind": "objects"}]}
    (folder / "_index.json").write_text(json.dumps(manifest))
    take(lake, [folder])
    return investigate(lake, request_of(folder, request))


def test_the_killed_container_is_the_cause_and_its_line_is_quoted(
    lake: Lake, tmp_path: Path
) -> None:
    report = looked_at(lake, tmp_path / "b", pod("cart-1", **KILLED), pod("web-1", **WELL))
    cause = report.causes[0]
    assert report.verdict == "cause_found"
    assert "OOM" in cause.text
    assert "cart-1" in cause.object
    assert cause.said
    assert cause.grounded
    assert {*cause.evidence_for} <= report.evidence.keys()
    assert report.next_steps


def test_where_nothing_is_ill_nothing_is_wrong(lake: Lake, tmp_path: Path) -> None:
    report = looked_at(lake, tmp_path / "b", pod("cart-1", **WELL), pod("web-1", **WELL))
    assert report.verdict == "no_incident"
    assert not report.causes


@pytest.mark.parametrize(
    ("prompt", "verdict"),
    [
        ("Why does cart crash?", "cause_found"),
        ("What is wrong?", "cause_found"),
        ("Is web-1 well?", "inconclusive"),
    ],
)
def test_the_question_narrows_what_is_found(
    lake: Lake, tmp_path: Path, prompt: str, verdict: str
) -> None:
    pods = pod("cart-1", **KILLED), pod("web-1", **WELL)
    assert looked_at(lake, tmp_path / "b", *pods, prompt=prompt).verdict == verdict


def test_a_question_by_hand_goes_before_the_manifests(tmp_path: Path) -> None:
    (tmp_path / "_index.json").write_text(json.dumps({"prompt": "one", "files": []}))
    assert request_of(tmp_path).question == "one"
    assert request_of(tmp_path, replace(NOTHING, question="two")).question == "two"


def test_the_headline_leaves_the_line_to_the_page(lake: Lake, tmp_path: Path) -> None:
    report = looked_at(lake, tmp_path / "b", pod("cart-1", **KILLED))
    assert "“" not in report.title
    assert "OOMKilled" in report.title
    assert not report.charts  # no request was watched: there is nothing to draw
