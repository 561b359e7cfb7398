"""The shop really runs and breaks; what it emits hangs together and names the culprit.

One short, strong fault is recorded from real servers: Alertmanager fires, the evidence is ingested
and investigated. What noise may move (probabilities, times, other changes) is not asserted. Beside
it, in a shop of its own, a seed is recorded briefly: a certificate expires.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.shop import daemons
from tests.shop.fleet import FIRST_VERSIONS
from tests.shop.framing import frames
from tests.shop.truth import served_spans, texts

BASE, BASE_OF_SEED = 28000, 28300
SEED = 6
PORTS = daemons.Ports.from_base(BASE)
REPOSITORY = Path(__file__).parents[2]
SETTLED_S = 10
ASKED = set(FIRST_VERSIONS) - {"mailer"}  # which nobody asks anything: it takes mails from a list

pytestmark = pytest.mark.e2e


def recorder(out: Path, **environment: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.shop.record", "quick", "--port-base", str(BASE)]
    return subprocess.Popen(
        [*command, "--out", str(out)], cwd=REPOSITORY, env={**os.environ, **environment}
    )


def seed_recorder(out: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.shop.seed", str(SEED), "--brief", "--out", str(out)]
    return subprocess.Popen([*command, "--port-base", str(BASE_OF_SEED)], cwd=REPOSITORY)


@pytest.fixture(scope="module")
def takes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Where the quick story and the seed were recorded, side by side."""
    quick, seeded = tmp_path_factory.mktemp("quick"), tmp_path_factory.mktemp("seeded")
    one, other = recorder(quick), seed_recorder(seeded)
    assert (one.wait(600), other.wait(600)) == (0, 0)
    return quick, seeded


@pytest.fixture(scope="module")
def recording(takes: tuple[Path, Path]) -> Path:
    return takes[0]


@pytest.fixture(scope="module")
def seeded(takes: tuple[Path, Path]) -> Path:
    return takes[1]


@pytest.fixture(scope="module")
def report(recording: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The report on the recording, as the command line prints it."""
    inquest = Path(sys.executable).parent / "inquest"
    told = subprocess.run(
        [inquest, "investigate", recording / "evidence", "--format", "json"],
        cwd=tmp_path_factory.mktemp("desk"),
        stdout=subprocess.PIPE,
        check=True,
    )
    answer: dict[str, Any] = json.loads(told.stdout)
    return answer


def test_the_cause_is_found_where_it_is(recording: Path, report: dict[str, Any]) -> None:
    culprit = json.loads((recording / "truth.json").read_bytes())["culprit"]
    assert report["verdict"] == "cause_found"
    assert report["causes"][0]["resource"]["name"] == culprit["service"]


def test_of_all_changes_the_guilty_one_alone_is_implicated(
    recording: Path, report: dict[str, Any]
) -> None:
    culprit = json.loads((recording / "truth.json").read_bytes())["culprit"]
    implicated = [c for c in report["changes"] if c["verdict"] == "implicated"]
    assert len(report["changes"]) > len(implicated)
    assert [(c["service"], c["version"]) for c in implicated] == [
        (culprit["service"], culprit["version"])
    ]


def test_an_alert_of_alertmanager_started_it(report: dict[str, Any]) -> None:
    assert report["incident"]["alerts"]


def spans(evidence: Path) -> Iterator[Span]:
    for body in frames(evidence / "traces.otlp.binpb.zst"):
        for group in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in group.scope_spans:
                yield from scope.spans


def test_every_span_has_its_parent(recording: Path) -> None:
    found = list(spans(recording / "evidence"))
    known = {span.span_id for span in found}
    began, ended = (pick(span.start_time_unix_nano for span in found) for pick in (min, max))
    margin = SETTLED_S * 1_000_000_000  # what was under way when the recording began or ended
    whole = [s for s in found if began + margin < s.start_time_unix_nano < ended - margin]
    assert len(whole) > 1000
    assert all(not span.parent_span_id or span.parent_span_id in known for span in whole)


def test_every_service_answers_and_names_the_customer(recording: Path) -> None:
    answered = list(served_spans(recording / "evidence"))
    assert {service for service, _, _ in answered} == ASKED
    assert all("shop.customer" in texts(span.attributes) for _, _, span in answered)


def test_old_and_new_run_side_by_side(recording: Path) -> None:
    answered = served_spans(recording / "evidence")
    culprit = json.loads((recording / "truth.json").read_bytes())["culprit"]
    served = [(span.start_time_unix_nano, v) for s, v, span in answered if s == culprit["service"]]
    first_new = min(at for at, version in served if version == culprit["version"])
    last_old = max(at for at, version in served if version == culprit["previous_version"])
    assert last_old - first_new > 5e9


def test_prometheus_was_asked(recording: Path) -> None:
    for file in sorted((recording / "evidence").glob("prometheus_*.json")):
        assert json.loads(file.read_bytes())["status"] == "success"
    rates = json.loads((recording / "evidence/prometheus_1_requests_per_second.json").read_bytes())
    assert {each["metric"]["service"] for each in rates["data"]["result"]} == ASKED


def test_a_seed_is_recorded_with_its_truth(seeded: Path) -> None:
    truth = json.loads((seeded / "truth.json").read_bytes())
    (cause,) = truth["causes"]
    assert {each["name"] for each in cause["resources"]} == {"api.acquirer.example", "payment"}
    assert truth["recorded_at"] < cause["began_at"] < truth["alerts"][0]["starts_at"]
    assert (truth["calm"], truth["harms"], cause["change"]) == (False, True, None)


def test_the_shop_says_why_nobody_can_pay(seeded: Path) -> None:
    bodies = b"".join(frames(seeded / "evidence/logs.otlp.binpb.zst"))
    assert b"certificate has expired" in bodies
    assert b"charged" in bodies


def test_a_mail_goes_on_with_the_trace_of_its_order(seeded: Path) -> None:
    kinds: dict[bytes, set[int]] = {}
    for span in spans(seeded / "evidence"):
        kinds.setdefault(span.trace_id, set()).add(span.kind)
    mailed = [found for found in kinds.values() if Span.SPAN_KIND_CONSUMER in found]
    assert mailed
    assert any(Span.SPAN_KIND_PRODUCER in found for found in mailed)


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A folder that PostgreSQL's user can reach into, which pytest's own are not."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def test_a_killed_recorder_leaves_no_process_behind(reachable: Path) -> None:
    killed = recorder(reachable / "out", TMPDIR=str(reachable))
    wait_until(lambda: not daemons.free(PORTS.prometheus))
    killed.kill()
    killed.wait()
    wait_until(lambda: not daemons.taken(PORTS))


def wait_until(true: Callable[[], bool], within_s: float = 60) -> None:
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.2)
