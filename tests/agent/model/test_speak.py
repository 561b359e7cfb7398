"""One call of a model: paid for once, traced, bounded, and tried again where that may help."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from agent.budget import Budget, BudgetSpent, Meter, Spent
from agent.errors import ModelError
from agent.model import speak
from agent.model.provider import Model, open_model
from agent.model.speak import Speaker
from lake.store import Lake
from tests.models import Call, Json, ModelServer, Reply, Script, model_server
from tests.models.behaviours import (
    at_first,
    fails,
    gibberish,
    limited,
    stalls,
    stops_in_the_middle,
    trickles,
)
from traces.root import error_type
from traces.tracer import Tracing

SECRET = "sk" + "-proj-" + "a1B2" * 10
ASKED = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What broke?"}]
TOOL = {"type": "function", "function": {"name": "edges", "description": "", "parameters": {}}}


def well(_: Json) -> Reply:
    return Reply("It was payment.")


@dataclass
class Kept:
    """A journal in memory."""

    answers: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    spent: list[Spent] = field(default_factory=list)

    def recall(self, digest: str) -> Mapping[str, Any] | None:
        return self.answers.get(digest)

    def keep(self, digest: str, answer: Mapping[str, Any], spent: Spent) -> None:
        json.dumps(answer)
        self.answers[digest] = answer
        self.spent.append(spent)

    def note(self, spent: Spent) -> None:
        self.spent.append(spent)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speak, "_WAIT_S", 0.01)
    monkeypatch.setenv("OPENAI_API_KEY", "of-the-test")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "of-the-test")


@contextmanager
def speaking(
    lake: Lake,
    *scripts: Script,
    provider: str = "openai",
    patience_s: float = 20.0,
    meter: Meter | None = None,
    journal: Kept | None = None,
) -> Iterator[tuple[Speaker, ModelServer, Tracing]]:
    with (
        model_server(*scripts) as server,
        pytest.MonkeyPatch.context() as patch,
        Tracing(lake, "test") as tracing,
    ):
        patch.setenv("OPENAI_BASE_URL", server.url)
        patch.setenv("ANTHROPIC_BASE_URL", server.url.removesuffix("/v1"))
        model: Model = open_model(f"{provider}:scripted-1", patience_s)
        yield Speaker(model, tracing, meter or Meter(), journal), server, tracing


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_text_and_tool_calls_come_back_the_same_whoever_is_asked(lake: Lake, provider: str) -> None:
    both = Reply("Let me see.", calls=(Call("edges", {"service": "cart"}), Call("edges")))
    with speaking(lake, lambda _: both, provider=provider) as (speaker, server, tracing):
        reply = speaker.say(ASKED, [TOOL])
        cost = tracing.cost()
    assert reply.text == "Let me see."
    assert [(c.name, c.arguments) for c in reply.calls] == [
        ("edges", {"service": "cart"}),
        ("edges", {}),
    ]
    assert (cost.calls, cost.input_tokens) == (1, server.used.prompt)
    assert cost.output_tokens == server.used.completion
    assert "traceparent" in {name.lower() for name in server.exchanges[0].headers}
    assert tracing.trace_id in str(server.exchanges[0].headers)


def test_the_answers_message_goes_on_with_the_dialogue(lake: Lake) -> None:
    asks = Reply(calls=(Call("edges", {"service": "cart"}),))
    with speaking(lake, lambda _: asks, well) as (speaker, server, _):
        first = speaker.say(ASKED, [TOOL]).as_message()
        result = {"role": "tool", "tool_call_id": first["tool_calls"][0]["id"], "content": "none"}
        assert speaker.say([*ASKED, first, result], [TOOL]).text == "It was payment."
    assert [m["role"] for m in server.asked[1]["messages"]] == [
        "system",
        "user",
        "assistant",
        "tool",
    ]


def test_what_looks_like_a_secret_is_not_sent(lake: Lake) -> None:
    with speaking(lake, well) as (speaker, server, _):
        speaker.say([*ASKED, {"role": "user", "content": f"the key is {SECRET}"}])
    assert SECRET.encode() not in server.exchanges[0].sent
    assert b"[redacted:" in server.exchanges[0].sent


def test_what_anthropic_may_cache_is_marked(lake: Lake) -> None:
    with speaking(lake, well, provider="anthropic") as (speaker, server, _):
        speaker.say(ASKED, [TOOL])
    assert b'"cache_control"' in server.exchanges[0].sent


@pytest.mark.parametrize("ill", [limited(), limited("0"), fails(500), fails(529)])
def test_who_says_try_again_is_tried_again_and_every_try_counts(lake: Lake, ill: Script) -> None:
    journal = Kept()
    meter = Meter()
    with speaking(lake, at_first(2, ill, well), meter=meter, journal=journal) as (
        speaker,
        server,
        _,
    ):
        assert speaker.say(ASKED).text == "It was payment."
    assert len(server.exchanges) == meter.spent().calls == sum(s.calls for s in journal.spent) == 3


@pytest.mark.parametrize(
    ("ill", "why", "tries"),
    [
        (limited(), "answered 429", 3),
        (limited("3600"), "answered 429 and asks for 3600 s of patience", 1),
        (fails(401), "answered 401", 1),
        (fails(400, "context", "context_length_exceeded"), "answered 400", 1),
        (stops_in_the_middle(well), "broke the connection|in the middle", 3),
        (stops_in_the_middle(well, politely=True), "in the middle", 3),
        (gibberish(b"<html>"), "no chat completion|answered nothing|failed with", 3),
    ],
)
def test_why_there_is_no_answer_is_said_without_repeating_what_was_sent(
    lake: Lake, ill: Script, why: str, tries: int
) -> None:
    with (
        speaking(lake, ill) as (speaker, server, _),
        pytest.raises(ModelError, match=why) as caught,
    ):
        speaker.say(ASKED)
    assert len(server.exchanges) <= tries
    assert "What broke" not in str(caught.value)


@pytest.mark.parametrize("slow", [stalls, trickles])
def test_a_model_that_does_not_come_to_an_end_is_left_alone_in_time(
    lake: Lake, slow: Script
) -> None:
    began = time.monotonic()
    with (
        speaking(lake, slow, patience_s=0.5) as (speaker, _, _),
        pytest.raises(ModelError, match=r"did not answer within 0\.5 s") as caught,
    ):
        speaker.say(ASKED)
    assert error_type(caught.value) == "timeout"
    assert time.monotonic() - began < 10


def test_a_model_that_is_not_there_is_named_with_its_address_and_costs_nothing(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    meter = Meter()
    with Tracing(lake, "test") as tracing:
        speaker = Speaker(open_model("openai:scripted-1", 5.0), tracing, meter)
        with pytest.raises(ModelError, match=r"could not be reached at 127\.0\.0\.1:9"):
            speaker.say(ASKED)
    assert meter.spent().input_tokens == 0


def test_an_answer_without_an_end_is_cut_off(lake: Lake) -> None:
    endless = Reply("x" * (speak.MOST_CHARS + 1))
    with (
        speaking(lake, lambda _: endless) as (speaker, _, _),
        pytest.raises(ModelError, match="more than 200,000 characters"),
    ):
        speaker.say(ASKED)


def test_a_paid_answer_is_not_paid_for_again(lake: Lake) -> None:
    journal = Kept()
    for _ in range(2):
        with speaking(lake, well, journal=journal) as (speaker, server, tracing):
            assert speaker.say(ASKED).text == "It was payment."
            cost = tracing.cost()
        assert cost.input_tokens > 0
    assert server.exchanges == []
    assert len(journal.spent) == 1
    with speaking(lake, well, journal=journal) as (speaker, server, _):
        speaker.say([*ASKED, {"role": "user", "content": "And now?"}])
    assert len(server.exchanges) == 1


def test_past_the_budget_nothing_is_called(lake: Lake) -> None:
    with speaking(lake, well, meter=Meter(Budget(calls=1))) as (speaker, server, _):
        speaker.say(ASKED)
        with pytest.raises(BudgetSpent, match="1 calls"):
            speaker.say([*ASKED, *ASKED])
    assert len(server.exchanges) == 1


def test_an_answer_is_asked_to_be_no_longer_than_the_budget_allows(lake: Lake) -> None:
    with speaking(lake, well, meter=Meter(Budget(output_tokens=77))) as (speaker, server, _):
        speaker.say(ASKED)
    sent = server.asked[0]
    assert 77 in (sent.get("max_tokens"), sent.get("max_completion_tokens"))


@pytest.mark.parametrize(
    "given", ['{"service": 1' + "0" * 30 + "}", '{"a":' * 300 + "1" + "}" * 300]
)
def test_arguments_that_json_cannot_hold_are_kept_as_text(lake: Lake, given: str) -> None:
    journal = Kept()
    asks = Reply(calls=(Call("edges", given),))
    with speaking(lake, lambda _: asks, journal=journal) as (speaker, _, _):
        reply = speaker.say(ASKED, [TOOL])
    assert isinstance(reply.calls[0].arguments, str)
    assert len(journal.answers) == 1


def test_calls_are_numbered_through_a_dialogue_whatever_the_provider_calls_them(
    lake: Lake,
) -> None:
    asks = Reply(calls=(Call("edges", {}, "call_x7Kq2mNf9ZpLr4Tw8Vb1"), Call("edges", {"a": 1})))
    with speaking(lake, lambda _: asks) as (speaker, server, _):
        first = speaker.say(ASKED, [TOOL]).as_message()
        told = [{"role": "tool", "tool_call_id": f"c{n}", "content": "none"} for n in (1, 2)]
        second = speaker.say([*ASKED, first, *told], [TOOL])
    assert [call.id for call in second.calls] == ["c3", "c4"]
    assert [c["id"] for c in server.asked[1]["messages"][2]["tool_calls"]] == ["c1", "c2"]


@pytest.mark.parametrize("politely", [True, False])
def test_an_answer_that_broke_off_was_paid_for_and_a_refusal_was_not(
    lake: Lake, *, politely: bool
) -> None:
    long = lambda _: Reply("It was payment. " * 40)  # noqa: E731 - a script
    broken = stops_in_the_middle(long, politely=politely)
    for script, paid in ((broken, True), (limited("0"), False), (fails(401), False)):
        meter = Meter()
        with (
            speaking(lake, script, meter=meter) as (speaker, _, _),
            pytest.raises(ModelError),
        ):
            speaker.say(ASKED)
        spent = meter.spent()
        assert (spent.input_tokens > 0, spent.output_tokens > 0) == (paid, paid)
        assert spent.calls > 0


def test_what_anthropic_wrote_to_its_cache_is_counted() -> None:
    told = {"cache_creation": 0, "ephemeral_5m_input_tokens": 10_000, "cache_read": 5}
    assert speak._written(told) == 10_000
    assert speak._written({"cache_read": 5}) is None


def test_of_a_dialogue_anthropic_may_cache_what_was_said_last_and_of_one_question_nothing(
    lake: Lake,
) -> None:
    last = {"role": "tool", "tool_call_id": "c1", "content": "none"}
    marked = speak._with_cache_marks([*ASKED, last])
    assert [isinstance(m["content"], list) for m in marked] == [True, False, True]
    with speaking(lake, well, provider="anthropic") as (speaker, server, _):
        speaker.say(ASKED, form={"title": "x", "type": "object", "properties": {}})
    assert b'"cache_control"' not in server.exchanges[0].sent


def test_a_run_that_was_cancelled_calls_nothing(lake: Lake) -> None:
    def stop() -> None:
        raise InterruptedError

    with speaking(lake, well) as (speaker, server, _), pytest.raises(InterruptedError):
        replace(speaker, go_on=stop).say(ASKED)
    assert server.exchanges == []
