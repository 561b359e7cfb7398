"""What an investigation decided, in a form that no model's words may change."""

from __future__ import annotations

from dataclasses import replace

from agent.nodes.verify import numbered
from agent.report.words import cited
from agent.state import Report


def decided(report: Report) -> tuple[object, ...]:
    """What the engine found, however evidence is numbered, without what a model says and asks."""
    causes = tuple(cause for cause in report.causes if cause.proposed_by == "engine")
    ranked = tuple(replace(cause, rank=place) for place, cause in enumerate(causes))
    own = replace(report, summary=(), next_steps=(), proposals=(), gaps=(), causes=ranked)
    bare = numbered(own)
    digests = tuple(bare.evidence[name].digest for name in dict.fromkeys(cited(bare)))
    head = (bare.title, bare.verdict, bare.confidence, bare.incident, bare.impact, bare.causes)
    return (*head, bare.changes, bare.ruled_out, bare.drilldowns, bare.timeline, digests)


def ranking(report: Report) -> list[tuple[str, float]]:
    """Who is to blame and how likely, the likeliest first."""
    return [(cause.resource.name, cause.probability) for cause in report.causes]
