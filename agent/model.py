"""A language model behind one question: facts in, a checked form out, or one sentence why not.

LangChain reaches the provider. Nothing is called until `ask` is; what is sent is redacted first.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from agent.errors import ModelError
from agent.redaction import redact
from traces.chat import ChatRequest, ChatResponse
from traces.tracer import Tracing

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

PATIENCE_S = 60.0
"""How long a model may take over one question, its second try included."""

INPUT_CHARS = 24_000
OUTPUT_TOKENS = 4_000
_TRIES = 2
_KEYS = {"anthropic": "ANTHROPIC_API_KEY", "openai": "OPENAI_API_KEY"}

Form = TypeVar("Form", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Model:
    """A model that was asked for by name, ready to be called, and how long it may take."""

    provider: str
    name: str
    chat: BaseChatModel
    patience_s: float = PATIENCE_S

    def __str__(self) -> str:
        return f"{self.provider}:{self.name}"


def open_model(spec: str, patience_s: float = PATIENCE_S) -> Model:
    """Make `provider:name` ready without calling it.

    Its key and address are read from the provider's own environment variables: OPENAI_API_KEY,
    OPENAI_BASE_URL, ANTHROPIC_API_KEY, ...
    """
    from langchain.chat_models import init_chat_model

    provider, _, name = spec.partition(":")
    if not provider or not name:
        raise ModelError(f"{spec!r} is no model; write provider:name, like anthropic:NAME.")
    key = _KEYS.get(provider)
    if key and not os.environ.get(key):
        raise ModelError(f"The model {spec} needs its provider's key: set {key}.")
    try:
        chat = init_chat_model(
            name,
            model_provider=provider,
            timeout=patience_s,
            max_retries=0,
            max_tokens=OUTPUT_TOKENS,
        )
    except ImportError as error:
        raise ModelError(
            f"The model {spec} needs a package that is not installed"
            f"{f', {error.name}' if error.name else ''}; `pip install 'inquest[models]'` brings "
            "those of OpenAI and Anthropic."
        ) from error
    except Exception as error:
        raise ModelError(f"The model {spec} cannot be had: {_first_line(error)}") from error
    return Model(provider, name, chat, patience_s)


def ask(model: Model, tracing: Tracing, instructions: str, material: str, form: type[Form]) -> Form:
    """Ask once, and once more if the answer has not the form; ModelError says why there is none."""
    speak = model.chat.with_structured_output(form.model_json_schema(), include_raw=True)
    messages = [("system", instructions), ("human", redact(material))]
    until = time.monotonic() + model.patience_s
    for _ in range(_TRIES):
        reply = _answered(model, tracing, partial(speak.invoke, messages), until)
        try:
            return form.model_validate(reply["parsed"])
        except ValidationError as error:
            wrong = "; ".join(f"{_path(e['loc'])}: {e['msg']}" for e in error.errors()[:3])
            messages = [
                *messages[:2],
                ("human", f"Your answer had not the form asked for: {wrong}"),
            ]
    raise ModelError(f"{model} did not answer in the form asked for.")


def _answered(
    model: Model, tracing: Tracing, call: Callable[[], Any], until: float
) -> dict[str, Any]:
    """Make one call within what is left of the time; its span says what it used."""
    with tracing.chat(ChatRequest(model.name, model.provider)) as chat:
        outcome = _within(until - time.monotonic(), call)
        if outcome is None:
            raise ModelError(f"{model} did not answer within {model.patience_s:g} s.")
        if isinstance(outcome, Exception):
            raise ModelError(f"{model} {_failure(outcome)}.") from outcome
        used = outcome["raw"].usage_metadata or {}
        chat.answered(
            ChatResponse(
                input_tokens=used.get("input_tokens"), output_tokens=used.get("output_tokens")
            )
        )
        return dict(outcome)


def _within(seconds: float, call: Callable[[], Any]) -> Any:
    """What `call` returned or raised; None if it takes longer, and then it is left to itself.

    A client's own time-out starts anew with every byte, so that a trickle could hold us for hours.
    """
    done: SimpleQueue[Any] = SimpleQueue()

    def run() -> None:
        try:
            done.put(call())
        except Exception as error:  # noqa: BLE001 - each provider's client has its own family
            done.put(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        return done.get(timeout=max(seconds, 0))
    except Empty:
        return None


def _failure(error: Exception) -> str:
    """Why a call failed, by its kind: what a provider writes may repeat what it was sent."""
    status = getattr(error, "status_code", None)
    if isinstance(error, AttributeError):  # of a client that was sent something else altogether
        return "answered with what is no chat completion"
    return f"answered {status}" if status else f"failed with {type(error).__name__}"


def _path(location: tuple[int | str, ...]) -> str:
    return ".".join(map(str, location)) or "answer"


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
