"""Programs of others, asked by argument lists and by listed verbs only: none of them writes."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lake.errors import InquestError

TIMEOUT_S = 30.0


class ToolError(InquestError):
    """A program, or a server, that gives nothing at all; the others are asked all the same."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a program said; `error` is what it said of its failure, empty if there was none."""

    output: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class Tool:
    """A program, the verbs that it may be asked, and what stands before each of them.

    `environment` holds what must not be seen in a list of processes, such as a password.
    """

    name: str
    verbs: frozenset[tuple[str, ...]]
    options: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    def invocation(self, *words: str) -> str:
        """Spell the command line as a person would type it."""
        return shlex.join([self.name, *self.options, *words])

    def ask(self, *words: str) -> Answer:
        """Run the program; ToolError if it is not here, ValueError for a verb not listed."""
        if not any(words[: len(verb)] == verb for verb in self.verbs):
            raise ValueError(f"{self.name} {' '.join(words)} is no verb that only reads.")
        try:
            done = subprocess.run(
                [self.name, *self.options, *words],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                timeout=TIMEOUT_S,
                env={**os.environ, **self.environment},
            )
        except FileNotFoundError:
            raise ToolError(f"{self.name} is not installed here") from None
        except OSError as error:
            raise ToolError(f"{self.name} cannot be run: {error.strerror}") from None
        except subprocess.TimeoutExpired:
            return Answer("", f"{self.name} gave no answer within {TIMEOUT_S:.0f} s.")
        output, said = (text.decode(errors="replace") for text in (done.stdout, done.stderr))
        if not done.returncode:
            return Answer(output)
        return Answer(output, said.strip() or f"{self.name} ended with {done.returncode}.")


def objects(tool: Tool, answer: Answer) -> list[dict[str, Any]]:
    """Read a list of objects in JSON, where null is none of them; ToolError if it is no list."""
    try:
        found = json.loads(answer.output or "null") or []
    except ValueError:
        found = None
    if not isinstance(found, list):
        start = " ".join(answer.output.split())[:200]
        raise ToolError(f"{tool.name} gave no list of objects as JSON: {start}")
    return [one for one in found if isinstance(one, dict)]


def verbs(*spelled: str) -> frozenset[tuple[str, ...]]:
    """List verbs, each as a person would type it."""
    return frozenset(tuple(verb.split()) for verb in spelled)
