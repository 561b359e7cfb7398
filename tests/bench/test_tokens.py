"""What a model is sent for one incident: by HolmesGPT, and by us, node by node.

Both are asked for the same on the same rows, turn by turn; a turn of either is one request.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.config import Request
from agent.investigation import investigate
from agent.model.provider import open_model
from agent.nodes.context import Means
from agent.nodes.propose import CONCLUDE
from ingest.bundle import ingest_folder
from lake.ask import bind
from lake.store import Lake
from tests.bench import holmes
from tests.bench.tokens import Count, Sent, counter, sent
from tests.models import Call, Json, Reply, model_server
from tests.models.behaviours import repeats
from tests.models.reading import offered

INCIDENTS = Path(__file__).parents[1] / "shop" / "incidents"
MOST_TURNS = 12
MOST_OF_HOLMES = 1 / 3
"""Of the tokens that it sends on its shortest course."""

_PROGRAM = holmes.program()
needs_holmes = pytest.mark.skipif(
    _PROGRAM is None,
    reason=f"HolmesGPT is not here: install holmesgpt, and name its program in {holmes.VARIABLE}",
)


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    with Lake.create(tmp_path / "lake") as lake:
        ingest_folder(lake, INCIDENTS / "bad_release" / "evidence")
        yield lake


def test_what_a_request_shares_with_an_earlier_one_is_cached_in_steps() -> None:
    words = [{"role": "user", "content": "w" * 2000}, {"role": "user", "content": "x" * 2000}]
    requests = [{"messages": words[:1]}, {"messages": words}, {"messages": words[1:]}]
    assert sent(requests, len) == Sent((2000, 4000, 2000), (0, 1920, 0))


def test_tools_form_and_calls_are_sent_too() -> None:
    call = {"id": "1", "function": {"name": "logs", "arguments": "{}"}}
    request = {"tools": [1], "response_format": {}, "messages": [{"tool_calls": [call]}]}
    assert sent([request], len).tokens == len("[1]") + len('[{"name":"logs","arguments":"{}"}]')


@needs_holmes
@pytest.mark.bench
def test_we_send_a_third_of_what_holmes_sends(
    lake: Lake, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _PROGRAM is not None
    monkeypatch.setenv("OPENAI_API_KEY", "of-the-bench")
    rule, count = counter(holmes.table(_PROGRAM))
    holmes.hand_over(lake, evidence := tmp_path / "evidence")
    told, shares = [f"\ntokens by {rule}, HolmesGPT {holmes.version(_PROGRAM)}"], []
    for course in holmes.courses(*holmes.truth(INCIDENTS / "bad_release")):
        whole = _of_holmes(course, evidence, None, count)
        frugal = _of_holmes(course, evidence, holmes.KIT / "frugal.yaml", count)
        ours, nodes = _of_us(course, lake, count, monkeypatch)
        shares.append(ours.tokens / whole.tokens)
        told += [
            course.name,
            f"  HolmesGPT as it comes  {whole}",
            f"  HolmesGPT, frugal      {frugal}",
        ]
        told += [f"  Inquest                {ours}", f"    by node: {dict(nodes)}"]
        told += [f"    {shares[-1]:.2f} and {ours.tokens / frugal.tokens:.2f} of HolmesGPT's"]
        assert ours.calls <= MOST_TURNS
    with capsys.disabled():
        sys.stdout.write("\n".join(told) + "\n")
    assert max(shares) <= MOST_OF_HOLMES


def _of_holmes(course: holmes.Course, evidence: Path, config: Path | None, count: Count) -> Sent:
    """What HolmesGPT sends on a course; each of its settings has a home of its own."""
    assert _PROGRAM is not None
    home = evidence.with_name(config.stem if config else "whole")
    question = "The shop's alerts are firing. What is the root cause?"

    def script(request: Json) -> Reply:
        asked = course.asked(request)
        calls = tuple(Call(*holmes.its_tool(question)) for question in asked)
        return Reply(
            "" if asked else "The release before the alert did it: take it back.", calls=calls
        )

    with model_server(script) as server:
        holmes.ask(_PROGRAM, question, evidence, server.url, home, config)
    assert len(server.asked) == len(course.turns) + 1
    return sent(server.asked, count)


def _of_us(
    course: holmes.Course, lake: Lake, count: Count, monkeypatch: pytest.MonkeyPatch
) -> tuple[Sent, Counter[str]]:
    """What an investigation sends to a model on the same course, and of that each node."""
    suspect = course.turns[-1][-1][1]

    def script(request: Json) -> Reply:
        if not offered(request):
            return repeats(request)
        asked = course.asked(request)
        calls = tuple(Call(*_our_tool(question)) for question in asked)
        return Reply(calls=calls or (Call(CONCLUDE, _blames(suspect)),))

    with model_server(script) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        report = investigate(lake, Request(), means=Means(open_model("openai:scripted")))
    assert report.causes[0].resource.name == suspect
    ours = sent(server.asked, count)
    return ours, _by_node(lake, report.cost.trace_id, ours)


def _our_tool(question: holmes.Question) -> tuple[str, dict[str, Any]]:
    """A question as a call of one of the tools that we offer."""
    kind, service = question
    tools: dict[str, tuple[str, dict[str, Any]]] = {
        "alerts": ("timeline", {}),
        "changes": ("changes", {}),
        "metrics": ("compare_metrics", {"service": service}),
        "logs": ("search_logs", {"service": service, "level": "warning"}),
        "traces": ("find_traces", {"service": service}),
    }
    return tools[kind]


def _blames(suspect: str) -> Json:
    """A conclusion with one hypothesis."""
    check = {"tool": "changes", "column": "service", "is_": "equal", "value": suspect}
    return {"hypotheses": [{"resource": suspect, "mechanism": "deploy", "check": check}]}


def _by_node(lake: Lake, trace: str, ours: Sent) -> Counter[str]:
    """The tokens of each node: spans are in the order of the requests."""
    chats = Path(__file__).with_name("chats.sql").read_text("utf-8")
    rows = lake.at().ask(bind(chats, trace=trace)).dicts()
    nodes = Counter[str]()
    for row, tokens in zip(rows, ours.requests, strict=True):
        nodes[row["node"]] += tokens
    return nodes
