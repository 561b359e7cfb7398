"""What a change is about, beside what broke: a lead where its text has the trouble's rare words."""

from __future__ import annotations

import math
from datetime import timedelta

import numpy as np

from agent.analysis.relevance import common, relevance, surprises
from agent.nodes.trying import Trying
from agent.state import Control

TELLING = math.log(4.0)  # nats: among the quarter of all changes that fit best
_LOOKBACK = timedelta(hours=24)
_LEAST = 5  # changes to compare with
_SOON = timedelta(minutes=10)  # before the alarm, where the trouble's beginning is not known
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
    documents = {
        r["subject"]: f"{r['messages'] or ''}\n{r['more'] or ''}" for r in texts.rows.dicts()
    }
    revisions = {c.revision for c in facts.changes.values()}
    written = [
        r["subject"]
        for r in texts.rows.dicts()
        if documents[r["subject"]].strip() and (r["is_revision"] or r["subject"] in revisions)
    ]
    if change.revision not in written or len(written) < _LEAST:
        return _unsaid(trying, "Too little is told of it, or of others to compare it with.")
    since = facts.incident.started_at or facts.incident.detected_at - _SOON
    said = trying.ask("complaints", start=window.start, since=since, until=window.end)
    rows = said.rows.dicts()
    trouble = [r["text"] for r in rows if r["is_new"]]
    usual = [r["text"] for r in rows if not r["is_new"]]
    scores = relevance([documents[subject] for subject in written], trouble, usual)
    at = written.index(change.revision)
    nats = float(surprises(scores)[at])
    shared = ", ".join(common(documents[change.revision], trouble, usual, _TOLD))
    p = float(np.exp(-nats))
    if nats < TELLING:
        text = "Its text has no more in common with what broke than that of others."
        return trying.says("relevance", "neutral", text, texts.id, said.id, p=p)
    text = f"Its text has words of what broke as few others have: {shared}."
    return trying.says("relevance", "implicates", text, texts.id, said.id, p=p)


def _unsaid(trying: Trying, text: str) -> Control:
    return trying.says("relevance", "not_assessable", text)
