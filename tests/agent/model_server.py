"""A model server on loopback that speaks OpenAI's chat completions and answers from a script.

https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = dict[str, Any]
USED = {"prompt_tokens": 321, "completion_tokens": 45, "total_tokens": 366}


@dataclass(frozen=True)
class Reply:
    """One scripted answer: what the model says, or a status that is no answer, or silence."""

    says: str = ""
    status: int = 200
    refuses: str | None = None
    finish: str = "stop"
    stalls: bool = False
    trickles: bool = False


Script = Callable[[Json], Reply]


@dataclass
class ModelServer:
    """The server's address, its script, and every request that it was sent.

    Each request is answered by the next of `scripts`, those after the last by the last.
    """

    url: str
    scripts: tuple[Script, ...]
    asked: list[Json] = field(default_factory=list)


@contextmanager
def model_server(*scripts: Script) -> Iterator[ModelServer]:
    """Serve until the end of the `with`."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            server.asked.append(json.loads(self.rfile.read(length)))
            said = server.scripts[: len(server.asked)][-1](server.asked[-1])
            if said.stalls:
                over.wait()
            else:
                self._send(said)

        def _send(self, said: Reply) -> None:
            body = json.dumps(_completion(said) if said.status == 200 else _error(said)).encode()
            self.send_response(said.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body) * (2 if said.trickles else 1)))
            self.end_headers()
            self.wfile.write(body if not said.trickles else b"")
            while said.trickles and not over.wait(0.02):
                self.wfile.write(b" ")
                self.wfile.flush()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    served = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.daemon_threads = True
    server = ModelServer(f"http://127.0.0.1:{served.server_port}/v1", scripts)
    thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        over.set()
        served.shutdown()
        thread.join()
        served.server_close()


def material(request: Json) -> Json:
    """The facts and steps that a request was about."""
    told: Json = json.loads(request["messages"][1]["content"])
    return told


def _completion(said: Reply) -> Json:
    message = {"role": "assistant", "content": said.says, "refusal": said.refuses}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 0,
        "model": "scripted-1",
        "choices": [{"index": 0, "message": message, "finish_reason": said.finish}],
        "usage": USED,
    }


def _error(said: Reply) -> Json:
    return {"error": {"message": said.says, "type": "server_error", "code": None, "param": None}}


def says(summary: list[Json], steps: list[Json]) -> Reply:
    """Answer in the form asked for."""
    return Reply(json.dumps({"summary": summary, "steps": steps}))


def repeats(request: Json) -> Reply:
    """Be a good model: the engine's facts in other words, and the steps the other way round."""
    facts = [fact for fact in material(request)["facts"] if "…" not in fact["text"]]
    restated = [{**fact, "text": f"In short: {fact['text']}"} for fact in facts[:3]]
    why = {"text": f"That much is known: {facts[0]['text']}", "evidence": facts[0]["evidence"]}
    steps = [{"id": step["id"], "why": why} for step in material(request)["steps"]]
    return says(restated, steps[::-1])


def obeys(*texts: str) -> Script:
    """Be a model that says `texts` in every place, citing as much as it may."""

    def script(request: Json) -> Reply:
        told = [i for fact in material(request)["facts"] for i in fact["evidence"]]
        ids = [*dict.fromkeys(told)][:6]
        said: list[Json] = [{"text": text, "evidence": ids} for text in texts]
        steps = [{"id": step["id"], "why": said[0]} for step in material(request)["steps"]]
        return says(said, [*steps, {"id": "S99", "why": said[0]}])

    return script
