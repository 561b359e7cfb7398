"""How good a ranking is: the place of the right cause, ties counting against it, and what follows.

AC@k is the share of cases with a right cause among the first k, Avg@5 its mean over k = 1 to 5:
Li et al. (2022), Causal inference-based root cause analysis, as benchmarks of root causes use them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

NEVER = math.inf

Judged = Literal["ranking", "change", "words", "healthy"]

_POD = re.compile(r"-[0-9a-f]{7,10}-[a-z0-9]{5}$")
_LONGEST_TEXT = 400  # of a cause: dumping evidence does not pay
_SHORTEST_HASH, _HASH = 7, 40


@dataclass(frozen=True, slots=True)
class Truth:
    """What a case's answer is: any of `right`, or a cause that has a word of each of `words`.

    `judged` says what of an answer is looked at; `banned` are words that no cause may have.
    """

    right: tuple[str, ...]
    fault: str = ""
    judged: Judged = "ranking"
    words: tuple[tuple[str, ...], ...] = ()
    banned: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Accuracy:
    """The figures of some cases; NaN where there are none."""

    n: int
    ac_1: float
    ac_3: float
    avg_5: float


def place(truth: Truth, answer: Mapping[str, Any]) -> float:
    """Where the first right cause stands in an answer, from 1; infinity if nowhere.

    Of entries with the score of the right one all count as before it.
    """
    if truth.judged == "healthy":
        return 1.0 if answer.get("verdict") == "healthy" else NEVER
    if truth.judged == "words":
        return _first_that_mentions(truth, answer.get("causes") or ())
    if truth.judged == "change":
        return _place(truth, _scored(answer, "ranked_changes", "change_scores"))
    return _place(truth, _scored(answer, "ranking", "scores"))


def of_changed(ranked: Mapping[str, Any], changed: Iterable[str]) -> dict[str, Any]:
    """A ranking of anything as one of what was changed, to be judged as `ranked_changes` are."""
    kept = {_plain(name) for name in changed}
    left = [pair for pair in _scored(ranked, "ranking", "scores") if _plain(pair[0]) in kept]
    return {
        "ranked_changes": [name for name, _ in left],
        "change_scores": [score for _, score in left],
    }


def accuracy(places: Iterable[float]) -> Accuracy:
    """The figures of the places that the right causes have."""
    found = list(places)
    if not found:
        return Accuracy(0, math.nan, math.nan, math.nan)
    within = [sum(at <= k for at in found) / len(found) for k in range(1, 6)]
    return Accuracy(len(found), within[0], within[2], sum(within) / 5)


def _scored(answer: Mapping[str, Any], ranking: str, scores: str) -> list[tuple[str, float]]:
    """The entries of a ranking with their scores; by their order where there are none."""
    names: Sequence[str] = answer.get(ranking) or ()
    given = answer.get(scores)
    if given is None:
        given = [-float(at) for at in range(len(names))]
    return list(zip(names, given, strict=True))


def _place(truth: Truth, scored: Iterable[tuple[str, float]]) -> float:
    right = [_plain(name) for name in truth.right]
    best: dict[str, float] = {}
    for name, score in scored:
        known = -math.inf if score is None or math.isnan(score) else score
        best[_plain(name)] = max(known, best.get(_plain(name), -math.inf))
    hits = [score for name, score in best.items() if any(_same(name, one) for one in right)]
    if not hits:
        return NEVER
    wrong = [score for name, score in best.items() if not any(_same(name, one) for one in right)]
    return 1.0 + sum(score >= max(hits) for score in wrong)


def _plain(name: str) -> str:
    """A pod counts as its workload."""
    return _POD.sub("", name.strip())


def _same(given: str, right: str) -> bool:
    """Whether two names are one; a commit may be given by the beginning of its hash."""
    is_short = len(given) >= _SHORTEST_HASH and len(right) == _HASH
    return given == right or (is_short and right.startswith(given))


def _first_that_mentions(truth: Truth, causes: Sequence[Mapping[str, Any]]) -> float:
    for at, cause in enumerate(causes, 1):
        text = f"{(cause.get('text') or '')[:_LONGEST_TEXT]} {cause.get('resource')}".lower()
        if all(any(_has(text, word.lower()) for word in group) for group in truth.words):
            banned = at == 1 and any(word.lower() in text for word in truth.banned)
            return 2.0 if banned else float(at)
    return NEVER


def _has(text: str, word: str) -> bool:
    """Whether a text has a word; a short one only where it stands alone."""
    if len(word) > 3:
        return word in text
    return re.search(rf"(?<![a-z0-9]){re.escape(word)}(?![a-z0-9])", text) is not None
