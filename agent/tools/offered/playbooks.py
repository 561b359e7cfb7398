"""Playbooks for a model: those about a symptom, and what one of them finds."""

from __future__ import annotations

import re
from collections.abc import Iterable

from agent.playbook.compile import finding, whole
from agent.playbook.form import Playbook
from agent.tools.catalogue import Tool
from agent.tools.offered.arguments import RefusedError
from agent.tools.offered.told import fitting

MOST = 15
_WORD = re.compile(r"[a-z0-9]{3,}")
_COMMON = {"and", "are", "for", "from", "has", "have", "not", "out", "that", "the", "was", "with"}


def listed(books: Iterable[Playbook], about: str | None, tokens: int) -> str:
    """The playbooks that share words with a symptom, those with most first; all without one."""
    words = _words(about or "")
    graded = sorted((-_shared(one, words), one.id, one.title) for one in books)
    best = -graded[0][0] if graded else 0
    kept = [row for row in graded if -2 * row[0] >= max(best, 1)][:MOST] if words else graded
    if not kept:
        return "No playbook is about that: leave about out to have all of them."
    head = [f"playbooks: {len(kept)}; run one by its id."]
    lines = [f"{name}: {title}" for _, name, title in kept]
    return fitting(head, lines, len(lines), "playbooks", tokens)


def chosen(books: Iterable[Playbook], name: str) -> Playbook:
    """The playbook of an id; RefusedError with some that are nearly called so."""
    by_id = {one.id: one for one in books}
    if name in by_id:
        return by_id[name]
    words = _words(name)
    near = sorted(by_id, key=lambda one: (-len(words & _words(one)), one))[:5]
    raise RefusedError(
        f"playbooks: there is no playbook {name[:60]!r}; there are {', '.join(near)}."
    )


def running(one: Playbook) -> Tool:
    """The question of a playbook, as one that stands alone."""
    return Tool("playbooks", one.finds.question, whole(finding(one)))


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.lower())) - _COMMON


def _shared(one: Playbook, words: set[str]) -> int:
    """How many of the words it says, those of its title counted twice."""
    title = f"{one.id} {one.title}".lower()
    said = f"{title} {one.finds.question} {one.cause} {' '.join(one.explains)}".lower()
    return sum((word in said) + (word in title) for word in words)
