"""A question's moment and service are read by a model, and used only if both stand in its words."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from langgraph.runtime import Runtime

from agent.config import Request
from agent.graph import _first
from agent.model.provider import open_model
from agent.nodes.context import Context
from agent.nodes.scope import scope
from agent.nodes.sharpen import sharpen
from agent.state import Investigation, Sharpened
from agent.tools.notebook import Notebook
from lake.store import Lake
from tests.agent.conftest import Golden
from tests.agent.nodes import prompts
from tests.agent.world import START, record
from tests.models import ModelServer, Reply, model_server
from traces.tracer import Tracing

Read = Callable[..., Investigation]
AT = START + timedelta(minutes=7)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    with Lake.create(tmp_path_factory.mktemp("sharpen") / "lake") as lake:
        record(lake)
        yield lake


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    with model_server() as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_KEY", "of-the-test")
        patch.setenv("OPENAI_BASE_URL", server.url)
        yield server


@pytest.fixture
def read(lake: Lake, server: ModelServer) -> Iterator[Read]:
    """Let a model that answers `at` and `service` read a question."""
    with Tracing(lake, "sharpen") as tracing:

        def reading(
            question: str, at: str | None = None, service: str | None = None
        ) -> Investigation:
            server.scripts = (lambda _: Reply(json.dumps({"at": at, "service": service})),)
            return sharpen({}, Runtime(context=asking(lake, tracing, question)))

        yield reading


def asking(lake: Lake, tracing: Tracing, question: str) -> Context:
    model = open_model("openai:scripted-1")
    notebook = Notebook(lake.at(), tracing)
    return Context(Request(question=question), notebook, lambda _: None, model)


def test_what_the_question_says_is_used(read: Read) -> None:
    found = read(f"why is checkout slow since {AT:%H:%M}?", AT.isoformat(), "checkout")
    assert found == {"sharpened": Sharpened(AT, "checkout")}


@pytest.mark.parametrize(
    ("question", "at", "service"),
    [
        ("why is it slow?", AT.isoformat(), "checkout"),
        ("why is checkout-v2 slow?", None, "checkout"),
        ("why is nosuch slow?", None, "nosuch"),
        (f"since {AT:%H:%M}?", f"{AT:%Y-%m-%dT%H:%M}", None),
        (f"since {AT:%H:%M}?", (AT - timedelta(days=9)).isoformat(), None),
        (f"since {AT:%H:%M}?", "yesterday", None),
        (f"since {AT:%H:%M}?", f"{AT:%Y-%m-%dT%H:%M}+00:04", None),
        (f"since {AT:%H:%M}?", f"{AT:%Y-%m-%dT%H:%M}-00:01", None),
        ("", "", ""),
    ],
)
def test_what_is_not_in_the_question_or_not_in_the_lake_is_not_used(
    read: Read, question: str, at: str | None, service: str | None
) -> None:
    assert read(question, at, service) == {"sharpened": Sharpened()}


def test_a_model_that_cannot_read_leaves_the_scope_to_the_data(
    server: ModelServer, lake: Lake
) -> None:
    with Tracing(lake, "sharpen") as tracing:
        server.scripts = (lambda _: Reply("I think it is DNS."),)
        found = sharpen({}, Runtime(context=asking(lake, tracing, "why?")))
    assert "not read by the model" in found["gaps"][0].text
    assert "sharpened" not in found


def test_what_was_read_narrows_the_scope(lake: Lake) -> None:
    with Tracing(lake, "scope") as tracing:
        context = Context(Request(question="?"), Notebook(lake.at(), tracing), lambda _: None)
        found = scope({"sharpened": Sharpened(AT, "checkout")}, Runtime(context=context))
    assert found["incident"].detected_at == AT
    assert found["incident"].services == ("checkout",)


@pytest.mark.parametrize(
    ("request_", "first"),
    [
        (Request(question="why?"), "sharpen"),
        (Request(), "scope"),
        (Request(question="why?", service="checkout"), "scope"),
        (Request(question="why?", at=datetime(2026, 1, 1, tzinfo=UTC)), "scope"),
        (Request(question="why?", whole=True), "scope"),
    ],
)
def test_a_question_is_read_only_where_nothing_else_says_when_and_where(
    lake: Lake, server: ModelServer, request_: Request, first: str
) -> None:
    assert server.url
    with Tracing(lake, "first") as tracing:
        model = open_model("openai:scripted-1")
        context = Context(request_, Notebook(lake.at(), tracing), lambda _: None, model)
        assert _first({}, Runtime(context=context)) == first


def test_what_the_model_is_asked_is_as_expected(
    read: Read, server: ModelServer, golden: Golden
) -> None:
    read("why is checkout slow since 12:07?")
    golden(Path(__file__).parent / "goldens" / "sharpen.txt", prompts.told(server.asked[-1]))
