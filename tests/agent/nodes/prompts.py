"""A request as a model gets it, written so that a person can read what changed of it."""

from __future__ import annotations

import json
from typing import Any

from tests.models import Json


def told(request: Json) -> str:
    """The messages of a request, JSON laid out, and the tools it may call by their names."""
    parts = [f"== {m['role']}\n{_laid_out(m['content'])}" for m in request["messages"]]
    if tools := request.get("tools"):
        parts.append("== tools\n" + "\n".join(_tool(tool["function"]) for tool in tools))
    if form := request.get("response_format"):
        parts.append(f"== form\n{_laid_out(json.dumps(form))}")
    return "\n\n".join(parts) + "\n"


def _tool(function: Json) -> str:
    parameters = ", ".join(function["parameters"].get("properties", {}))
    return f"{function['name']}({parameters}): {function['description']}"


def _laid_out(text: str) -> str:
    try:
        value: Any = json.loads(text)
    except json.JSONDecodeError:
        return text
    return json.dumps(value, indent=1, ensure_ascii=False)
