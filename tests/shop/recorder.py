"""The far end of everything the shop emits: OTLP/HTTP and webhooks, kept exactly as they came."""

from __future__ import annotations

import json
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.shop.framing import Frames, Kept, Lines

SIGNALS = ("traces", "metrics", "logs")
LINES = {
    "/github": "github_deployments",
    "/alertmanager": "alertmanager",
    "/argocd": "argocd_applications",
    "/unleash": "unleash_events",
}
PROTOBUF = "application/x-protobuf"


@dataclass(frozen=True)
class Alert:
    """One alert of an Alertmanager delivery, with the times as Alertmanager writes them."""

    alertname: str
    service: str
    severity: str
    status: str
    starts_at: str
    ends_at: str
    received_unix_nano: int


class Archive:
    """The files of a recording while it runs; what comes before `open` or after `close` is gone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, Kept] = {}
        self._alerted = threading.Condition()
        self.alerts: list[Alert] = []

    def open(self, folder: Path) -> None:
        """Begin to keep, in `folder`."""
        with self._lock:
            for signal in SIGNALS:
                bodies = Frames(folder / f"{signal}.otlp.binpb.zst")
                arrived = folder / f"{signal}.otlp.arrivals.jsonl"
                self._kept[f"/v1/{signal}"] = Kept(bodies, arrived)
            for path, name in LINES.items():
                arrived = folder / f"{name}.arrivals.jsonl"
                self._kept[path] = Kept(Lines(folder / f"{name}.jsonl"), arrived)

    def close(self) -> None:
        """Stop keeping and close every file."""
        with self._lock:
            for kept in self._kept.values():
                kept.close()
            self._kept.clear()

    def take(self, path: str, body: bytes) -> None:
        """Keep one body; raises ValueError when it cannot be kept as it is."""
        now = time.time_ns()
        with self._lock:
            if path not in self._kept:
                return
            self._kept[path].append(body, now)
        if path == "/alertmanager":
            self._notice(json.loads(body), now)

    def await_alert(self, within_s: float) -> Alert | None:
        """Wait for the first firing alert; None when none came in time."""
        with self._alerted:
            self._alerted.wait_for(self._first_firing, within_s)
            return self._first_firing()

    def _first_firing(self) -> Alert | None:
        return next((alert for alert in self.alerts if alert.status == "firing"), None)

    def _notice(self, delivery: dict[str, Any], now: int) -> None:
        with self._alerted:
            for alert in delivery["alerts"]:
                self.alerts.append(read_alert(alert, now))
            self._alerted.notify_all()


def read_alert(alert: dict[str, Any], received_unix_nano: int) -> Alert:
    """Read one alert of an Alertmanager webhook body."""
    labels = alert["labels"]
    return Alert(
        alertname=labels["alertname"],
        service=labels.get("service", ""),
        severity=labels.get("severity", ""),
        status=alert["status"],
        starts_at=alert["startsAt"],
        ends_at=alert["endsAt"],
        received_unix_nano=received_unix_nano,
    )


class Recorder:
    """The loopback server in front of an archive, in a thread of its own."""

    def __init__(self, archive: Archive, port: int) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", port), handler(archive))
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


def handler(archive: Archive) -> type[BaseHTTPRequestHandler]:
    """Give the request handler that fills `archive`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle(self) -> None:
            """Serve a connection; a sender that was stopped may break it off."""
            with suppress(ConnectionResetError):
                super().handle()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding", "identity") != "identity":
                return self.answer(415, "text/plain", b"send it uncompressed")
            try:
                archive.take(self.path, body)
            except ValueError as error:
                return self.answer(400, "text/plain", str(error).encode())
            if self.path.startswith("/v1/"):
                # an empty Export*ServiceResponse: everything was accepted
                return self.answer(200, PROTOBUF, b"")
            return self.answer(200, "application/json", b"{}")

        def answer(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            """Stay silent: the recording is the log."""

    return Handler
