"""Answers and truths to figures: accuracy by set, kind of fault and method, and calibration."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from agent.analysis import calibration
from agent.analysis.scoring import NEVER, Truth, accuracy, of_changed, place
from agent.apps.bench.measured import ENGINE, Bench, Failure, Pooled, Row, SetFigures

_SOLVED = 0.95  # of a set: who reaches that leaves nothing to be told of calibration
_LEAST = 5  # cases of a set
_OF_CHANGES = "of the changes, the guilty one first"
_NO_PROBABILITY = "a metric has no probability"

Line = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Judged:
    """An answer with its truth, and where each method has the right cause."""

    line: Line
    truth: Truth
    places: dict[str, float]

    @property
    def is_failed(self) -> bool:
        """Whether there is no answer: it is wrong, but was no forecast."""
        return bool(self.line.get("error"))

    @property
    def is_of_metrics(self) -> bool:
        """Whether metrics are judged, of which the engine has neither probability nor path."""
        return self.truth.judged == "ranking" and self.line["rank"] == "metric"

    @property
    def is_forecast(self) -> bool:
        """Whether the answer says how sure it is of what it is judged by."""
        return not self.is_failed and not self.is_of_metrics

    @property
    def probability(self) -> float:
        """How sure a forecast is of what it is judged by; of any verdict where that is judged."""
        if self.truth.judged == "healthy":
            sure = self.line.get("confidence")
        else:
            sure = self._of_first("probability")
        return float(sure or 0.0)

    @property
    def has_path(self) -> bool:
        """Whether what is judged is a cause, whose path can be checked."""
        return self.is_forecast and self.truth.judged != "healthy"

    @property
    def is_grounded(self) -> bool:
        """Whether the path of what it is judged by was checked."""
        return bool(self._of_first("grounded"))

    def _of_first(self, key: str) -> Any:
        """What is said of the entry that stands first where the answer is judged."""
        if self.truth.judged == "change":
            return self.line.get(f"change_{key}")
        if self.truth.judged == "words":
            causes: Sequence[Line] = self.line.get("causes") or ()
            return causes[0].get(key) if causes else None
        return self.line.get(key)

    @property
    def right(self) -> bool:
        return self.places[ENGINE] == 1.0


def figures(
    lines: Sequence[Line], truths: Mapping[str, Truth], without: Sequence[str] = ()
) -> Bench:
    """Judge the answers: those without a truth are counted only."""
    sets = defaultdict[str, list[_Judged]](list)
    for line in lines:
        if truth := truths.get(line["case"]):
            sets[line["set"]].append(_Judged(line, truth, _places(line, truth)))
    dull = {name: _saturated(judged) for name, judged in sets.items()}
    telling = [one for name in sets if not dull[name] for one in sets[name]]
    scaled = _left_out([one for one in telling if one.is_forecast])
    return Bench(
        rows=tuple(row for name, judged in sets.items() for row in _rows(name, judged)),
        sets=tuple(_set(name, judged, dull[name], scaled) for name, judged in sets.items()),
        pooled=_pooled(telling, scaled) if telling else None,
        failures=tuple(Failure(line["case"], line["error"]) for line in lines if line.get("error")),
        without=tuple(sorted(without)),
        untold=sum(line["case"] not in truths for line in lines),
    )


def _places(line: Line, truth: Truth) -> dict[str, float]:
    """Where each method has the right cause; of changes, rules are asked what the engine is."""
    places = {ENGINE: NEVER if line.get("error") else place(truth, line)}
    rules: Mapping[str, Line] = line.get("baselines") or {}
    if truth.judged == "change":
        changed = line.get("ranked_changes") or ()
        of_rules = {name: of_changed(ranked, changed) for name, ranked in rules.items()}
        return places | {n: place(truth, r) for n, r in of_rules.items() if r["ranked_changes"]}
    if truth.judged == "ranking":
        return places | {n: place(truth, r) for n, r in rules.items() if r["ranking"]}
    return places


def _rows(name: str, judged: Sequence[_Judged]) -> list[Row]:
    methods = list(dict.fromkeys(method for one in judged for method in one.places))
    rows = [
        _row(name, method, "", [one.places.get(method, NEVER) for one in judged])
        for method in methods
    ]
    faults = sorted({one.truth.fault for one in judged})
    if len(faults) > 1:
        rows += [
            _row(name, ENGINE, f or "-", [o.places[ENGINE] for o in judged if o.truth.fault == f])
            for f in faults
        ]
    return rows


def _row(name: str, method: str, fault: str, places: list[float]) -> Row:
    found = accuracy(places)
    return Row(name, method, fault, found.n, found.ac_1, found.ac_3, found.avg_5)


def _saturated(judged: Sequence[_Judged]) -> str:
    """Why a set's answers tell nothing of how sure one may be; empty if they do."""
    if len(judged) < _LEAST:
        return f"fewer than {_LEAST} cases"
    if all(one.is_of_metrics for one in judged):
        return _NO_PROBABILITY
    if sum(one.is_forecast for one in judged) < _LEAST:
        return f"fewer than {_LEAST} answers"
    common = Counter(name for one in judged for name in _right(one.truth)).most_common(1)
    if common and common[0][1] >= _SOLVED * len(judged):
        return "one answer fits all"
    rules = {method for one in judged for method in one.places if method != ENGINE}
    for method in sorted(rules):
        if sum(one.places.get(method) == 1.0 for one in judged) >= _SOLVED * len(judged):
            return f"{method} solves it"
    return ""


def _right(truth: Truth) -> set[str]:
    """The answers that are right; that nothing is wrong is one."""
    return {"healthy"} if truth.judged == "healthy" else set(truth.right)


def _left_out(forecasts: Sequence[_Judged]) -> dict[str, float]:
    """The probabilities by case, each scaled by what the other sets taught; NaN of a single set."""
    p, y, sets = _forecast(forecasts)
    scaled = calibration.left_out(p, y, sets)
    return {one.line["case"]: float(p) for one, p in zip(forecasts, scaled, strict=True)}


def _forecast(
    forecasts: Sequence[_Judged],
) -> tuple[calibration.Floats, calibration.Floats, list[str]]:
    """How sure each was, whether it was right, and its set."""
    return (
        np.array([one.probability for one in forecasts]),
        np.array([float(one.right) for one in forecasts]),
        [str(one.line["set"]) for one in forecasts],
    )


def _set(
    name: str, judged: Sequence[_Judged], dull: str, scaled: Mapping[str, float]
) -> SetFigures:
    right = [one for one in judged if one.right and one.has_path]
    forecasts = [one for one in judged if one.is_forecast]
    p, y, _ = _forecast(forecasts)
    left_out = [] if dull else [scaled[one.line["case"]] for one in forecasts]
    done = [one.line for one in judged if not one.is_failed]
    return SetFigures(
        set=name,
        cases=len(judged),
        failed=len(judged) - len(done),
        verdicts=dict(Counter(line["verdict"] for line in done).most_common()),
        grounded=sum(one.is_grounded for one in right) / len(right) if right else math.nan,
        ingest_s=median([line["ingest_s"] for line in done] or [math.nan]),
        seconds=median([line["seconds"] for line in done] or [math.nan]),
        cpu_s=median([line["cpu_s"] for line in done] or [math.nan]),
        brier=calibration.brier(p, y),
        base_rate=calibration.base_rate(y),
        brier_left_out=math.nan if dull else calibration.brier(left_out, y),
        saturated=dull,
        asked=_OF_CHANGES if any(one.truth.judged == "change" for one in judged) else "",
    )


def _pooled(judged: Sequence[_Judged], scaled: Mapping[str, float]) -> Pooled:
    forecasts = [one for one in judged if one.is_forecast]
    p, y, sets = _forecast(forecasts)
    other, its = np.array([]), np.array([])
    if len(set(sets)) > 1:
        other, its = np.array([scaled[one.line["case"]] for one in forecasts]), y
    return Pooled(
        sets=tuple(dict.fromkeys(sets)),
        n=len(forecasts),
        failed=sum(one.is_failed for one in judged),
        brier=calibration.with_interval(calibration.brier, p, y),
        base_rate=calibration.base_rate(y),
        error=calibration.with_interval(calibration.calibration_error, p, y),
        brier_left_out=calibration.with_interval(calibration.brier, other, its),
        error_left_out=calibration.with_interval(calibration.calibration_error, other, its),
        bins=calibration.bins(p, y),
        curve=_curve(p, y),
        curve_left_out=_curve(other, its),
        bins_left_out=calibration.bins(other, its),
        teach=calibration.fit_alike(p, y, sets),
    )


def _curve(p: calibration.Floats, y: calibration.Floats) -> tuple[tuple[float, float], ...]:
    coverage, risk = calibration.risk_coverage(p, y)
    return tuple(zip(coverage.tolist(), risk.tolist(), strict=True))
