"""GitHub's API on loopback, as far as a check of a pull request sees it, and its refusals.

Shapes, pages, Link headers and words of refusal are those of https://docs.github.com/en/rest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

Json = dict[str, Any]

BOT = "github-actions[bot]"
REPO = "shop/shop"
HEAD, BASE = "3f2c1aa" + "0" * 33, "b" * 40
TOKEN = "token-of-the-workflow"  # noqa: S105 - known to this server alone


@dataclass
class Refusal:
    """What the next request that fits gets instead of its answer; `done` if it is obeyed first."""

    method: str
    path: str
    status: int
    headers: Json = field(default_factory=dict)
    message: str = "Server Error"
    done: bool = False


@dataclass
class Hub:
    """What the server holds, and what it was asked."""

    files: list[Json] = field(default_factory=list)
    comments: list[Json] = field(default_factory=list)
    commits: dict[str, list[str]] = field(default_factory=dict)
    title: str = "Lower the time-out"
    logins: dict[str, str] = field(default_factory=lambda: {TOKEN: BOT})
    may_write: bool = True
    most_files: int = 3000
    refusals: list[Refusal] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    api: str = ""

    def change(self, *paths: str, status: str = "modified") -> None:
        """Let the pull request change these files."""
        self.files += [{"sha": "0" * 40, "filename": path, "status": status} for path in paths]

    def say(self, login: str, body: str) -> Json:
        """Put a comment of someone's on the pull request."""
        number = 1 + max((comment["id"] for comment in self.comments), default=1000)
        self.comments.append({"id": number, "user": {"login": login}, "body": body})
        return self.comments[-1]

    def made(self, method: str) -> int:
        """How many requests of a method there were."""
        return sum(asked == method for asked, _ in self.asked)


@contextmanager
def serving(**holding: Any) -> Iterator[Hub]:
    """Serve a hub until the end of the `with`."""
    hub = Hub(**holding)
    handler = type("Bound", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    hub.api = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def do_PATCH(self) -> None:
        self._serve("PATCH")

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - its name there
        """Stay quiet."""

    def _serve(self, method: str) -> None:
        path = urlsplit(self.path).path
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.hub.asked.append((method, self.path))
        refusal = self._refusal(method, path)
        if refusal and not refusal.done:
            self._answer(refusal.status, {"message": refusal.message}, refusal.headers)
            return
        status, answer, headers = self._answered(method, path, json.loads(body or b"null"))
        if refusal:
            status, answer, headers = refusal.status, {"message": refusal.message}, {}
        self._answer(status, answer, headers)

    def _refusal(self, method: str, path: str) -> Refusal | None:
        for refusal in self.hub.refusals:
            if refusal.method == method and re.search(refusal.path, path):
                self.hub.refusals.remove(refusal)
                return refusal
        return None

    def _answered(self, method: str, path: str, sent: Any) -> tuple[int, Any, Json]:
        login = self.hub.logins.get(self.headers.get("authorization", "").removeprefix("Bearer "))
        if login is None:
            return 401, {"message": "Bad credentials"}, {}
        if (method, path) == ("POST", "/graphql"):
            return 200, {"data": {"viewer": {"login": login}}}, {}
        if method != "GET" and not self.hub.may_write:
            return 403, {"message": "Resource not accessible by integration"}, {}
        known = re.fullmatch(rf"/repos/{REPO}/(.+)", path)
        return self._resource(method, known[1] if known else "", login, sent)

    def _resource(self, method: str, path: str, login: str, sent: Any) -> tuple[int, Any, Json]:
        hub = self.hub
        match [method, *path.split("/")]:
            case ["GET", "pulls", "7"]:
                return 200, self._pull(), {}
            case ["GET", "pulls", "7", "files"]:
                return self._page(hub.files[: hub.most_files])
            case ["GET", "commits", sha] if sha in hub.commits:
                files = [{"filename": path, "status": "modified"} for path in hub.commits[sha]]
                return 200, {"sha": sha, "files": files}, {}
            case ["GET", "issues", "7", "comments"]:
                return self._page(hub.comments)
            case ["POST", "issues", "7", "comments"]:
                return self._written(sent["body"], hub.say(login, ""), 201)
            case ["PATCH", "issues", "comments", number]:
                ours = next((c for c in hub.comments if str(c["id"]) == number), None)
                if ours and ours["user"]["login"] == login:
                    return self._written(sent["body"], ours, 200)
        return 404, {"message": "Not Found"}, {}

    def _written(self, body: str, comment: Json, status: int) -> tuple[int, Any, Json]:
        if len(body) > 65_536:
            return 422, {"message": "Validation Failed"}, {}
        comment["body"] = body
        return status, comment, {}

    def _pull(self) -> Json:
        return {
            "number": 7,
            "title": self.hub.title,
            "changed_files": len(self.hub.files),
            "base": {"sha": BASE, "ref": "main"},
            "head": {"sha": HEAD, "ref": '";id>pwned;"'},
        }

    def _page(self, items: list[Json]) -> tuple[int, Any, Json]:
        asked = parse_qs(urlsplit(self.path).query)
        size = min(int(asked.get("per_page", ["30"])[0]), 100)
        page = int(asked.get("page", ["1"])[0])
        path = urlsplit(self.path).path
        further = f'<{self.hub.api}{path}?per_page={size}&page={page + 1}>; rel="next"'
        headers = {"Link": further} if page * size < len(items) else {}
        return 200, items[(page - 1) * size : page * size], headers

    def _answer(self, status: int, answer: Any, headers: Json) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": len(body)}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body)
