"""What a change is about, beside what broke: a lead where its text has the trouble's rare words."""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

import numpy as np

from agent.analysis.relevance import Floats, common, done, relevance, surprises, words
from agent.nodes.trying import Trying
from agent.state import Control

TELLING = math.log(4.0)  # nats: among the quarter of all changes that fit best
_LOOKBACK = timedelta(hours=24)
_LEAST = 4  # changes: of fewer none is among a quarter
_SOON = timedelta(minutes=10)  # before the alarm, where the trouble's beginning is not known
_OFTEN = 3  # times that a text was written before, for it to say nothing of what broke
_TOLD = 4

_Told = tuple[str, bool, str | None, str | None]  # subject, is it a revision, messages, more


def about(trying: Trying) -> Control:
    """A change whose text names what broke as few others do; p is the share of those that do.

    Words alone never clear: a change may break what it does not speak of.
    """
    change, facts = trying.change, trying.facts
    if not change.revision:
        return _unsaid(trying, "It does not say what was changed.")
    window = facts.window
    texts = trying.ask("change_texts", start=window.start - _LOOKBACK, end=window.end)
    told = tuple(
        (r["subject"], r["is_revision"], r["messages"], r["more"]) for r in texts.rows.dicts()
    )
    written = _written(told, frozenset(c.revision for c in facts.changes.values()))
    if change.revision not in written.subjects or len(written.subjects) < _LEAST:
        return _unsaid(trying, "Too little is told of it, or of others to compare it with.")
    since = _since(trying)
    said = trying.ask(
        "complaints", since.isoformat(), start=window.start, since=since, until=window.end
    )
    rows = said.rows.dicts()
    trouble = [" ".join([r["text"], *_values(r["more"])]) for r in rows if r["is_new"]]
    usual = [r["text"] for r in rows if not r["is_new"]]
    known = [r["text"] for r in rows if r["earlier"] >= _OFTEN]
    known.append(_name(change.service, trouble))
    scores = _fits(written, trouble, usual, known)
    at = written.subjects.index(change.revision)
    nats = float(surprises(scores)[at])
    shared = ", ".join(common(written.documents[at], trouble, usual, _TOLD, known))
    p = float(np.exp(-nats))
    if nats < TELLING:
        text = "Its text has no more in common with what broke than that of others."
        return trying.says("relevance", "neutral", text, texts.id, said.id, p=p)
    text = f"Its text has words of what broke as few others have: {shared}."
    return trying.says("relevance", "implicates", text, texts.id, said.id, p=p)


@dataclass(frozen=True, slots=True)
class _Written:
    """The changes that have a text: what each is called, all that is told of it, what it did."""

    subjects: tuple[str, ...]
    documents: tuple[str, ...]
    deeds: tuple[str, ...]


@lru_cache(maxsize=2)
def _written(told: tuple[_Told, ...], revisions: frozenset[str]) -> _Written:
    """The revisions that were told of, read once for all the changes of an investigation."""
    texts = {
        subject: [messages or "", *_all_values(more)]
        for subject, is_revision, messages, more in told
        if is_revision or subject in revisions
    }
    kept = {subject: told for subject, told in texts.items() if any(map(str.strip, told))}
    return _Written(
        tuple(kept), tuple(map("\n".join, kept.values())), tuple(done(*t) for t in kept.values())
    )


def _fits(written: _Written, trouble: list[str], usual: list[str], known: list[str]) -> Floats:
    """How well each change fits what broke: by where it was made, and by what was done there."""
    place = relevance(written.documents, trouble, usual, known)
    deed = relevance(written.deeds, trouble, usual, known)
    return surprises(place) + surprises(deed)


def _since(trying: Trying) -> datetime:
    """From when on what is said may be of a change: its coming, if the trouble began after it.

    What was complained of before a change is not of its making.
    """
    incident, window = trying.facts.incident, trying.facts.window
    started = incident.started_at or incident.detected_at - _SOON
    return trying.came if window.start < trying.came < started else started


def _name(service: str, trouble: list[str]) -> str:
    """The words of what broke that are in a service's name: that a change is of it is known."""
    told = {word for text in trouble for word in words(text)}
    return " ".join(sorted(word for word in told if word in service.lower()))


def _all_values(lines: str | None) -> list[str]:
    """The texts in JSON of which each line is one."""
    return [text for line in (lines or "").split("\n") for text in _values(line)]


def _values(told: str | None) -> Iterator[str]:
    """The texts in JSON, but not what they are called."""
    waiting = deque([json.loads(told)] if told else [])
    while waiting:
        one = waiting.popleft()
        if isinstance(one, str):
            yield one
        elif isinstance(one, list | dict):
            waiting += one.values() if isinstance(one, dict) else one


def _unsaid(trying: Trying, text: str) -> Control:
    return trying.says("relevance", "not_assessable", text)
