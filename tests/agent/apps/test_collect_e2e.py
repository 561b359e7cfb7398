"""`inquest collect` with the real kubectl, before an API server of ours, and a real Prometheus."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import requests

from agent.apps.cli import run
from tests.agent.apps.kube_api import Cluster, Json, served
from tests.planted.site import await_that, free_port, opened
from tests.shop.processes import await_http

pytestmark = pytest.mark.e2e


def named(kind: str, name: str, **more: object) -> Json:
    about = {"name": name, "namespace": "door", "creationTimestamp": "2026-11-20T10:00:00Z"}
    return {"apiVersion": "v1", "kind": kind, "metadata": about, **more}


@pytest.fixture
def cluster() -> Cluster:
    """A pod that does not become ready, two secrets, and a node."""
    state = {"waiting": {"reason": "CrashLoopBackOff"}}
    told = {"name": "app", "image": "door:1", "ready": False, "restartCount": 3, "state": state}
    status = {"phase": "Running", "containerStatuses": [told]}
    spec = {"containers": [{"name": "app", "image": "door:1"}]}
    data = {"username": "aGlkZGVu", "password": "aGlkZGVu"}
    secrets = [
        named("Secret", "lock", type="Opaque", data=data),
        named("Secret", "bare", type="x/y"),
    ]
    return Cluster(
        objects={"pods": [named("Pod", "ill", spec=spec, status=status)], "secrets": secrets},
        logs={"ill": "KeyError: 'HINGE'\n"},
    )


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not here")
def test_kubectl_is_asked_to_read_only_and_says_all_that_is_wanted(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path))
    out = tmp_path / "bundle"
    with served(cluster, tmp_path / "config"):
        assert run(["collect", str(out), "--namespace", "door"]) == 0
    assert {method for method, _ in cluster.asked} == {"GET"}
    secrets = json.loads((out / "kubernetes/secrets.json").read_text())["items"]
    assert [(each["metadata"]["name"], each["type"], each["data"]) for each in secrets] == [
        ("lock", "Opaque", {"password": "[redacted:secret]", "username": "[redacted:secret]"}),
        ("bare", "x/y", {}),
    ]
    assert (out / "logs/door_ill_app_previous.log").read_text() == "KeyError: 'HINGE'\n"
    assert "CrashLoopBackOff" in (out / "kubernetes/describe/pod_door_ill.txt").read_text()
    assert "aGlkZGVu" not in "".join(f.read_text() for f in out.rglob("*") if f.is_file())


def test_prometheus_understands_every_signal(tmp_path: Path) -> None:
    out, port = tmp_path / "bundle", free_port()
    config = "scrape_configs: [{job_name: it, scrape_interval: 1s, static_configs: [{targets: ["
    with opened() as site:
        url = f"http://127.0.0.1:{port}"
        (site.run / "it.yml").write_text(f"{config}'127.0.0.1:{port}']}}]}}]\n", encoding="utf-8")
        words = [f"--config.file={site.run}/it.yml", f"--storage.tsdb.path={site.run}/data"]
        listen = f"--web.listen-address=127.0.0.1:{port}"
        child = site.processes.start("prometheus", ["prometheus", *words, listen])
        await_http(child, f"{url}/-/ready")
        is_up = f"{url}/api/v1/query?query=up"
        await_that(lambda: '"value"' in requests.get(is_up, timeout=5).text, "the first scrape")
        assert run(["collect", str(out), "--no-kube", "--prometheus", url, "--since", "1m"]) == 0
    told = json.loads((out / "_index.json").read_text())
    assert "notes" not in told
    kept = {each["file"] for each in told["files"]}
    assert kept >= {"prometheus/targets.json", "prometheus/up.json"}
