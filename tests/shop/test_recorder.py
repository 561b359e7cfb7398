"""The recorder keeps what arrives on its socket, byte for byte."""

from __future__ import annotations

import http.client
import json
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.shop.framing import arrivals, frames
from tests.shop.recorder import Archive, Recorder

FIRING = {
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "Slow", "service": "web", "severity": "warning"},
            "startsAt": "2026-11-21T23:40:00Z",
            "endsAt": "0001-01-01T00:00:00Z",
        }
    ]
}


@pytest.fixture
def archive() -> Archive:
    return Archive()


@pytest.fixture
def port(archive: Archive) -> Iterator[int]:
    recorder = Recorder(archive, 0)
    yield recorder.port
    recorder.close()


def post(port: int, path: str, body: bytes, **headers: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request("POST", path, body, named)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


def test_bodies_are_kept_as_they_came(archive: Archive, port: int, tmp_path: Path) -> None:
    archive.open(tmp_path)
    assert post(port, "/v1/traces", b"\x0a\x00one") == 200
    assert post(port, "/v1/traces", b"\x0a\x00two") == 200
    assert post(port, "/github", b'{"action":"created"}', X_GitHub_Event="deployment") == 200
    archive.close()
    assert list(frames(tmp_path / "traces.otlp.binpb.zst")) == [b"\x0a\x00one", b"\x0a\x00two"]
    assert list(frames(tmp_path / "logs.otlp.binpb.zst")) == []
    kept = (tmp_path / "github_deployments.jsonl").read_bytes()
    assert kept == b'{"action":"created"}\n'
    came = [each.received_unix_nano for each in arrivals(tmp_path / "traces.otlp.arrivals.jsonl")]
    assert len(came) == 2
    assert came == sorted(came)


def test_a_sender_that_breaks_off_is_no_error(
    archive: Archive, port: int, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    archive.open(tmp_path)
    with socket.create_connection(("127.0.0.1", port)) as sender:
        sender.sendall(b"POST /v1/traces HTTP/1.1\r\n")
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert post(port, "/v1/traces", b"one") == 200
    archive.close()
    assert not capfd.readouterr().err


def test_before_and_after_nothing_is_kept(archive: Archive, port: int, tmp_path: Path) -> None:
    assert post(port, "/v1/traces", b"early") == 200
    archive.open(tmp_path)
    archive.close()
    assert post(port, "/v1/traces", b"late") == 200
    assert list(frames(tmp_path / "traces.otlp.binpb.zst")) == []


def test_what_cannot_be_kept_as_it_is_is_refused(
    archive: Archive, port: int, tmp_path: Path
) -> None:
    archive.open(tmp_path)
    assert post(port, "/v1/traces", b"zipped", Content_Encoding="gzip") == 415
    assert post(port, "/github", b"{\n}") == 400
    archive.close()


def test_a_firing_alert_is_noticed(archive: Archive, port: int, tmp_path: Path) -> None:
    archive.open(tmp_path)
    assert archive.await_alert(within_s=0) is None
    assert post(port, "/alertmanager", json.dumps(FIRING).encode()) == 200
    alert = archive.await_alert(within_s=10)
    archive.close()
    assert alert is not None
    assert (alert.alertname, alert.service, alert.status) == ("Slow", "web", "firing")
