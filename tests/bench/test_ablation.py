"""The ablation judges a model by what it proposed, and by nothing that the engine made of it."""

from __future__ import annotations

from dataclasses import replace

from agent.analysis.scoring import NEVER, Truth, place
from agent.state import Proposal
from tests.agent.report.samples import cause_found
from tests.bench.ablation import of_model


def test_a_models_own_answer_is_what_it_proposed_in_its_order() -> None:
    proposals = tuple(Proposal(name, "unknown", "refuted", "") for name in ("web", "payment"))
    report = replace(cause_found(), proposals=proposals)
    assert place(Truth(("payment",)), of_model(report, "service")) == 2
    assert place(Truth(("web",)), of_model(report, "service")) == 1


def test_a_model_that_proposed_nothing_is_nowhere_right() -> None:
    line = of_model(replace(cause_found(), proposals=()), "service")
    assert place(Truth(("payment",)), line) == NEVER
    assert place(Truth((), judged="healthy"), line) == NEVER
