"""Secrets are planted wherever text comes in; no byte that is written or sent holds one (S2)."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from random import Random
from urllib.parse import quote

import pyarrow as pa
import pytest

from agent.apps import shelf
from agent.apps.collect.folder import Folder
from agent.apps.collect.tool import Answer
from agent.apps.investigate import answer
from agent.apps.terminal import complain
from agent.config import Request
from agent.events import recorded, spoken
from agent.model.provider import open_model
from agent.model.speak import Message, Speaker
from agent.nodes.context import Means
from agent.nodes.verify import _without_secrets
from agent.redaction import register
from agent.report.pr_check import fit_to_leave
from agent.report.pr_comment import comment
from agent.report.slack import note
from agent.runs import serial
from agent.state import Gap
from lake.schema import arrow_schema
from lake.store import Lake
from tests.agent.made_secrets import SHAPES, many, passphrase
from tests.agent.report import samples
from tests.agent.report.test_dress import poisoned
from tests.agent.report.test_pr_comment import CHECK
from tests.agent.world import START, record
from tests.models import Reply, model_server
from tests.models.behaviours import good
from traces.tracer import Tracing

WAYS: dict[str, Callable[[str], str]] = {
    "as it is": lambda secret: f"calling with {secret}, retrying",
    "base64": lambda secret: f"body {b64encode(f'user:{secret}'.encode()).decode()} sent",
    "URL": lambda secret: f"GET /x?q={quote(secret, safe='')}&page=2 500",
    "JSON": lambda secret: json.dumps({"a": json.dumps({"text": secret})}),
    "two lines": lambda secret: f"cut {secret[: len(secret) // 2]}\n  {secret[len(secret) // 2 :]}",
}
USABLE = 12
"""Letters of a secret in a row that are of use to somebody."""

REGISTERED = "not-of-any-form"
Planted = list[tuple[str, str, str]]


def planted(count: int) -> Planted:
    """So many tokens, and one secret of each shape: how it is written, itself, and its text."""
    ways = [*WAYS]
    drawn: Planted = []
    for nth, (kind, secret) in enumerate(many(count)):
        way = ways[(nth // 7) % len(ways)]
        if kind == "mailchimp" and way == "two lines":
            way = "as it is"  # half of one is hexadecimal digits, as an id is
        drawn.append((way, secret, WAYS[way](secret)))
    random = Random(count)
    for shape, form in SHAPES.items():  # nothing but its name says that it is a secret
        secret = passphrase(random)
        drawn.append((shape, secret, form.format(secret, secret)))
    return [*drawn, ("registered", REGISTERED, f"mail says {REGISTERED}")]


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("OPENAI_API_KEY", REGISTERED)
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "true")
    register({"OPENAI_API_KEY": REGISTERED})
    yield
    register({})


def lost(secrets: Planted, written: str) -> list[str]:
    """Those of which what was written holds a usable part, as it is or as it was wrapped."""
    plain = written.replace("\\", "")  # markdown and JSON put these before what means something
    parts: dict[str, set[str]] = {}
    for way, secret, text in secrets:
        for whole in (secret, text.split()[1] if way == "base64" else secret):
            for at in range(len(whole) - USABLE + 1):
                parts.setdefault(whole[at : at + USABLE], set()).add(f"{way}: {secret}")
    pieces = (plain[at : at + USABLE] for at in range(len(plain) - USABLE + 1))
    found = (parts[piece] for piece in pieces if piece in parts)
    return sorted({min(one) for one in found if len(one) == 1})  # of many, it is how they all begin


def of_folder(folder: Path) -> str:
    """Every byte of every file below a folder."""
    files = (path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())
    return "\n".join(one.decode(errors="replace") for one in files)


def reports(secrets: Planted, tmp_path: Path) -> str:
    gaps = tuple(Gap("no_data", text) for _, _, text in secrets)
    made = _without_secrets(replace(samples.cause_found(), gaps=gaps))
    return of_folder(shelf.write(made, tmp_path / "report"))


def slack(secrets: Planted, _: Path) -> str:
    return "\n".join(str(asdict(note(text))) for _, _, text in secrets)


def pull_request(secrets: Planted, _: Path) -> str:
    return "\n".join(comment(fit_to_leave(poisoned(CHECK, text))) for _, _, text in secrets[::8])


def checkpoints(secrets: Planted, _: Path) -> str:
    return serial.dumps({"gaps": [Gap("no_data", text) for _, _, text in secrets]}).decode()


def bundles(secrets: Planted, tmp_path: Path) -> str:
    (tmp_path / "bundle").mkdir()
    folder = Folder(tmp_path / "bundle", lambda _: None, redacts=True)
    for nth, (_, _, text) in enumerate(secrets):
        folder.keep(f"{nth}.log", "log", Answer(text), invocation=f"cat {text}")
    folder.close({"about": secrets[0][2]})
    return of_folder(tmp_path / "bundle")


def model(secrets: Planted, tmp_path: Path) -> str:
    plain = [{"role": "user", "content": text} for _, _, text in secrets]
    blocks = [{"type": "text", "text": text} for _, _, text in secrets]
    asked: list[Message] = [
        {"role": "system", "content": "Be brief."},
        *plain,
        {"role": "user", "content": blocks},
    ]
    with (
        Lake.create(tmp_path / "lake") as lake,
        model_server(lambda _: Reply("Well.")) as server,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("OPENAI_BASE_URL", server.url)
        with Tracing(lake, "test") as tracing:
            Speaker(open_model("openai:scripted-1"), tracing).say(asked)
        spans = lake.at().ask("SELECT attributes FROM trace_span ORDER BY ALL").dicts()
    sent = server.exchanges[0].sent.decode()
    assert sent.count('"user"') == len(plain) + 1
    return sent + str(spans)


DOORS = (reports, model, slack, pull_request, checkpoints, bundles)


def told(rows: Iterable[tuple[str, int, int]]) -> None:
    """Print what was tried and what came of it."""
    print(f"\n{'check':<42} {'tried':>6} {'survived':>9} {'lost':>5}")  # noqa: T201 - the table
    for name, tried, missed in rows:
        print(f"{name:<42} {tried:>6} {tried - missed:>9} {missed:>5}")  # noqa: T201 - the table


COUNTS = [pytest.param(93, id="fast"), pytest.param(2000, marks=pytest.mark.faults)]


@pytest.mark.parametrize("count", COUNTS)
def test_no_door_lets_a_planted_secret_through(count: int, tmp_path: Path) -> None:
    secrets = planted(count)
    rows = [(door.__name__, len(secrets), lost(secrets, door(secrets, tmp_path))) for door in DOORS]
    told((name, tried, len(missed)) for name, tried, missed in rows)
    assert [missed for _, _, missed in rows] == [[] for _ in rows]


def plant(lake: Lake, secrets: Planted) -> None:
    """Let the session that holds a lock say every secret, and those who wait for it."""
    rows = []
    for nth, (_, _, text) in enumerate(secrets):
        at = START + timedelta(seconds=398 + nth * 100 / len(secrets))
        about = {"db.system.name": "postgresql", "process.pid": 4711, "db.query.text": text}
        rows.append(
            {
                "time": at,
                "ingested_at": at,
                "severity_id": 4,
                "message": f"checkout failed: {text}",
                "workload": {"service": "checkout"},
                "attributes": json.dumps(about),
            }
        )
    table = pa.Table.from_pylist(rows, arrow_schema("log_record"))
    lake.append("log_record", table, "planted")


@pytest.mark.parametrize("count", [pytest.param(2000, marks=pytest.mark.faults)])
def test_an_investigation_of_them_writes_and_sends_none(
    count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    secrets = planted(count)
    with Lake.create(tmp_path / "lake") as lake:
        record(lake, held_s=(400.0, 560.0))
        plant(lake, secrets)
        events = tmp_path / "events.jsonl"
        with model_server(good) as server, events.open("ab", buffering=0) as file:
            monkeypatch.setenv("OPENAI_BASE_URL", server.url)
            means = Means(open_model("openai:scripted-1"))
            hear = recorded(file, spoken(complain), complain)
            report, folder = answer(lake, Request(), hear, means)
        assert folder is not None
        spans = lake.at().ask(
            "SELECT attributes, status_detail, span_events, span_name FROM trace_span"
            " WHERE workload.service = 'inquest' ORDER BY ALL"
        )
        written = {
            "events": events.read_text(),
            "report": of_folder(folder),
            "to the model": "".join(one.sent.decode() for one in server.exchanges),
            "own spans": str(spans.dicts()),
            "checkpoints": "".join(
                path.read_bytes().decode(errors="replace")
                for path in lake.path.glob("runs.sqlite*")
            ),
            "stderr": "".join(capfd.readouterr()),
        }
    missed = {name: lost(secrets, text) for name, text in written.items()}
    told((name, len(secrets), len(missed[name])) for name in written)
    assert report.evidence
    assert all(map(len, written.values()))
    assert missed == {name: [] for name in written}
