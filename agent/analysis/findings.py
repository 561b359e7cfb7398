"""How probable it is that what a playbook found is the cause: from what is known of the finding.

Each is judged by itself, by the log-odds that its playbook claims and what speaks for and against
it here, for several causes may be true at once. The weights are judgement, rounded.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

DEPTH = {"root": 1.0, "proximate": 0.0, "symptom": -2.0}
RELEVANT, BESIDE = 1.5, -4.0  # what was asked about; something else was
EXPLAINED, MOST_OF_EXPLAINED = -2.5, 1.5  # another finding is its cause, however sure it is itself
EXPLAINS, MOST_EXPLAINED = 0.7, 2
CHRONIC = -3.0  # it was so long before the trouble
LAPSE = 0.03  # nothing is certain


@dataclass(frozen=True, slots=True)
class Sign:
    """What is known of a finding.

    `certainty` is the playbook's, 0 to 1 without the ends; `role` is root, proximate or symptom.
    `relevance` is 1 if it is about what was asked, 0 if nothing says, -1 if something else was
    asked about. `explains` counts the findings that follow from it. `chronic` is what was so long
    before the trouble began.
    """

    certainty: float
    role: str
    relevance: float = 0.0
    explained: bool = False
    explains: int = 0
    chronic: bool = False


def probability(sign: Sign) -> float:
    """The probability that a finding is the cause, or one of several."""
    odds = math.log(sign.certainty / (1.0 - sign.certainty)) + DEPTH[sign.role]
    odds += sign.relevance * (RELEVANT if sign.relevance > 0 else -BESIDE)
    odds += EXPLAINS * min(sign.explains, MOST_EXPLAINED)
    odds += CHRONIC if sign.chronic else 0.0
    odds = min(odds, MOST_OF_EXPLAINED) + EXPLAINED if sign.explained else odds
    return (1.0 - LAPSE) / (1.0 + math.exp(-odds))
