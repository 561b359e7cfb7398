"""An answer in a form: asked for, checked, and once more asked for if it has another."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ValidationError

from agent.errors import ModelError
from agent.model.speak import Message, Reply, Speaker

INPUT_CHARS = 24_000
_TRIES = 2
_SHOWN = 3
_FENCED = re.compile(r"```(?:json)?\s*(.*?)```", re.DOTALL)

Form = TypeVar("Form", bound=BaseModel)


def filled(speaker: Speaker, instructions: str, material: str, form: type[Form]) -> Form:
    """Ask once, and once more if the answer has not the form; ModelError says why there is none."""
    asked: list[Message] = [
        {"role": "system", "content": instructions},
        {"role": "user", "content": material},
    ]
    messages = asked
    for _ in range(_TRIES):
        reply = speaker.say(messages, form=form.model_json_schema())
        try:
            return form.model_validate(answered(reply))
        except ValidationError as error:
            text = f"Your answer had not the form asked for: {faults(error)}"
            messages = [*asked, {"role": "user", "content": text}]
    raise ModelError(f"{speaker.model} did not answer in the form asked for.")


def answered(reply: Reply) -> Any:
    """The JSON of a reply, wherever the model put it; None if it has none."""
    if reply.calls:
        given = reply.calls[0].arguments
        return given if isinstance(given, Mapping) else found(given)
    return found(reply.text)


def found(text: str) -> Any:
    """The JSON object in a text: all of it, what is fenced, or from the first brace to the last."""
    fenced = _FENCED.search(text)
    braces = text[text.find("{") : text.rfind("}") + 1]
    for candidate in (text, fenced[1] if fenced else "", braces):
        try:
            return orjson.loads(candidate)
        except orjson.JSONDecodeError:
            continue
    return None


def faults(error: ValidationError) -> str:
    """What is wrong with an answer, for the model that gave it."""
    return "; ".join(f"{_path(e['loc'])}: {e['msg']}" for e in error.errors()[:_SHOWN])


def _path(location: tuple[int | str, ...]) -> str:
    return ".".join(map(str, location)) or "answer"
