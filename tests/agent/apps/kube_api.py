"""As much of Kubernetes' API on loopback as the real kubectl wants in order to list things.

https://kubernetes.io/docs/reference/using-api/api-concepts/
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

Json = dict[str, Any]


@dataclass
class Cluster:
    """What the server holds by kind, what pods have logged, and what it was asked."""

    objects: dict[str, list[Json]] = field(default_factory=dict)
    logs: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)

    def answer(self, path: str) -> Json | str | None:
        """Give what stands at a path; None if nothing does."""
        if path == "/version":
            return {"major": "1", "minor": "32", "gitVersion": "v1.32.4"}
        if path == "/api":
            return {"kind": "APIVersions", "versions": ["v1"]}
        if path == "/apis":
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": []}
        if path == "/api/v1":
            resources = [_resource(kind) for kind in sorted(self.objects)]
            return {"kind": "APIResourceList", "groupVersion": "v1", "resources": resources}
        words = path.removeprefix("/api/v1/").split("/")
        if words[0] == "namespaces" and len(words) > 2:
            words = words[2:]
        if words[-1] == "log":
            return self.logs.get(words[1], "")
        found = self.objects.get(words[0])
        if found is None:
            return None
        if len(words) > 1:
            return next((each for each in found if each["metadata"]["name"] == words[1]), None)
        kind = f"{_resource(words[0])['kind']}List"
        return {"kind": kind, "apiVersion": "v1", "metadata": {}, "items": found}


def _resource(plural: str) -> Json:
    kind = plural.removesuffix("s").capitalize()
    told = {"name": plural, "singularName": kind.lower(), "namespaced": plural != "nodes"}
    return told | {"kind": kind, "verbs": ["get", "list"]}


@contextmanager
def served(cluster: Cluster, config: Path) -> Iterator[None]:
    """Serve a cluster, and write into `config` how kubectl finds it."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            path = urlsplit(self.path).path
            cluster.asked.append((self.command, path))
            found = cluster.answer(path.rstrip("/"))
            is_text = isinstance(found, str)
            status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 404}
            body = found if is_text else json.dumps(status if found is None else found)
            self.send_response(404 if found is None else 200)
            self.send_header("Content-Type", "text/plain" if is_text else "application/json")
            self.send_header("Content-Length", str(len(str(body).encode())))
            self.end_headers()
            self.wfile.write(str(body).encode())

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815  # the name that the API has

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        url = f"http://127.0.0.1:{server.server_port}"
        named = {"name": "it", "cluster": {"server": url}}
        context = {"name": "it", "context": {"cluster": "it", "user": "it"}}
        users = [{"name": "it", "user": {}}]
        told: Json = {"apiVersion": "v1", "kind": "Config", "current-context": "it"}
        told |= {"clusters": [named], "contexts": [context], "users": users}
        config.write_text(json.dumps(told), encoding="utf-8")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()
