"""Argo CD's objects say what a sync did, when, and by whom."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from tests.shop.argocd import ArgoCD
from tests.shop.fleet import first_configuration
from tests.shop.recorder import Archive, Recorder
from tests.shop.stories.config_timeout import GUILTY
from tests.shop.story import revert


@pytest.fixture
def shown(tmp_path: Path) -> list[dict[str, Any]]:
    """What a watcher saw while the guilty configuration was synced and taken back."""
    archive = Archive()
    archive.open(tmp_path)
    recorder = Recorder(archive, 0)
    argocd = ArgoCD(f"http://127.0.0.1:{recorder.port}/argocd", random.Random(1))
    for configuration, creator in ((GUILTY, "s-okafor"), (revert(GUILTY), None)):
        argocd.settle(argocd.finish(argocd.sync(configuration, "6.8.0", creator)))
    recorder.close()
    archive.close()
    lines = (tmp_path / "argocd_applications.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_a_sync_runs_then_succeeds_then_its_pods_are_healthy(shown: list[dict[str, Any]]) -> None:
    seen = [
        (status["operationState"]["phase"], status["sync"]["status"], status["health"]["status"])
        for status in (each["status"] for each in shown)
    ]
    once = [
        ("Running", "OutOfSync", "Healthy"),
        ("Succeeded", "Synced", "Progressing"),
        ("Succeeded", "Synced", "Healthy"),
    ]
    assert seen == once * 2


def test_a_sync_changes_settings_and_no_image(shown: list[dict[str, Any]]) -> None:
    for each in shown:
        applied = each["status"]["operationState"]["syncResult"]["resources"]
        assert [resource["message"] for resource in applied] == [
            "configmap/checkout-config configured",
            "service/checkout unchanged",
            "deployment.apps/checkout configured",
        ]
        assert each["status"]["summary"]["images"] == ["registry.shop.example/checkout:6.8.0"]


def test_history_grows_by_each_sync_that_ended(shown: list[dict[str, Any]]) -> None:
    *_, running, done, _ = (each["status"]["history"] for each in shown)
    first, guilty, back = done
    assert running == [first, guilty]
    assert [entry["id"] - first["id"] for entry in done] == [0, 1, 2]
    assert first["revision"] == first_configuration("checkout").sha
    assert (guilty["revision"], back["revision"]) == (GUILTY.sha, revert(GUILTY).sha)
    assert guilty["initiatedBy"] == {"username": "s-okafor"}
    assert back["initiatedBy"] == {"automated": True}
