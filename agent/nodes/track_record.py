"""How earlier changes of a service fared: a base rate, which never decides but leans."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from agent.analysis.track_record import leanings
from agent.nodes.trying import Trying
from agent.report.words import share
from agent.state import Control

_ENOUGH = 20  # moments of change, of any service, for a rate to mean something


def track_record(trying: Trying) -> Control:
    """How often changes of this kind preceded trouble, beside all services' and any time's.

    What is counted lies before the window, so that nothing of the present incident is in it.
    """
    change, start = trying.change, trying.facts.window.start
    answer = trying.ask("release_history", change.kind, kind=change.kind, start=start)
    rows = answer.rows.dicts()
    events, followed = (
        np.array([float(row[of]) for row in rows]) for of in ("events", "followed_events")
    )
    place = next((i for i, row in enumerate(rows) if row["service"] == change.service), None)
    if place is None:
        text = f"No earlier change of {change.service} ({change.kind}) is known."
        return trying.says("track_record", "not_assessable", text, answer.id)
    if events.sum() < _ENOUGH:
        text = f"Too few earlier changes ({change.kind}) are known to tell what follows them."
        return trying.says("track_record", "not_assessable", text, answer.id)
    chance = np.array([row["alarmed_us"] / row["history_us"] for row in rows])
    own, common = rows[place], followed.sum() / events.sum()
    text = (
        f"{own['followed']:,} of {own['changes']:,} earlier changes of {change.service} "
        f"({change.kind}) were followed by trouble within 30 min; {share(common)} of all were, "
        f"and {share(chance[place])} of any 30 min are."
    )
    leaning = float(leanings(events, followed, chance)[place])
    return replace(trying.says("track_record", "neutral", text, answer.id), log_odds=leaning)
