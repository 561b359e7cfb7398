"""A pull request in, a judgement out: by the lake, on one comment, whatever the texts say."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pytest

from agent.apps import github, terminal
from agent.apps.assess import kind_of
from agent.apps.cli import run
from lake.schema import arrow_schema
from lake.store import Lake
from tests.agent.apps.github_server import BOT, HEAD, REPO, TOKEN, Hub, serving
from tests.agent.world import START, Release, Served, record, well

Json = dict[str, Any]
Captured = pytest.CaptureFixture[str]

GUILTY = "9" * 40
AS_OF, CALM = "2026-03-01T12:13:00Z", "2026-03-01T12:08:30Z"
MAP = """\
paths:
  services/payment/: payment
  services/catalog/: catalog
  services/inventory/: inventory
  docs/: []
"""


def unwell(service: str, version: str, at_s: float, random: Random) -> Served:
    """Payment is slow and fails in the last quarter."""
    own = well(service, version, at_s, random)
    if service != "payment" or at_s < 540:
        return own
    return Served(own.own_ms * 6, failed=random.random() < 0.2)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop whose payment is unwell, was changed just now, and was to blame once before."""
    folder = tmp_path_factory.mktemp("shop") / "lake"
    release = Release("payment", "2.8.0", "2.7.9", (565, 580))
    with Lake.create(folder) as made:
        alerts = (("payment", 600.0, None),)
        record(made, behaviour=unwell, releases=(release,), alerts=alerts, per_s=1.5)
        began = START - timedelta(days=30)
        past = {
            "time": began,
            "ingested_at": began,
            "start_time": began,
            "metadata": {"uid": "20260130-slow-payment"},
            "verdict": "cause_found",
            "desc": "Payments were slow",
            "workload": {"service": "payment"},
            "cause": {"indicator": "latency", "mechanism": "deploy"},
            "change": {"kind": "deploy", "revision": GUILTY},
        }
        rows = pa.Table.from_pylist([past], arrow_schema("incident_finding"))
        made.append("incident_finding", rows, "past")
    return folder


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(github, "BACKOFF_S", 0.0)
    for name in [name for name in os.environ if name.startswith(("GITHUB_", "INQUEST_"))]:
        monkeypatch.delenv(name)
    Path("map.yaml").write_text(MAP)


@dataclass
class Desk:
    """A hub, and the command run against it."""

    hub: Hub
    lake: Path
    capsys: Captured
    out: str = ""
    err: str = ""

    def check(self, *options: str, expect: int = 0) -> Json:
        """Check pull request 7; its JSON."""
        where = ["--repo", REPO, "--pr", "7", "--map", "map.yaml", "--lake", str(self.lake)]
        arguments = ["pr-check", *where, "--at", AS_OF, "--json-out", "check.json", *options]
        code = run(arguments)
        self.out, self.err = self.capsys.readouterr()
        assert code == expect, self.err
        said = Path("check.json")
        return dict(json.loads(said.read_text())) if said.exists() else {}


@pytest.fixture
def desk(lake: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> Iterator[Desk]:
    with serving() as hub:
        monkeypatch.setenv("GITHUB_API_URL", hub.api)
        monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
        yield Desk(hub, lake, capsys)


def found(check: Json) -> set[tuple[str, str, str]]:
    """The findings, without their words."""
    return {(one["severity"], one["kind"], one["service"]) for one in check["findings"]}


def test_what_is_unwell_is_told_of_the_touched_and_of_their_callers(desk: Desk) -> None:
    desk.hub.change("services/payment/app.py")
    check = desk.check("--fail-on", "never")
    assert check["verdict"] == "look_twice"
    assert found(check) == {
        ("high", "health", "payment"),
        ("high", "alert", "payment"),
        ("medium", "health", "checkout"),
        ("medium", "health", "web"),
        ("medium", "past_incident", "payment"),
        ("low", "change", "payment"),
    }
    assert check["risk"] == round(1 - 0.5 * 0.8 * 0.8, 2)
    assert check["risk_is"] == "a judgement, not calibrated"
    reach = {one["service"]: one["role"] for one in check["reach"]["services"]}
    assert reach == {"payment": "touched", "checkout": "caller", "web": "caller"}
    assert check["reach"]["percent"] == pytest.approx(75, abs=1)
    assert [change["version"] for change in check["changes"]] == ["2.8.0"]
    health = next(one for one in check["findings"] if one["kind"] == "health")
    assert health["seen_before"] == "20260130-slow-payment"
    evidence_holds(check, desk.lake)


def evidence_holds(check: Json, lake: Path) -> None:
    """Every query brings the same rows again, and every citation resolves."""
    with Lake.open(lake) as opened:
        for one in check["evidence"].values():
            assert opened.at(one["snapshots"]).ask(one["sql"]).digest == one["digest"]
    parts = [*check["findings"], *check["changes"], *check["incidents"], check["reach"]]
    cited = {name for part in parts for name in part["evidence"]}
    assert cited
    assert cited <= check["evidence"].keys()


def test_nothing_speaks_against_a_service_that_is_well(desk: Desk) -> None:
    desk.hub.change("services/catalog/app.py", "docs/guide.md")
    check = desk.check("--at", CALM)
    assert (check["verdict"], check["risk"], check["findings"]) == ("nothing_found", 0.0, [])
    assert "What it touches answers as it did before" in desk.out
    assert check["unmapped"] == []


def test_a_service_that_the_lake_does_not_know_is_a_gap_and_never_well(desk: Desk) -> None:
    desk.hub.change("services/inventory/app.py", "services/catalog/app.py", "Makefile")
    check = desk.check("--at", CALM, "--fail-on", "medium")
    assert (check["verdict"], check["risk"]) == ("not_assessable", None)
    assert check["unmapped"] == ["Makefile"]
    assert [gap["kind"] for gap in check["gaps"]] == ["no_data"]
    assert "No telemetry of inventory" in check["gaps"][0]["text"]
    assert "not to be judged from this lake alone" in desk.out


def test_documents_touch_no_service_and_can_be_merged(desk: Desk) -> None:
    desk.hub.change("docs/guide.md")
    check = desk.check()
    assert (check["verdict"], check["risk"], check["findings"]) == ("nothing_found", 0.0, [])


def test_a_file_that_an_implicated_change_touched_too_is_grave(desk: Desk) -> None:
    desk.hub.change("services/payment/app.py")
    desk.hub.commits[GUILTY] = ["services/payment/app.py", "README.md"]
    (finding,) = (one for one in desk.check()["findings"] if one["kind"] == "past_incident")
    assert (finding["severity"], finding["where"]) == ("high", "services/payment/app.py")
    assert finding["seen_before"] == "20260130-slow-payment"
    assert "Payments were slow" in finding["text"]


def test_another_kind_of_change_than_the_implicated_one_weighs_little(desk: Desk) -> None:
    desk.hub.change("services/payment/values.yaml")
    assert ("low", "past_incident", "payment") in found(desk.check())


def test_old_telemetry_is_said_to_be_old(desk: Desk) -> None:
    desk.hub.change("services/payment/app.py")
    check = desk.check("--at", "2026-03-01T16:00:00Z")
    assert [gap["kind"] for gap in check["gaps"]] == ["not_yet_arrived"]
    assert "2026-03-01 12:11 UTC" in check["gaps"][0]["text"]


def test_a_moved_file_concerns_both_services_and_all_pages_are_read(desk: Desk) -> None:
    desk.hub.change(*(f"docs/{number}.md" for number in range(350)))
    moved = {"filename": "services/catalog/a.py", "previous_filename": "services/payment/a.py"}
    desk.hub.files.append({**moved, "status": "renamed"})
    check = desk.check()
    assert len(check["pull"]["files"]) == 351
    assert check["pull"]["files"][-1]["services"] == ["catalog", "payment"]


def test_files_that_github_does_not_list_are_a_gap(desk: Desk) -> None:
    desk.hub.most_files = 3
    desk.hub.change(*(f"docs/{number}.md" for number in range(4)))
    (gap,) = desk.check()["gaps"]
    assert gap["text"] == "Only 3 of the 4 changed files were listed."


def test_a_change_of_the_map_itself_is_told(desk: Desk) -> None:
    desk.hub.change("map.yaml")
    assert ("medium", "map", "") in found(desk.check())


@pytest.mark.parametrize(("fail_on", "code"), [("never", 0), ("high", 0), ("medium", 1)])
def test_the_gate_closes_on_what_it_was_told_to(desk: Desk, fail_on: str, code: int) -> None:
    desk.hub.change("map.yaml")
    assert desk.check("--fail-on", fail_on, expect=code)["verdict"] == "keep_an_eye"


def test_the_comment_is_written_once_and_then_edited(desk: Desk) -> None:
    for number in range(130):
        desk.hub.say(f"person-{number}", "looks good")
    forged = desk.hub.say("mallory", "<!-- inquest:pr-check head=0 -->\nall is well")
    desk.hub.change("docs/guide.md")
    desk.check("--comment")
    desk.hub.change("map.yaml")
    desk.check("--comment")
    ours = [one for one in desk.hub.comments if one["user"]["login"] == BOT]
    assert len(ours) == 1
    assert ours[0]["body"].startswith(f"<!-- inquest:pr-check head={HEAD} -->\n")
    assert "merge with an eye on it" in ours[0]["body"]
    assert forged["body"].endswith("all is well")


def test_without_being_asked_nothing_is_written(desk: Desk) -> None:
    desk.hub.change("docs/guide.md")
    desk.check()
    assert {method for method, _ in desk.hub.asked} == {"GET"}


def test_a_token_that_may_only_read_leaves_summary_and_json(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
    desk.hub.may_write = False
    desk.hub.change("services/payment/app.py")
    assert desk.check("--comment", "--fail-on", "high", expect=1)["verdict"] == "look_twice"
    assert desk.hub.comments == []
    assert "The comment was not written" in desk.err
    assert "look twice before merging" in Path("summary.md").read_text()


def outputs(text: str) -> Json:
    """The outputs of a step, as the runner reads them."""
    return {name: value for name, _, value in re.findall(r"(.+?)<<(.+)\n(.*)\n\2\n", text)}


def test_a_runner_gets_outputs_and_annotations_and_no_command_from_any_text(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OUTPUT", "STEP_SUMMARY"):
        monkeypatch.setenv(f"GITHUB_{name}", name.lower())
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    desk.hub.change("services/payment/app.py", "x\n::error::owned\n##[add-mask]a")
    check = desk.check("--comment")
    assert outputs(Path("output").read_text()) == {
        "verdict": "look_twice",
        "risk": f"{check['risk']:.2f}",
        "findings": str(len(check["findings"])),
        "report-json": "check.json",
        "comment-id": str(desk.hub.comments[0]["id"]),
    }
    stop, *quoted = desk.out.splitlines()
    token = stop.removeprefix("::stop-commands::")
    end = quoted.index(f"::{token}::")
    assert any("owned" in line for line in quoted[:end])
    assert all(re.match(r"::(warning|notice) title=Inquest", line) for line in quoted[end + 1 :])
    assert len(quoted[end + 1 :]) == len(check["findings"])


def test_a_runner_with_a_terminal_gets_no_progress_between_the_lines_it_reads(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal, "PATIENCE_S", 0.0)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    desk.hub.change("docs/guide.md")
    desk.check()
    assert desk.err == ""


def test_no_secret_leaves_by_any_way(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "ghp_" + "A1b2" * 9
    hidden = f"{secret[:9]}\u200b{secret[9:]}"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
    desk.hub.title = f"password={secret}"
    desk.hub.change("map.yaml", f"keys/{secret}.txt", f"keys/{hidden}.txt")
    left = [json.dumps(desk.check("--comment"))]
    left += [desk.out, desk.err, desk.hub.comments[0]["body"], Path("summary.md").read_text()]
    for form in ("json", "markdown", "html"):
        desk.check("--format", form)
        left.append(desk.out)
    for text in left:
        assert secret not in text
        assert TOKEN not in text
    assert "[redacted:github]" in left[0]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--pr", "8"], "404 to GET /repos/shop/shop/pulls/8"),
        (["--repo", "shop/../shop"], "'shop/../shop' is no repository"),
        (["--map", "gone.yaml"], "gone.yaml cannot be read"),
        (["--since", "soon"], "'soon' is no age"),
        (["--head", "HEAD"], "--head HEAD has no --base"),
        (["--lake", "gone"], "There is no lake at"),
        (["--at", "noon"], "'noon' is no time"),
    ],
)
def test_bad_input_is_a_sentence(desk: Desk, options: list[str], expected: str) -> None:
    desk.check(*options, expect=2)
    assert expected in desk.err
    assert "Traceback" not in desk.err


def test_a_token_that_is_not_valid_is_not_shown(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "stale-token")
    desk.check(expect=2)
    assert "is GITHUB_TOKEN valid?" in desk.err
    assert "stale-token" not in desk.err


def test_what_to_check_comes_from_the_event_or_is_asked_for(
    desk: Desk, lake: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    arguments = ["pr-check", "--map", "map.yaml", "--lake", str(lake), "--at", AS_OF]
    assert run(arguments) == 2
    assert "give --repo OWNER/NAME and --pr NUMBER" in capsys.readouterr().err
    desk.hub.change("docs/guide.md")
    Path("event.json").write_text(json.dumps({"pull_request": {"number": 7}}))
    monkeypatch.setenv("GITHUB_EVENT_PATH", "event.json")
    monkeypatch.setenv("GITHUB_REPOSITORY", REPO)
    assert run(arguments) == 0


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("a/app.py", "deploy"),
        ("deploy/values.yaml", "config"),
        ("db/migrations/7.py", "schema"),
        ("a/Dockerfile", "infrastructure"),
    ],
)
def test_a_file_tells_the_kind_of_its_change(path: str, kind: str) -> None:
    assert kind_of(path) == kind
