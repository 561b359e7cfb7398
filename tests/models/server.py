"""A model server on loopback that speaks OpenAI's and Anthropic's protocol and answers by a script.

It counts tokens by one honest rule: a quarter of the characters, of all that was sent and said. A
prompt that begins as an earlier one did is cached so far, in the steps of OpenAI's own cache.
"""

from __future__ import annotations

import json
import sys
import threading
from bisect import bisect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from string import ascii_letters, digits

from tests.models.wire import PROTOCOLS, Anthropic, Json, OpenAI, Reply, Usage

CHARACTERS_A_TOKEN = 4
CACHED_FROM, CACHED_BY = 1024, 128  # https://platform.openai.com/docs/guides/prompt-caching

Script = Callable[[Json], Reply]


@dataclass(frozen=True)
class Exchange:
    """One request as it came, and what it was answered."""

    path: str
    headers: dict[str, str]
    sent: bytes
    said: Reply
    used: Usage


@dataclass
class ModelServer:
    """The server's address, its script, and every request that it was sent, in OpenAI's shape.

    Each request is answered by the next of `scripts`, those after the last by the last. A prompt
    of more tokens than `context` is refused as its protocol does.
    """

    url: str
    scripts: tuple[Script, ...]
    context: int = 1_000_000
    asked: list[Json] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)
    prompts: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def used(self) -> Usage:
        """The tokens of all answers."""
        paid = [exchange.used for exchange in self.exchanges if exchange.said.status == 200]
        return Usage(
            sum(used.prompt for used in paid),
            sum(used.completion for used in paid),
            sum(used.cached for used in paid),
        )

    def answered(self, path: str, headers: dict[str, str], sent: bytes) -> tuple[Json, Exchange]:
        """What a request gets, and the note that is kept of it."""
        spoken = protocol(path)
        asked = spoken.request(json.loads(sent))
        with self.lock:
            self.asked.append(asked)
            number = len(self.asked)
            script = self.scripts[:number][-1]
            prompt = _prompt(asked)
            cached = max((_common(prompt, earlier) for earlier in self.prompts), default=0)
            self.prompts.append(prompt)
        if tokens(prompt) > self.context:
            status, code, words = spoken.overflow
            said = Reply(words, status, code=code)
        else:
            said = script(asked)
        calls = (replace(c, id=c.id or _call_id(number, n)) for n, c in enumerate(said.calls))
        said = replace(said, calls=tuple(calls))
        exchange = Exchange(path, headers, sent, said, _usage(prompt, said, cached))
        with self.lock:
            self.exchanges.append(exchange)
        return asked, exchange


@contextmanager
def model_server(*scripts: Script, context: int = 1_000_000) -> Iterator[ModelServer]:
    """Serve until the end of the `with`."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.close_connection = True
            sent = self.rfile.read(int(self.headers["Content-Length"]))
            asked, exchange = server.answered(self.path, dict(self.headers), sent)
            if exchange.said.stalls:
                over.wait()
            elif exchange.said.is_streamed and json.loads(sent).get("stream"):
                self._stream(exchange, json.loads(sent))
            else:
                self._send(exchange, asked["model"])

        def _send(self, exchange: Exchange, model: str) -> None:
            said, body = exchange.said, _body(exchange, model)
            half = len(body) // 2
            self._begin(said, "application/json")
            length = half if said.cut == "politely" else len(body) * (2 if said.trickles else 1)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(b"" if said.trickles else body[:half] if said.cut else body)
            while said.trickles and not over.wait(0.02):
                self.wfile.write(b" ")
                self.wfile.flush()

        def _stream(self, exchange: Exchange, sent: Json) -> None:
            said = exchange.said
            events = [*protocol(self.path).events(said, exchange.used, sent)]
            self._begin(said, "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for event in events[: len(events) // 2] if said.cut or said.trickles else events:
                self._chunk(event)
            while said.trickles and not over.wait(0.02):
                self._chunk(b": still here\n\n")
            if said.cut != "rudely":
                self._chunk(b"")

        def _chunk(self, data: bytes) -> None:
            self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
            self.wfile.flush()

        def _begin(self, said: Reply, kind: str) -> None:
            self.send_response(said.status)
            headers = {"Content-Type": kind, "Connection": "close", **said.headers}
            for name, value in headers.items():
                self.send_header(name, value)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    served = _Quiet(("127.0.0.1", 0), Handler)
    server = ModelServer(f"http://127.0.0.1:{served.server_port}/v1", scripts, context)
    thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        over.set()
        served.shutdown()
        thread.join()
        served.server_close()


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a client that has hung up; that is its right."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]  # typeshed's own


def protocol(path: str) -> type[OpenAI | Anthropic]:
    """The protocol that is spoken at a path."""
    return next(one for one in PROTOCOLS if path.partition("?")[0] == one.path)


def _call_id(request: int, place: int) -> str:
    """The id of a tool call as providers make them, which looks like a secret."""
    letters = Random(f"{request} {place}").choices(ascii_letters + digits, k=24)
    return f"call_{''.join(letters)}"


def tokens(text: str) -> int:
    """How many tokens a text is."""
    return -(-len(text) // CHARACTERS_A_TOKEN)


def _body(exchange: Exchange, model: str) -> bytes:
    said, spoken = exchange.said, protocol(exchange.path)
    if said.raw is not None:
        return said.raw
    if said.status != 200:
        return json.dumps(spoken.error(said)).encode()
    return json.dumps(spoken.answer(said, exchange.used, model)).encode()


def _prompt(asked: Json) -> str:
    """All that is counted of a request, what stays the same first."""
    parts = (asked.get("tools"), asked.get("response_format"), *asked["messages"])
    return "\n".join(json.dumps(part) for part in parts if part)


def _common(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    return bisect(range(1, min(len(one), len(other)) + 1), 0, key=lambda n: one[:n] != other[:n])


def _usage(prompt: str, said: Reply, common: int) -> Usage:
    cached = common // CHARACTERS_A_TOKEN // CACHED_BY * CACHED_BY
    completion = sum(map(len, (said.says, said.refuses or "")))
    completion += sum(len(call.name) + len(call.text) for call in said.calls)
    return Usage(
        tokens(prompt),
        -(-completion // CHARACTERS_A_TOKEN),
        cached if cached >= CACHED_FROM else 0,
    )
