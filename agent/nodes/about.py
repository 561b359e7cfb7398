"""What a change is about, beside what broke: a lead where its text has the trouble's rare words."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

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


def about(trying: Trying) -> Control:
    """A change whose text names what broke as few others do; p is the share of those that do.

    Words alone never clear: a change may break what it does not speak of.
    """
    change, facts = trying.change, trying.facts
    if not change.revision:
        return _unsaid(trying, "It does not say what was changed.")
    window = facts.window
    texts = trying.ask("change_texts", start=window.start - _LOOKBACK, end=window.end)
    documents = {row["subject"]: _document(row) for row in texts.rows.dicts()}
    revisions = {c.revision for c in facts.changes.values()}
    written = [
        r["subject"]
        for r in texts.rows.dicts()
        if documents[r["subject"]].strip() and (r["is_revision"] or r["subject"] in revisions)
    ]
    if change.revision not in written or len(written) < _LEAST:
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
    scores = _fits([documents[subject] for subject in written], trouble, usual, known)
    nats = float(surprises(scores)[written.index(change.revision)])
    shared = ", ".join(common(documents[change.revision], trouble, usual, _TOLD, known))
    p = float(np.exp(-nats))
    if nats < TELLING:
        text = "Its text has no more in common with what broke than that of others."
        return trying.says("relevance", "neutral", text, texts.id, said.id, p=p)
    text = f"Its text has words of what broke as few others have: {shared}."
    return trying.says("relevance", "implicates", text, texts.id, said.id, p=p)


def _fits(documents: list[str], trouble: list[str], usual: list[str], known: list[str]) -> Floats:
    """How well each change fits what broke: by where it was made, and by what was done there."""
    place = relevance(documents, trouble, usual, known)
    deed = relevance([done(text) for text in documents], trouble, usual, known)
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


def _document(row: dict[str, Any]) -> str:
    """All that is told of one change."""
    more = (text for line in (row["more"] or "").split("\n") for text in _values(line))
    return "\n".join([row["messages"] or "", *more])


def _values(told: str | None) -> Iterator[str]:
    """The texts in JSON, but not what they are called."""
    waiting = [json.loads(told)] if told else []
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, str):
            yield one
        elif isinstance(one, list | dict):
            waiting += one.values() if isinstance(one, dict) else one


def _unsaid(trying: Trying, text: str) -> Control:
    return trying.says("relevance", "not_assessable", text)
