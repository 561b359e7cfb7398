"""One call of a model: budget, journal, span, time and retries are kept here and nowhere else.

What is sent is redacted first, and only here. A call that was paid for by a killed run is answered
from its journal. What comes back is plain data: text, tool calls, and what it used.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Any, Protocol

import orjson
from tenacity import RetryCallState, Retrying, retry_if_exception_type

from agent.budget import Meter, Spent, estimated_tokens
from agent.errors import ModelError
from agent.model.prices import usd
from agent.model.provider import Model
from agent.redaction import redacted
from traces.chat import ChatRequest, ChatResponse
from traces.tracer import Tracing

MOST_CHARS = 200_000
"""Characters after which an answer is cut off: no answer asked for here is near that long."""

LISTENER = "listens to a model"
"""The name of the threads that do; one that was given up may outlive its call."""

_ATTEMPTS = 3
_WAIT_S = 1.0
_TRY_AGAIN = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_IN_FULL = frozenset({"openai", "anthropic"})
"""Whose clients take headers and a cap on each call, and always say why an answer ends."""

_NO_COMPLETION = (AssertionError, AttributeError, KeyError, TypeError, ValueError)
"""What clients raise that were sent something else altogether."""

_LOST = re.compile("ConnectionError|ConnectError|RemoteProtocolError")

Message = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """A tool that a model asks for; `arguments` is its text where that is no JSON object."""

    id: str
    name: str
    arguments: Mapping[str, Any] | str


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model said: text, the tools it asks for, and why it ended."""

    text: str = ""
    calls: tuple[Call, ...] = ()
    finish: str = ""

    def as_message(self) -> dict[str, Any]:
        """The reply as a message of the dialogue that goes on with it."""
        message: dict[str, Any] = {"role": "assistant", "content": self.text}
        if self.calls:
            message["tool_calls"] = [_as_sent(call) for call in self.calls]
        return message


class Journal(Protocol):
    """Where paid answers are kept, so that a run that goes on after a kill pays for none twice."""

    def recall(self, digest: str) -> Mapping[str, Any] | None:
        """The answer of this run to a request, if it was kept."""

    def keep(self, digest: str, answer: Mapping[str, Any], spent: Spent) -> None:
        """Keep an answer, on the disk when this returns, and count what it took."""

    def note(self, spent: Spent) -> None:
        """Count a call that brought no answer."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """A model in one investigation: its budget, its trace, its journal, and whether to go on.

    `go_on` raises what stops a run that was cancelled.
    """

    model: Model
    tracing: Tracing
    meter: Meter = field(default_factory=Meter)
    journal: Journal | None = None
    go_on: Callable[[], None] = lambda: None

    def say(
        self,
        messages: Sequence[Message],
        tools: Sequence[Mapping[str, Any]] = (),
        form: Mapping[str, Any] | None = None,
    ) -> Reply:
        """Send a dialogue and give the reply; `form` is the JSON schema that it is asked to have.

        BudgetSpent if nothing may be called any more, ModelError says why there is no answer.
        """
        sent: list[dict[str, Any]] = redacted([dict(message) for message in messages])
        digest = _digest(str(self.model), sent, tools, form)
        self.go_on()
        if self.journal and (kept := self.journal.recall(digest)) is not None:
            return self._replayed(kept, self._request(sent, tools, form))
        until = time.monotonic() + self.meter.left_s(self.model.patience_s)
        retrying = Retrying(
            stop=lambda state: _is_over(state, until),
            wait=_wait,
            retry=retry_if_exception_type(_Again),
            reraise=True,
        )
        try:
            answer: dict[str, Any] = retrying(self._attempt, sent, tools, form, until)
        except _Again as error:
            raise ModelError(f"{self.model} {error}.") from error.__cause__
        spent = _spent(answer)
        self.meter.charge(spent)
        if self.journal:
            self.journal.keep(digest, answer, spent)
        return _reply(answer)

    def _attempt(
        self,
        sent: list[dict[str, Any]],
        tools: Sequence[Mapping[str, Any]],
        form: Mapping[str, Any] | None,
        until: float,
    ) -> dict[str, Any]:
        """Call once; `_Again` if it may be tried again."""
        self.go_on()
        self.meter.check_call(is_priced=self.model.is_priced)
        request = self._request(sent, tools, form)
        with self.tracing.chat(request) as chat:
            headers = chat.headers()
            heard = _Heard(lambda: self._stream(sent, tools, form, headers), until)
            try:
                answer = heard.listened(self.model)
            except (ModelError, _Again):
                self._lose(heard, _chars(sent, tools))
                raise
            _name_calls(answer, sent)
            answer["usd"] = usd(self.model.provider, self.model.name, *_billed(answer["usage"]))
            answer["sent_chars"] = _chars(sent, tools)
            chat.answered(_response(answer, heard.first_s))
        return answer

    def _lose(self, heard: _Heard, sent_chars: int) -> None:
        """Count a call that brought no answer: unless it was refused it may have been paid for."""
        read, written = estimated_tokens(sent_chars), estimated_tokens(heard.chars)
        price = usd(self.model.provider, self.model.name, read, written) or 0.0
        lost = Spent(1) if heard.was_refused else Spent(1, read, written, price)
        self.meter.charge(lost)
        if self.journal:
            self.journal.note(lost)

    def _replayed(self, kept: Mapping[str, Any], request: ChatRequest) -> Reply:
        with self.tracing.chat(request) as chat:
            chat.answered(_response(kept, None, replayed=True))
        return _reply(kept)

    def _request(
        self,
        sent: list[dict[str, Any]],
        tools: Sequence[Mapping[str, Any]],
        form: Mapping[str, Any] | None,
    ) -> ChatRequest:
        address, port = self.model.address
        return ChatRequest(
            model=self.model.name,
            provider=self.model.provider,
            max_tokens=self._most(),
            output_type="json" if form else "text",
            stream=True,
            address=address,
            port=port,
            system=str(sent[0]["content"]),
            messages=tuple(sent[1:]),
            tools=tuple(tools),
        )

    def _most(self) -> int | None:
        """How many tokens the answer may have, where that can be said to the provider."""
        is_said = self.model.provider in _IN_FULL
        return self.meter.left_output(self.model.output_tokens) if is_said else None

    def _stream(
        self,
        sent: list[dict[str, Any]],
        tools: Sequence[Mapping[str, Any]],
        form: Mapping[str, Any] | None,
        headers: Mapping[str, str],
    ) -> Iterator[Any]:
        """The reply as LangChain streams it; nothing is sent until its first chunk is asked for."""
        chat: Any = self.model.chat
        provider = self.model.provider
        if form and provider == "openai":
            shape = {"name": form.get("title", "answer"), "schema": form}
            chat = chat.bind(response_format={"type": "json_schema", "json_schema": shape})
        elif form:
            chat = chat.bind_tools([_as_tool(form)], tool_choice=form.get("title", "answer"))
        elif tools:
            chat = chat.bind_tools(list(tools))
        given: dict[str, Any] = {}
        if provider in _IN_FULL:
            given = {"extra_headers": dict(headers), "max_tokens": self._most()}
        messages = _with_cache_marks(sent) if provider == "anthropic" and tools else sent
        return iter(chat.stream(messages, **given))


class _Again(Exception):  # noqa: N818 - it asks for another try
    """A call failed in a way that another try may mend, after `after_s` seconds if it says."""

    def __init__(self, why: str, after_s: float | None = None) -> None:
        super().__init__(why)
        self.after_s = after_s


class _Heard:
    """One reply, listened to in a thread of its own, so that no trickle can hold us past `until`.

    A client's own time-out starts anew with every byte.
    """

    def __init__(self, stream: Callable[[], Iterator[Any]], until: float) -> None:
        self._stream, self._until = stream, until
        self._over, self._done = Event(), SimpleQueue[Any]()
        self._began = time.monotonic()
        self.was_refused = False
        self.first_s: float | None = None
        self.chars = 0

    def listened(self, model: Model) -> dict[str, Any]:
        """The reply as plain data; ModelError or `_Again` if there is none."""
        Thread(target=self._run, name=LISTENER, daemon=True).start()
        try:
            outcome = self._done.get(timeout=max(self._until - time.monotonic(), 0))
        except Empty:
            waited = self._until - self._began
            why = f"{model} did not answer within {round(waited, 1):g} s."
            raise ModelError(why) from TimeoutError()
        finally:
            self._over.set()
        if isinstance(outcome, ModelError):
            raise outcome
        if isinstance(outcome, Exception):
            self.was_refused = self.first_s is None and _is_refusal(outcome)
            raise _failure(model, outcome) from outcome
        if outcome is None:
            raise _Again("answered nothing")
        answer: dict[str, Any] = _sound(_plain(outcome))
        if not answer["finish"] and model.provider in _IN_FULL:
            raise _Again("stopped in the middle of its answer")
        return answer

    def _run(self) -> None:
        whole = None
        try:
            for chunk in self._stream():
                if self._over.is_set():
                    return
                if self.first_s is None:
                    self.first_s = time.monotonic() - self._began
                self.chars += _length(chunk)
                if self.chars > MOST_CHARS:
                    raise ModelError(f"The model said more than {MOST_CHARS:,} characters.")
                whole = chunk if whole is None else whole + chunk
            self._done.put(whole)
        except Exception as error:  # noqa: BLE001 - each provider's client has its own family
            self._done.put(error)


def _is_refusal(error: Exception) -> bool:
    """Whether a provider said no, or was never reached: then nothing is to be paid."""
    said_no = any(isinstance(getattr(one, "status_code", None), int) for one in _chain(error))
    return said_no or _never(error)


def _never(error: Exception) -> bool:
    """Whether there was no connection at all."""
    return any(type(one).__name__ in ("ConnectError", "ConnectTimeout") for one in _chain(error))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error, and what it was raised from."""
    while error is not None:
        yield error
        error = error.__cause__


def _failure(model: Model, error: Exception) -> Exception:
    """Why a call failed, by its kind: what a provider writes may repeat what it was sent."""
    status = getattr(error, "status_code", None)
    if isinstance(error, _NO_COMPLETION):
        return ModelError(f"{model} answered with what is no chat completion.")
    if status is None and _LOST.search(type(error).__name__):
        host, port = model.address
        where = f" at {host}{f':{port}' if port else ''}" if host else ""
        return _Again(f"could not be reached{where}" if _never(error) else "broke the connection")
    if status in _TRY_AGAIN:
        headers = getattr(getattr(error, "response", None), "headers", {})
        after_s = _seconds(headers.get("retry-after", ""))
        asked = f" and asks for {after_s:.0f} s of patience" if after_s else ""
        return _Again(f"answered {status}{asked}", after_s)
    said = f"answered {status}" if status else f"failed with {type(error).__name__}"
    return ModelError(f"{model} {said}.")


def _seconds(said: str) -> float | None:
    """Retry-After in seconds; a date is no number, and then our own wait holds."""
    return float(said) if said.isdecimal() else None


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    said = error.after_s if isinstance(error, _Again) else None
    return said if said is not None else _WAIT_S * 2 ** (state.attempt_number - 1)


def _is_over(state: RetryCallState, until: float) -> bool:
    """Whether there is no other try, or no time to wait for it."""
    is_last = state.attempt_number >= _ATTEMPTS
    return is_last or time.monotonic() + state.upcoming_sleep >= until


def _digest(
    model: str,
    sent: list[dict[str, Any]],
    tools: Sequence[Mapping[str, Any]],
    form: Mapping[str, Any] | None,
) -> str:
    asked = [model, sent, [dict(tool) for tool in tools], dict(form or {})]
    return hashlib.sha256(orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _plain(whole: Any) -> dict[str, Any]:
    """A reply of LangChain's as plain data, the same for every provider."""
    used = whole.usage_metadata or {}
    said, cached = whole.response_metadata or {}, used.get("input_token_details") or {}
    calls = [{"id": "", "name": c["name"] or "", "arguments": _writable(c["args"])}
             for c in (*whole.tool_calls, *whole.invalid_tool_calls)]  # fmt: skip
    return {
        "text": _text(whole.content),
        "calls": calls,
        "finish": str(said.get("finish_reason") or said.get("stop_reason") or ""),
        "id": str(said.get("id") or whole.id or ""),
        "model": str(said.get("model_name") or said.get("model") or ""),
        "usage": {
            "input": used.get("input_tokens"),
            "output": used.get("output_tokens"),
            "cache_read": cached.get("cache_read"),
            "cache_write": _written(cached),
            "reasoning": (used.get("output_token_details") or {}).get("reasoning"),
        },
    }


def _sound(value: Any) -> Any:
    """Plain data without the halves of letters that JSON may hold and no text may."""
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, dict):
        return {_sound(key): _sound(part) for key, part in value.items()}
    return [_sound(part) for part in value] if isinstance(value, list) else value


def _writable(arguments: Any) -> Any:
    """Arguments that can be written as JSON again; others, as numbers past 64 bits, as text."""
    try:
        orjson.dumps(arguments)
    except TypeError:
        return str(arguments)[:MOST_CHARS]
    return arguments


def _written(cached: Mapping[str, int | None]) -> int | None:
    """Tokens written to a cache; LangChain tells Anthropic's apart by how long they are kept."""
    names = ("cache_creation", "ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens")
    said = [n for name in names if (n := cached.get(name)) is not None]
    return sum(said) if said else None


def _name_calls(answer: dict[str, Any], sent: Sequence[Message]) -> None:
    """Number the calls of a dialogue: a provider's own ids look like secrets, and say nothing."""
    before = sum(len(message.get("tool_calls", ())) for message in sent)
    for number, call in enumerate(answer["calls"], before + 1):
        call["id"] = f"c{number}"


def _text(content: Any) -> str:
    """The text of a message, of one piece or of several blocks."""
    if isinstance(content, str):
        return content
    blocks = content if isinstance(content, list) else []
    return "".join(b if isinstance(b, str) else str(b.get("text", "")) for b in blocks)


def _length(chunk: Any) -> int:
    calls = getattr(chunk, "tool_call_chunks", ())
    return len(_text(chunk.content)) + sum(len(call.get("args") or "") for call in calls)


def _reply(answer: Mapping[str, Any]) -> Reply:
    calls = tuple(Call(c["id"], c["name"], _arguments(c["arguments"])) for c in answer["calls"])
    return Reply(answer["text"], calls, answer["finish"])


def _arguments(given: Any) -> Mapping[str, Any] | str:
    return given if isinstance(given, dict) else str(given or "")


def _billed(usage: Mapping[str, int | None]) -> tuple[int | None, ...]:
    return usage["input"], usage["output"], usage["cache_read"], usage["cache_write"]


def _spent(answer: Mapping[str, Any]) -> Spent:
    """What an answer took, by the provider's word, else about."""
    usage = answer["usage"]
    said = sum(len(str(call["arguments"])) for call in answer["calls"]) + len(answer["text"])
    read, written = usage["input"], usage["output"]
    return Spent(
        calls=1,
        input_tokens=estimated_tokens(answer["sent_chars"]) if read is None else read,
        output_tokens=estimated_tokens(said) if written is None else written,
        usd=answer["usd"] or 0.0,
    )


def _chars(sent: list[dict[str, Any]], tools: Sequence[Mapping[str, Any]]) -> int:
    return len(orjson.dumps(sent)) + len(orjson.dumps([dict(tool) for tool in tools]))


def _response(
    answer: Mapping[str, Any], first_s: float | None, *, replayed: bool = False
) -> ChatResponse:
    usage = answer["usage"]
    return ChatResponse(
        id=answer["id"],
        model=answer["model"],
        finish_reasons=(answer["finish"],) if answer["finish"] else (),
        input_tokens=usage["input"],
        output_tokens=usage["output"],
        cache_read_tokens=usage["cache_read"],
        cache_write_tokens=usage["cache_write"],
        reasoning_tokens=usage["reasoning"],
        usd=answer["usd"],
        first_chunk_s=first_s,
        replayed=replayed,
        messages=(_reply(answer).as_message(),),
    )


def _as_sent(call: Call) -> dict[str, Any]:
    given = call.arguments
    text = given if isinstance(given, str) else orjson.dumps(given).decode()
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": text}}


def _as_tool(form: Mapping[str, Any]) -> dict[str, Any]:
    """A form as a tool, for providers that take none for an answer's shape."""
    function = {"name": form.get("title", "answer"), "description": "Your answer.",
                "parameters": form}  # fmt: skip
    return {"type": "function", "function": function}


def _with_cache_marks(sent: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Mark what may be cached: the tools and the instructions, and the dialogue so far.

    https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching
    """
    marked = {"type": "ephemeral"}
    last = len(sent) - 1
    return [
        {**m, "content": [{"type": "text", "text": m["content"], "cache_control": marked}]}
        if at in (0, last) and isinstance(m["content"], str)
        else m
        for at, m in enumerate(sent)
    ]
