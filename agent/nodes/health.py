"""Health is a finding of its own: that nothing shifted does not say that all was well."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from agent.analysis.scan import densest
from agent.nodes.facts import Facts
from agent.nodes.scope import EVER
from agent.state import Gap
from agent.tools.notebook import Notebook

THIN_BUCKETS, THIN_REQUESTS = 12, 100
_COVERED = 0.9  # of the buckets between the first request and the last
_FAILING, _FAILING_OF = 0.05, 50  # all the time: no service that is well fails so many
_ALPHA = 0.01
_KNOWN = 0.5  # of the window
_TOLD = 3
_BURST, _BURST_OF = 0.25, 10  # in one bucket


def health_doubts(entrance: pd.DataFrame, requests: pd.DataFrame, facts: Facts) -> Iterator[Gap]:
    """Why it cannot be said that nothing was wrong, though no series shifted; nothing if it can."""
    total, seen = int(entrance["requests"].sum()), len(entrance)
    if total < THIN_REQUESTS or seen < THIN_BUCKETS:
        yield Gap(
            "thin_data",
            f"Only {total} requests in {seen} of {facts.window.buckets} intervals of "
            f"{facts.window.bucket_s} s: too few to say that nothing was wrong.",
        )
        return
    for signal in facts.elsewhere[:1]:
        yield Gap(
            "not_looked_at",
            f"{signal.resource} deviated at {facts.when(signal.onset)} ({signal.subject}), apart "
            "from the time that was asked about: ask for that time.",
        )
    known = int(entrance["bucket"].max() - entrance["bucket"].min()) + 1
    if known < _KNOWN * facts.window.buckets:
        yield Gap(
            "thin_data",
            f"Requests are known of {known} of {facts.window.buckets} intervals only: too few to "
            "say that nothing was wrong.",
        )
    yield from _risen(entrance, requests, facts)
    yield from _errors_written(facts)
    yield from _silence(entrance, facts)
    named = entrance.assign(service="the entrance")
    yield from _failing(pd.concat([named, requests])[["service", "bucket", "requests", "failed"]])
    for name in facts.incident.services:
        if name not in facts.services:
            yield Gap("no_data", f"No requests of {name}, which the alarm is about, were seen.")


def bundle_doubts(notebook: Notebook) -> Iterator[Gap]:
    """Why it cannot be said that nothing is wrong in what was handed in."""
    objects = notebook.ask("kube_objects", end=EVER[1]).rows.dicts()
    for row in [row for row in objects if row["is_bad"]][:_TOLD]:
        what = "/".join(part for part in (row["kind"], row["namespace"], row["name"]) if part)
        yield Gap("not_looked_at", f"{what} is not well, and no playbook says why: {row['reason']}")
    if lines := notebook.ask("complained", start=EVER[0], end=EVER[1]).rows.dicts():
        text = f"{lines[0]['lines']} lines of logs are errors, and no playbook knows them."
        yield Gap("not_looked_at", text)


def _risen(entrance: pd.DataFrame, requests: pd.DataFrame, facts: Facts) -> Iterator[Gap]:
    """Failures that rose for sure, though by less than is called a shift."""
    asked = {"the entrance": entrance} | {
        name: requests[requests["service"] == name] for name in facts.incident.services
    }
    for name, frame in asked.items():
        counts = frame.set_index("bucket")[["failed", "requests"]].reindex(
            range(facts.window.buckets)
        )
        found = densest(*(counts[c].to_numpy(dtype=np.float64) for c in ("failed", "requests")))
        if found and found.p_value * len(asked) < _ALPHA:
            yield Gap(
                "not_looked_at",
                f"Failures of {name} rose from {100 * found.before:.2g} to "
                f"{100 * found.during:.2g} % at {facts.when(facts.window.at(found.start))}: less "
                "than is called a shift here, but no chance.",
            )


def _errors_written(facts: Facts) -> Iterator[Gap]:
    """New kinds of errors in the logs, while no request is known to have failed."""
    told = [s for s in facts.signals if s.look == "logs" and s.indicator == "errors"]
    for signal in sorted(told, key=lambda s: (s.onset, s.resource))[:_TOLD]:
        yield Gap(
            "not_looked_at",
            f"{signal.resource or 'A service'} wrote {signal.subject} from "
            f"{facts.when(signal.onset)}, though no request shows that anybody suffered.",
        )


def _silence(entrance: pd.DataFrame, facts: Facts) -> Iterator[Gap]:
    first, last = int(entrance["bucket"].min()), int(entrance["bucket"].max())
    if last < facts.window.bucket(facts.incident.detected_at):
        at = facts.when(facts.window.at(last))
        yield Gap("not_yet_arrived", f"The last requests are of {at}, before the alarm.")
    if len(entrance) < _COVERED * (last - first + 1):
        missing = last - first + 1 - len(entrance)
        yield Gap("no_data", f"No requests at all in {missing} intervals between others.")


def _failing(frame: pd.DataFrame) -> Iterator[Gap]:
    """Who fails too often to be called well: all the time, or in a burst too short for a shift."""
    for name, rows in frame.groupby("service", sort=True):
        total, failed = int(rows["requests"].sum()), int(rows["failed"].sum())
        burst = rows[
            (rows["requests"] >= _BURST_OF) & (rows["failed"] >= _BURST * rows["requests"])
        ]
        if (total >= _FAILING_OF and failed >= _FAILING * total) or len(burst):
            yield Gap(
                "thin_data",
                f"{name} failed {failed:,} of {total:,} requests, with no calm time beside it to "
                "compare: is that how it should be?",
            )
