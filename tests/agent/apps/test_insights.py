"""`inquest insights` over bundles of clusters of our own invention."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from agent.apps.cli import run

Row = dict[str, Any]


def object_(kind: str, name: str, api: str = "v1", namespace: str = "shop", **more: Any) -> Row:
    meta = {"name": name} | ({"namespace": namespace} if namespace else {})
    labels = more.pop("labels", None)
    return {
        "apiVersion": api,
        "kind": kind,
        "metadata": meta | ({"labels": labels} if labels else {}),
        **more,
    }


def node(name: str, version: str) -> Row:
    ready = {"type": "Ready", "status": "True"}
    info = {"kubeletVersion": version, "containerRuntimeVersion": "containerd://1.7.2"}
    return object_("Node", name, namespace="", status={"nodeInfo": info, "conditions": [ready]})


def cluster(folder: Path, *objects: Row) -> Path:
    folder.mkdir()
    listed = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
    (folder / "objects.json").write_text(json.dumps(listed))
    return folder


@pytest.fixture
def two(tmp_path: Path) -> list[str]:
    east = cluster(
        tmp_path / "east",
        node("east-1", "v1.26.4"),
        node("east-2", "v1.30.1"),
        object_("CronJob", "bill", "batch/v1beta1", spec={"schedule": "0 4 * * *"}),
        object_("Job", "mail", "batch/v1", spec={"suspend": True}),
        object_("Service", "cart", spec={"selector": {"app": "card"}, "ports": [{"port": 80}]}),
        object_(
            "Pod",
            "cart-1",
            labels={"app": "cart"},
            spec={"containers": [{"name": "cart", "image": "images.example/cart:latest"}]},
            status={"phase": "Running"},
        ),
    )
    west = cluster(tmp_path / "west", node("west-1", "v1.30.1"))
    return [str(east), str(west)]


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(["insights", *arguments]) == 0
    return capsys.readouterr().out


def test_two_clusters_are_told_apart_and_the_worst_comes_first(
    two: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    found = json.loads(told(capsys, *two, "--area", "insights", "--format", "json"))

    by_object = {(one["cluster"], one["object"], one["playbook"]) for one in found["insights"]}
    assert by_object == {
        ("east", "Service/shop/cart", "insights/service_without_match"),
        ("east", "Job/shop/mail", "insights/job_not_done"),
        ("east", "CronJob/shop/bill", "insights/removed_api"),
        ("east", "Node/east-1", "insights/version_skew"),
        ("east", "Pod/shop/cart-1", "insights/latest_tag"),
        ("east", "Pod/shop/cart-1", "insights/resources_unset"),
    }
    assert found["counts"] == {"failing": 3, "risk": 1, "hygiene": 2}
    assert {"cluster": "west", "component": "kubelet", "version": "v1.30.1", "count": 1} in found[
        "versions"
    ]

    text = told(capsys, *two, "--area", "insights")
    assert text.index("FAILING") < text.index("east Service/shop/cart") < text.index("HYGIENE")
    assert "kubelet: east v1.26.4, v1.30.1; west v1.30.1" in text


def test_the_target_version_decides_what_an_upgrade_removes(
    two: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert "CronJob/shop/bill" not in told(
        capsys, *two, "--area", "insights", "--target-version", "1.24"
    )


def test_the_page_loads_nothing_and_escapes_what_it_quotes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = cluster(
        tmp_path / "odd",
        object_("CronJob", "a", "batch/v1", spec={"schedule": "<script>1</script>"}),
    )
    page = told(capsys, str(odd), "--format", "html", "--at-least", "0.5")
    assert "&lt;script&gt;" in page
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")
    assert "CronJob/shop/a" in told(capsys, str(odd), "--format", "markdown")


def test_markdown_shows_a_name_as_it_is_and_makes_nothing_of_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "<img src=x>|[door](javascript:open)"
    odd = cluster(
        tmp_path / "o[dd](x)|<b>",
        object_("CronJob", name, "batch/v1", spec={"schedule": "soon"}),
        node("one", "v1.30.1"),
    )
    well = cluster(tmp_path / "well", node("well-1", "v1.30.1"))
    shown = told(capsys, str(odd), str(well), "--format", "markdown")
    assert f"- `o[dd](x)|<b> CronJob/shop/{name}`: " in shown
    without_code = re.sub("`[^`\n]*`", "", shown)
    assert not re.search(r"<(img|b)>?|(?<!\\)\]\(", without_code)
    assert r"| component | o\[dd\](x)\|&lt;b&gt; | well |" in shown


def test_what_to_do_is_said_of_each_object_of_a_group_where_it_differs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [f"bill-{n}" for n in range(5)]
    jobs = [object_("Job", name, "batch/v1", spec={"suspend": True}) for name in names]
    folder = str(cluster(tmp_path / "east", *jobs, node("one", "v1.30.1")))
    asked = json.loads(told(capsys, folder, "--area", "insights", "--format", "json"))["insights"]
    page = told(capsys, folder, "--area", "insights", "--format", "html")
    remedies = {one["remedy"] for one in asked}
    commands = sorted({one["command"] for one in asked})
    assert [name for name, one in zip(names, commands, strict=True) if name in one] == names
    assert [page.count(f">{remedy}<") for remedy in remedies] == [1]
    shown = re.findall('<code class="do">(.*)</code>', page)
    assert [name for name in names if any(name in one for one in shown)] == names[:3]


def test_a_cluster_that_cannot_be_asked_is_a_gap_and_the_others_are_told(
    two: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lakes = []
    for folder in two:
        lakes += ["--lake", str(tmp_path / f"lake-{Path(folder).name}")]
        assert run(["ingest", folder, *lakes[-2:]]) == 0
    for file in (tmp_path / "lake-west").rglob("*.parquet"):
        file.write_bytes(b"no parquet")
    capsys.readouterr()
    text = told(capsys, *lakes)
    assert text.startswith("1 cluster looked at: 3 failing")
    assert "lake-west could not be asked: " in text
    assert run(["insights", *lakes[2:]]) == 2
    assert "lake-west could not be asked: " in capsys.readouterr().err


def test_a_cluster_that_is_well_has_no_insights(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    well = cluster(tmp_path / "well", node("well-1", "v1.30.1"))
    assert told(capsys, str(well)).startswith("1 cluster looked at: nothing found")


def test_a_folder_without_objects_is_said_to_have_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "door.log").write_text("2026-11-20T10:00:00Z INFO door is open\n")
    well = cluster(tmp_path / "well", node("well-1", "v1.30.1"))
    said = "bare holds no object of Kubernetes, so hardly anything was checked."
    assert told(capsys, str(tmp_path / "bare"), str(well)).splitlines()[-1] == said


@pytest.mark.parametrize(
    "arguments",
    [["--lake", "nowhere"], ["nowhere"], ["--target-version", "2"], ["--area", "moon"]],
)
def test_bad_input_is_said(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["insights", *arguments]) == 2
    assert capsys.readouterr().err
