"""The shop really runs and breaks; what it emits hangs together and names the culprit.

One short, strong fault is recorded from real servers: Alertmanager fires, the evidence is ingested
and investigated. What noise may move (probabilities, times, other changes) is not asserted.
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

BASE = 28000
PORTS = daemons.Ports.from_base(BASE)
REPOSITORY = Path(__file__).parents[2]
SETTLED_S = 10

pytestmark = pytest.mark.e2e


def recorder(out: Path, **environment: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.shop.record", "quick", "--port-base", str(BASE)]
    return subprocess.Popen(
        [*command, "--out", str(out)], cwd=REPOSITORY, env={**os.environ, **environment}
    )


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("quick")
    assert recorder(out).wait(600) == 0
    return out


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
    assert {service for service, _, _ in answered} == set(FIRST_VERSIONS)
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
    assert {each["metric"]["service"] for each in rates["data"]["result"]} == set(FIRST_VERSIONS)


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
