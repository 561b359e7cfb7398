"""One call of an offered tool: checked, asked within its caps, told within its budget."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from agent.playbook.form import Playbook
from agent.playbook.load import load
from agent.state import Window
from agent.tools.catalogue import Tool, with_ours
from agent.tools.notebook import Answer, Notebook
from agent.tools.offered import playbooks, sql
from agent.tools.offered.arguments import Frame, RefusedError, unknown, values
from agent.tools.offered.offers import OFFERED, Offer, offer, read_known
from agent.tools.offered.told import A_TOKEN, cell, inert, told
from lake.ask import Limits, bind, placeholders
from lake.errors import QueryError

TOKENS = 600
LIMITS = Limits(rows=500, bytes=4_000_000, seconds=20.0)
_FEWEST = 50  # tokens
_UNTELLABLE = (OverflowError, RecursionError, ValueError, pa.ArrowException)
"""What a value raises that Python has no word for, as a time past the year 9999."""
_VALUE = re.compile(r"\$(\w+)")


@dataclass(frozen=True, slots=True)
class Result:
    """What a call brought: text for the model, and the answer that holds all rows, if it asked.

    A call that was `refused` has a sentence for the model, and no answer.
    """

    name: str
    text: str
    answer: Answer | None = None
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Caps:
    """What a call may take: tokens of text, rows, bytes and seconds of the lake.

    `strict` lets no text through but names. `spend` is called before each question to the lake;
    what it raises goes through, as a budget that is spent ends more than the call.
    """

    tokens: int = TOKENS
    limits: Limits = LIMITS
    strict: bool = False
    spend: Callable[[], None] | None = None


_CAPS = Caps()


def call(
    notebook: Notebook,
    name: str,
    arguments: object,
    window: Window,
    caps: Caps = _CAPS,
    books: Sequence[Playbook] | None = None,
) -> Result:
    """Ask the offered tool `name`; whatever is wrong comes back as a sentence for the model.

    `books` are the playbooks that there are, ours if none are given.
    """
    asking = _Asking(notebook, Frame.of(window), caps, books)
    tokens = max(caps.tokens, _FEWEST)
    try:
        if name not in OFFERED:
            raise unknown(name)
        return asking.asked(offer(name), arguments, tokens)
    except (RefusedError, QueryError, *_UNTELLABLE) as error:
        return Result(str(name)[:64], inert(str(error), int(tokens * A_TOKEN)), refused=True)


@dataclass(frozen=True, slots=True)
class _Asking:
    notebook: Notebook
    frame: Frame
    caps: Caps
    books: Sequence[Playbook] | None

    def asked(self, one: Offer, arguments: object, tokens: int) -> Result:
        made = values(one, arguments, self.frame, self.services)
        note = ""
        if one.name == "playbooks":
            books = load() if self.books is None else self.books
            if not made["id"]:
                return Result(one.name, playbooks.listed(books, made["about"], tokens))
            book = playbooks.chosen(books, made["id"])
            tool, note = playbooks.running(book), f"{book.id}: {book.title}"
        elif one.name == "sql":
            tool = Tool(one.name, one.question, sql.made(made["select"]))
        else:
            tool = Tool(one.name, one.question, one.sql)
        answer = self.answered(tool, made)
        if one.name == "sql":
            sql.check(answer, self.notebook.view, self.caps.limits)
        text = told(
            answer,
            self.frame.onset.date(),
            tokens,
            strict=self.caps.strict,
            hidden=one.people,
            note=note,
        )
        return Result(one.name, text, answer)

    def answered(self, tool: Tool, made: dict[str, Any]) -> Answer:
        """The lake's answer, by an id that is that of the question whoever asks it when."""
        if self.notebook.ours and tool.name != "sql":
            tool = with_ours(tool)
        if self.caps.spend:
            self.caps.spend()
        taken: dict[str, Any] = {name: made[name] for name in placeholders(tool.sql)}
        digest = hashlib.sha256(bind(tool.sql, **taken).encode()).hexdigest()[:8]
        return self.notebook.inquire(
            replace(tool, question=self.worded(tool.question, made), asked_by="model"),
            digest,
            limits=self.caps.limits,
            **taken,
        )

    def worded(self, question: str, made: dict[str, Any]) -> str:
        """The question with its values; a time of another day than the onset's has its date."""
        day = self.frame.onset.date()
        words = {name: cell(name, made[name], day) for name in placeholders(question)}
        return _VALUE.sub(lambda match: words[match[1]], question)

    def services(self) -> list[str]:
        """The services that the lake knows; asked once an investigation."""
        known = read_known("service")
        span: dict[str, Any] = {"start": self.frame.start, "end": self.frame.end}
        answer = self.notebook.inquire(known, "offered", **span)
        return [row["name"] for row in answer.rows.dicts()]
