"""What lies outside the shop: partners behind TLS, and the name server that knows them.

`python -m tests.shop.outside RUN PORT RESOLVER`; `RUN/outside.json` says how they fare just now:
`{"names": {name: "servfail" | "nxdomain" | "silent"}, "delays": {name: seconds}}`.
"""

from __future__ import annotations

import json
import random
import socket
import ssl
import struct
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.shop.services.names import QUESTION

STATE = "outside.json"
ANSWERED = 0x8180
FAILED = {"servfail": 2, "nxdomain": 3}
HANDSHAKE_WITHIN_S = 10


@dataclass(frozen=True)
class Work:
    """How long a partner takes for something (log-normal), and how often it says another status."""

    median_s: float
    sigma: float
    status: int
    other: int = 0
    how_often: float = 0.0


@dataclass(frozen=True)
class Partner:
    """A company the shop calls: its name, its own address on loopback, how much it does at once."""

    name: str
    address: str
    at_once: int
    works: dict[str, Work]


PARTNERS = (
    Partner(
        "api.acquirer.example",
        "127.0.0.2",
        32,
        {
            "/charges": Work(0.11, 0.45, status=201, other=402, how_often=0.04),
            "/tokens": Work(0.65, 0.35, status=201),
        },
    ),
    Partner(
        "api.carrier.example",
        "127.0.0.3",
        2,
        {
            "/quotes": Work(0.02, 0.4, status=200, other=503, how_often=0.004),
            "/estimates": Work(0.2, 0.3, status=200),
        },
    ),
    Partner("api.post.example", "127.0.0.4", 32, {"/mails": Work(0.05, 0.3, status=202)}),
)


class State:
    """How the outside fares, read again whenever its file has changed."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def of(self, what: str, name: str) -> Any:
        """Give what the file says of a partner; None when it is well."""
        try:
            return json.loads(self._file.read_text(encoding="utf-8")).get(what, {}).get(name)
        except FileNotFoundError:
            return None


class Certificate:
    """A partner's certificate as it is on disk at each handshake."""

    def __init__(self, folder: Path, name: str) -> None:
        self._chain, self._key = folder / f"{name}.pem", folder / f"{name}.key"
        self._lock = threading.Lock()
        self._read_at = 0
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)

    def context(self) -> ssl.SSLContext:
        """Give what a handshake needs."""
        with self._lock:
            changed_at = self._chain.stat().st_mtime_ns
            if changed_at != self._read_at:
                self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                self._context.load_cert_chain(self._chain, self._key)
                self._read_at = changed_at
            return self._context


class Server(ThreadingHTTPServer):
    """One partner's server."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, partner: Partner, port: int, state: State, authority: Path) -> None:
        self._certificate = Certificate(authority, partner.name)
        super().__init__((partner.address, port), handler(partner, state))

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Shake hands, then serve; who does not trust us hangs up, and that is no error here."""
        request.settimeout(HANDSHAKE_WITHIN_S)
        with (
            suppress(OSError),
            self._certificate.context().wrap_socket(request, server_side=True) as secured,
        ):
            super().finish_request(secured, client_address)


def handler(partner: Partner, state: State) -> type[BaseHTTPRequestHandler]:
    """Give what answers a partner's requests."""
    places = threading.Semaphore(partner.at_once)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            work = partner.works.get(self.path)
            if work is None:
                self._answer(404)
                return
            with places:
                time.sleep(work.median_s * random.lognormvariate(0, work.sigma))
            time.sleep(state.of("delays", partner.name) or 0)
            self._answer(work.other if random.random() < work.how_often else work.status)

        def _answer(self, status: int) -> None:
            body = b"{}"
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *said: Any) -> None:
            pass

    return Handler


def serve_names(port: int, state: State) -> None:
    """Answer questions for the partners' addresses, for ever."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plug:
        plug.bind(("127.0.0.1", port))
        while True:
            packet, sender = plug.recvfrom(512)
            reply = answer(packet, state)
            if reply:
                plug.sendto(reply, sender)


def answer(packet: bytes, state: State) -> bytes | None:
    """Give the reply to a query for an address, after RFC 1035, section 4.1; None is silence."""
    number = packet[:2]
    asked = packet[QUESTION.size :]
    name = name_of(asked)
    how = state.of("names", name)
    known = {partner.name: partner.address for partner in PARTNERS}.get(name)
    if how == "silent":
        return None
    if how or known is None:
        code = FAILED[how or "nxdomain"]
        return number + struct.pack(">HHHHH", ANSWERED | code, 1, 0, 0, 0) + asked
    record = struct.pack(">HHHIH", 0xC00C, 1, 1, 5, 4) + socket.inet_aton(known)
    return number + struct.pack(">HHHHH", ANSWERED, 1, 1, 0, 0) + asked + record


def name_of(asked: bytes) -> str:
    """Read the name at the beginning of a question."""
    labels, at = [], 0
    while length := asked[at]:
        labels.append(asked[at + 1 : at + 1 + length].decode("ascii"))
        at += 1 + length
    return ".".join(labels)


def main() -> None:
    """Serve until told to end."""
    run, port, resolver = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    state = State(run / STATE)
    for partner in PARTNERS:
        server = Server(partner, port, state, run / "authority")
        threading.Thread(target=server.serve_forever, daemon=True).start()
    serve_names(resolver, state)


if __name__ == "__main__":
    main()
