"""A model by its name, ready to be called: `provider:name`, whatever LangChain reaches."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from agent.errors import ModelError
from agent.model.prices import of_model

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

PATIENCE_S = 60.0
"""How long a model may take over one question, its retries included."""

OUTPUT_TOKENS = 4_000
_KEYS = {
    "anthropic": "ANTHROPIC_API_KEY",
    "google_genai": "GOOGLE_API_KEY",
    "openai": "OPENAI_API_KEY",
}
_EXTRAS = {"bedrock": "bedrock", "bedrock_converse": "bedrock", "google_genai": "google",
           "ollama": "ollama"}  # fmt: skip
_CALLED_TOO = {"google": "google_genai", "gemini": "google_genai"}
_MOST = {"google_genai": "max_output_tokens", "ollama": "num_predict"}
_STREAMS_USAGE = {"openai": {"stream_usage": True}}
_NO_RETRIES = frozenset({"ollama"})
"""Providers whose LangChain class has neither `timeout` nor `max_retries`."""


@dataclass(frozen=True)
class Model:
    """A model that was asked for by name, ready to be called, and what one call may take."""

    provider: str
    name: str
    chat: BaseChatModel
    patience_s: float = PATIENCE_S
    output_tokens: int = OUTPUT_TOKENS

    def __str__(self) -> str:
        return f"{self.provider}:{self.name}"

    @property
    def is_priced(self) -> bool:
        """Whether what a call costs can be known."""
        return of_model(self.provider, self.name) is not None

    @cached_property
    def address(self) -> tuple[str, int | None]:
        """The server's host and port, where the client says them."""
        clients = (getattr(self.chat, name, None) for name in ("root_client", "_client"))
        held = [getattr(client, "base_url", None) for client in clients]
        url = next(filter(None, (*held, getattr(self.chat, "base_url", None))), "")
        parts = urlsplit(str(url))
        return parts.hostname or "", parts.port


def open_model(
    spec: str, patience_s: float = PATIENCE_S, output_tokens: int = OUTPUT_TOKENS
) -> Model:
    """Make `provider:name` ready without calling it.

    Its key and address are read from the provider's own environment variables: OPENAI_API_KEY,
    OPENAI_BASE_URL, ANTHROPIC_API_KEY, ... ModelError says what is missing.
    """
    from langchain.chat_models import init_chat_model

    provider, _, name = spec.partition(":")
    provider = _CALLED_TOO.get(provider, provider)
    if not provider or not name:
        raise ModelError(f"{spec!r} is no model; write provider:name, like anthropic:NAME.")
    key = _KEYS.get(provider)
    if key and not os.environ.get(key):
        raise ModelError(f"The model {spec} needs its provider's key: set {key}.")
    try:
        settings = _settings(provider, patience_s, output_tokens)
        chat = init_chat_model(name, model_provider=provider, **settings)
    except ImportError as error:
        extra = _EXTRAS.get(provider, "models")
        raise ModelError(
            f"The model {spec} needs a package that is not installed"
            f"{f', {error.name}' if error.name else ''}; "
            f"in Inquest's folder `pip install -e '.[{extra}]'` brings it."
        ) from error
    except Exception as error:
        raise ModelError(f"The model {spec} cannot be had: {_first_line(error)}") from error
    model = Model(provider, name, chat, patience_s, output_tokens)
    _ = model.is_priced  # a list of prices that is none is told before anything is begun
    return model


def _settings(provider: str, patience_s: float, output_tokens: int) -> dict[str, Any]:
    most = {_MOST.get(provider, "max_tokens"): output_tokens}
    if provider in _NO_RETRIES:
        return most
    caps = {"timeout": patience_s, "max_retries": 0}
    return most | caps | _STREAMS_USAGE.get(provider, {})


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
