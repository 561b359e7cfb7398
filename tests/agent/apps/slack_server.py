"""Slack on this machine: Web API and Socket Mode, as strict as Slack is about what it is sent.

https://docs.slack.dev/apis/web-api and https://docs.slack.dev/apis/events-api/using-socket-mode
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Thread
from typing import Any, Self, cast
from urllib.parse import parse_qsl, urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

BOT_TOKEN, APP_TOKEN = "xoxb-the-bot", "xapp-the-app"
BOT, CHANNEL = "U0INQUEST", "C0ALERTS"
MOST_BLOCKS, MOST_TEXT, MOST_IN_ALL, MOST_UPDATED = 50, 3000, 13_200, 4000
PATIENCE_S = 120

Json = dict[str, Any]


@dataclass(frozen=True)
class Call:
    """One request to the Web API and what it was answered, at `at` on the monotonic clock."""

    method: str
    given: Json
    answer: Json
    at: float


@dataclass
class SlackServer:
    """A workspace with one bot; use it as a context manager."""

    messages: dict[str, Json] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    acked: set[str] = field(default_factory=set)
    connections: list[ServerConnection] = field(default_factory=list)
    refusals: dict[str, list[tuple[int, Json, dict[str, str]]]] = field(default_factory=dict)
    changed: Condition = field(default_factory=Condition)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _stack: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        """Listen on two free ports of this machine."""
        handler = type("Handler", (_Handler,), {"slack": self})
        web = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        socket = serve(self._converse, "127.0.0.1", 0)
        for server, every_s in ((web, (0.02,)), (socket, ())):
            thread = Thread(target=server.serve_forever, args=every_s)
            thread.start()
            self._stack.callback(thread.join)
            self._stack.callback(server.shutdown)
        self._stack.callback(web.server_close)
        self.url = f"http://127.0.0.1:{web.server_port}/api/"
        self._socket_url = f"ws://127.0.0.1:{socket.socket.getsockname()[1]}/link?ticket=1"
        return self

    def __exit__(self, *_: object) -> None:
        """Hang up and stop."""
        self._stack.close()

    # what a test does

    def say(self, ts: str, **message: Any) -> str:
        """Somebody posts a message."""
        with self.changed:
            self.messages[ts] = {"ts": ts, "edits": [], **message}
        return ts

    def event(self, words: str, thread: str = "", **more: Any) -> Json:
        """Somebody mentions the bot; what Slack makes of it."""
        number = next(self._numbers)
        event = {"type": "app_mention", "user": "U0ONCALL", "text": f"<@{BOT}> {words}"}
        event |= {"channel": CHANNEL, "ts": f"{1_900_000_000 + number}.000100"}
        event |= {"thread_ts": thread} if thread else {}
        body = {"type": "event_callback", "event_id": f"Ev{number:08d}"}
        return {**body, "event": event | more}

    def send(self, payload: Json, attempt: int = 0) -> str:
        """Send an envelope over the newest connection, and wait until it is acknowledged."""
        envelope = f"envelope-{next(self._numbers)}"
        self.wait(lambda: self.connections)
        body: Json = {"type": "events_api", "envelope_id": envelope, "payload": payload}
        body |= {"retry_attempt": attempt, "retry_reason": "timeout"} if attempt else {}
        self.connections[-1].send(json.dumps(body | {"accepts_response_payload": False}))
        self.wait(lambda: envelope in self.acked)
        return envelope

    def refresh(self) -> None:
        """Ask the client to connect anew, and hang up once it has."""
        old = self.connections[-1]
        old.send(json.dumps({"type": "disconnect", "reason": "refresh_requested"}))
        self.wait(lambda: self.connections[-1] is not old)
        old.close()

    def refuse(self, method: str, status: int = 200, error: str = "", **headers: str) -> None:
        """Answer the next call of `method` like this and not as it deserves."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.refusals.setdefault(method, []).append(
            (status, {"ok": False, "error": error or "ratelimited"}, named)
        )

    def wait(self, holds: Callable[[], Any]) -> None:
        """Wait until something holds, as it must within two minutes."""
        with self.changed:
            assert self.changed.wait_for(holds, PATIENCE_S), [c.method for c in self.calls]

    def posted(self, thread: str) -> list[Json]:
        """The bot's messages in a thread, as they are shown now."""
        return [
            message
            for message in self.messages.values()
            if message.get("user") == BOT and message.get("thread_ts") == thread
        ]

    # what Slack does

    def _converse(self, connection: ServerConnection) -> None:
        connection.send(json.dumps({"type": "hello", "num_connections": 1}))
        with self.changed:
            self.connections.append(connection)
            self.changed.notify_all()
        try:
            for said in connection:
                with self.changed:
                    self.acked.add(json.loads(said)["envelope_id"])
                    self.changed.notify_all()
        except ConnectionClosed:
            pass

    def answer(self, method: str, token: str, given: Json) -> tuple[int, Json, dict[str, str]]:
        """Answer one call of the Web API, and remember both."""
        with self.changed:
            if self.refusals.get(method):
                status, answer, headers = self.refusals[method].pop(0)
            else:
                status, answer, headers = 200, self._answered(method, token, given), {}
            self.calls.append(Call(method, given, answer, time.monotonic()))
            self.changed.notify_all()
        return status, answer, headers

    def _answered(self, method: str, token: str, given: Json) -> Json:
        wanted = APP_TOKEN if method == "apps.connections.open" else BOT_TOKEN
        methods: dict[str, Callable[[Json], Json]] = {
            "auth.test": lambda _: {"user_id": BOT, "bot_id": "B0INQUEST", "user": "inquest"},
            "apps.connections.open": lambda _: {"url": self._socket_url},
            "conversations.replies": self._replies,
            "chat.postMessage": self._post,
            "chat.update": self._update,
        }
        if token != wanted:
            return {"ok": False, "error": "invalid_auth"}
        if method not in methods:
            return {"ok": False, "error": "unknown_method"}
        answer = methods[method](given)
        return {"ok": "error" not in answer, **answer}

    def _replies(self, given: Json) -> Json:
        first = self.messages.get(given["ts"])
        return {"messages": [first]} if first else {"error": "thread_not_found"}

    def _post(self, given: Json) -> Json:
        if given["channel"] != CHANNEL:
            return {"error": "channel_not_found"}
        if fault := fault_of(given):
            return {"error": fault}
        ts = f"{2_000_000_000 + next(self._numbers)}.000200"
        self.messages[ts] = {**given, "ts": ts, "user": BOT, "edits": []}
        return {"ts": ts, "channel": CHANNEL}

    def _update(self, given: Json) -> Json:
        message = self.messages.get(given["ts"])
        if message is None or message.get("user") != BOT:
            return {"error": "message_not_found"}
        if len(given["text"]) > MOST_UPDATED:
            return {"error": "msg_too_long"}
        if fault := fault_of(given):
            return {"error": fault}
        message["edits"].append({"text": message["text"], "blocks": message["blocks"]})
        message |= {"text": given["text"], "blocks": given["blocks"]}
        return {"ts": given["ts"], "channel": CHANNEL}


class _Handler(BaseHTTPRequestHandler):
    slack: SlackServer

    def do_GET(self) -> None:
        self._answer(dict(parse_qsl(urlsplit(self.path).query)))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        is_json = "json" in self.headers.get("Content-Type", "")
        self._answer(json.loads(body or "{}") if is_json else dict(parse_qsl(body)))

    def _answer(self, given: Json) -> None:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        method = urlsplit(self.path).path.removeprefix("/api/")
        status, answer, headers = self.slack.answer(method, token, given)
        self.send_response(status)
        for name, value in ({"Content-Type": "application/json"} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def fault_of(message: Json) -> str:
    """Find what Slack would refuse in a message's blocks; nothing if it would take them.

    https://docs.slack.dev/reference/block-kit/blocks, and for all blocks together
    https://github.com/slackapi/bolt-js/issues/2509.
    """
    blocks = message.get("blocks") or []
    if len(json.dumps(blocks, ensure_ascii=False)) > MOST_IN_ALL:
        return "msg_blocks_too_long"
    if len(blocks) > MOST_BLOCKS or not all(_is_block(block) for block in blocks):
        return "invalid_blocks"
    return "" if message.get("text") or blocks else "no_text"


def _is_block(block: Json) -> bool:
    elements = block.get("elements")
    if not isinstance(elements, list) or not elements:
        return False
    if block["type"] == "context":
        return len(elements) <= 10 and all(
            one["type"] in {"plain_text", "mrkdwn"} and 1 <= len(one["text"]) <= MOST_TEXT
            for one in elements
        )
    return block["type"] == "rich_text" and all(map(_is_rich, elements))


def _is_rich(element: Json) -> bool:
    inner = cast("list[Json]", element.get("elements") or [])
    match element["type"]:
        case "rich_text_list":
            return element.get("style") in {"bullet", "ordered"} and all(
                one["type"] == "rich_text_section" and _is_rich(one) for one in inner
            )
        case "rich_text_section" | "rich_text_preformatted":
            return bool(inner) and all(map(_is_leaf, inner))
        case _:
            return False


def _is_leaf(element: Json) -> bool:
    if element["type"] == "emoji":
        return bool(element["name"])
    return (
        element["type"] == "text"
        and len(element["text"]) >= 1
        and set(element.get("style", {})) <= {"bold", "italic", "strike", "code"}
    )
