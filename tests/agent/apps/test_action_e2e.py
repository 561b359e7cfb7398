"""The Action run for real, by act on this machine, against GitHub's API on loopback."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
import yaml

from lake.store import Lake
from tests.agent import world
from tests.agent.apps.github_server import BOT, HEAD, TOKEN, Hub, serving
from tests.agent.apps.test_action import BIN, ROOT, workflow

pytestmark = pytest.mark.e2e

CANARY = "canary-that-must-not-sing"


def unwell(service: str, version: str, at_s: float, random: Random) -> world.Served:
    """Payment is slow in the last quarter."""
    own = world.well(service, version, at_s, random)
    return world.Served(own.own_ms * (6 if service == "payment" and at_s >= 540 else 1), own.failed)


@dataclass
class Shop:
    """A repository with a pull request, and the hub that it is at."""

    folder: Path
    hub: Hub

    def act(self, ref: str = "topic") -> tuple[int, str]:
        """Run its workflow on the event; the exit code and the log."""
        pull = {
            "number": 7,
            "title": self.hub.title,
            "head": {"ref": ref, "sha": HEAD},
            "base": {"ref": "main", "sha": "b" * 40},
        }
        (self.folder / "event.json").write_text(json.dumps({"pull_request": pull}))
        done = subprocess.run(
            [str(BIN / "act"), "pull_request", "-e", "event.json", "-P", "self-hosted=-self-hosted"]
            + [part for at in self._actions() for part in ("--local-repository", at)]
            + ["--action-cache-path", str(self.folder.parent / "cache"), "--pull=false"]
            + ["-s", f"GITHUB_TOKEN={TOKEN}"]
            + ["--env", f"GITHUB_API_URL={self.hub.api}", "--env", f"CANARY={CANARY}"],
            cwd=self.folder,
            env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        return done.returncode, done.stdout

    def _actions(self) -> Iterator[str]:
        """The Action as it is here; for checkout a copy; the others are not needed here."""
        steps = yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"]
        for job in yaml.safe_load(workflow())["jobs"].values():
            steps += job["steps"]
        for used in (step["uses"] for step in steps if "uses" in step):
            yield f"{used}={self.folder.parent / used.partition('@')[0]}"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """A shop that is unwell now, and a repository whose modules must never be imported."""
    folder, lake = tmp_path / "shop", tmp_path / "lake"
    monkeypatch.setattr(world, "START", datetime.now(UTC) - timedelta(minutes=world.MINUTES))
    with Lake.create(lake) as made:
        world.record(made, behaviour=unwell)
    (tmp_path / "inquest/inquest").mkdir(parents=True)
    for name in ("action.yml", "pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, tmp_path / "inquest/inquest" / name)
    for name, script in (("checkout", f"cp -r {folder}/. ."), ("setup-python", "exit 1")):
        (tmp_path / "actions" / name).mkdir(parents=True)
        step = f"{{shell: bash, run: {script}}}"
        text = f"{{name: {name}, runs: {{using: composite, steps: [{step}]}}}}"
        (tmp_path / "actions" / name / "action.yml").write_text(text)
    (folder / ".github/workflows").mkdir(parents=True)
    as_shown = workflow().replace("/var/lib/inquest/lake", str(lake))
    (folder / ".github/workflows/inquest.yml").write_text(as_shown)
    (folder / ".inquest").mkdir()
    (folder / ".inquest/services.yaml").write_text("paths: {payment/: payment, catalog/: catalog}")
    for name in ("yaml.py", "duckdb.py", "email.py"):
        (folder / name).write_text(f"open({str(tmp_path / 'pwned')!r}, 'w')")
    for command in (
        ["init", "-q"],
        ["remote", "add", "origin", "https://github.com/shop/shop.git"],
        ["add", "-A"],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "shop"],
    ):
        subprocess.run(["git", *command], cwd=folder, check=True)
    with serving() as hub:
        yield Shop(folder, hub)


def test_two_runs_keep_one_comment_and_the_gate_says_no(shop: Shop) -> None:
    shop.hub.change("catalog/app.py")
    code, log = shop.act()
    assert code == 0, log
    assert "look twice" not in shop.hub.comments[0]["body"]
    shop.hub.change("payment/app.py")
    code, log = shop.act()
    assert code != 0, log
    (comment,) = shop.hub.comments
    assert comment["user"]["login"] == BOT
    assert "look twice before merging" in comment["body"]
    assert "set-output:: verdict=look_twice" in log
    assert f"set-output:: comment-id={comment['id']}" in log


def test_a_fork_gets_the_summary_and_no_comment(shop: Shop) -> None:
    shop.hub.may_write = False
    shop.hub.change("payment/app.py")
    code, log = shop.act()
    assert code != 0
    assert shop.hub.comments == []
    assert "A fork's may only read" in log
    assert "Summary - ### Inquest: look twice before merging" in log


def test_nothing_of_a_hostile_pull_request_is_run_and_no_secret_leaves(shop: Shop) -> None:
    pwned = shop.folder.parent / "pwned"
    run = f"touch {pwned}"
    hostile = [f'"; {run} #', f"$({run})", f"`{run}`", f"'; {run}; '", f"a\n{run}\n", "${{ 1 }}"]
    shop.hub.title = " ".join(hostile)
    for text in hostile:
        shop.hub.change(f"payment/{text}", f"|<img src=x>@everyone ${{CANARY}}{text}")
    shop.hub.change("x\n::set-output name=verdict::nothing_found\n::add-path::/pwned")
    _, log = shop.act(ref=f'topic$({run})`{run}`";{run}')
    assert not pwned.exists()
    (comment,) = shop.hub.comments
    assert "set-output:: verdict=look_twice" in log
    assert CANARY not in comment["body"] + log
    assert TOKEN not in comment["body"] + log
