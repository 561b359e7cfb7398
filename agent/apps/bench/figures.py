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
from agent.analysis.scoring import NEVER, Truth, accuracy, place
from agent.apps.bench.measured import ENGINE, Bench, Failure, Pooled, Row, SetFigures

_SOLVED = 0.95  # of a set: who reaches that leaves nothing to be told of calibration
_LEAST = 5  # cases of a set

Line = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Judged:
    """An answer with its truth, and where each method has the right cause."""

    line: Line
    truth: Truth
    places: dict[str, float]

    @property
    def probability(self) -> float:
        """How sure the answer was of what it is judged by."""
        if self.truth.judged == "healthy":
            sure = self.line.get("confidence") if self.line.get("verdict") == "healthy" else 0.0
        else:
            of_change = self.truth.judged == "change"
            sure = self.line.get("change_probability" if of_change else "probability")
        return float(sure or 0.0)

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
    scaled = _left_out(telling)
    return Bench(
        rows=tuple(row for name, judged in sets.items() for row in _rows(name, judged)),
        sets=tuple(_set(name, judged, dull[name], scaled) for name, judged in sets.items()),
        pooled=_pooled(telling, scaled) if telling else None,
        failures=tuple(Failure(line["case"], line["error"]) for line in lines if line.get("error")),
        without=tuple(sorted(without)),
        untold=sum(line["case"] not in truths for line in lines),
    )


def _places(line: Line, truth: Truth) -> dict[str, float]:
    places = {ENGINE: NEVER if line.get("error") else place(truth, line)}
    if truth.judged in ("ranking", "change"):
        for name, ranked in (line.get("baselines") or {}).items():
            if ranked["ranking"]:
                places[name] = place(truth, ranked | {"ranked_changes": ranked["ranking"]})
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
    common = Counter(name for one in judged for name in set(one.truth.right)).most_common(1)
    if common and common[0][1] >= _SOLVED * len(judged):
        return "one answer fits all"
    methods = {method for one in judged for method in one.places}
    for method in sorted(methods):
        if sum(one.places.get(method) == 1.0 for one in judged) >= _SOLVED * len(judged):
            return f"{method} solves it"
    return ""


def _left_out(judged: Sequence[_Judged]) -> dict[str, float]:
    """The probabilities by case, each scaled by what the other sets taught."""
    scaled = calibration.left_out(
        [one.probability for one in judged],
        [float(one.right) for one in judged],
        [one.line["set"] for one in judged],
    )
    return {one.line["case"]: float(p) for one, p in zip(judged, scaled, strict=True)}


def _set(
    name: str, judged: Sequence[_Judged], dull: str, scaled: Mapping[str, float]
) -> SetFigures:
    right = [one for one in judged if one.right]
    p = [one.probability for one in judged]
    y = [float(one.right) for one in judged]
    left_out = [scaled[one.line["case"]] for one in judged if one.line["case"] in scaled]
    done = [one.line for one in judged if not one.line.get("error")]
    return SetFigures(
        set=name,
        cases=len(judged),
        failed=len(judged) - len(done),
        verdicts=dict(Counter(line["verdict"] for line in done).most_common()),
        grounded=sum(one.line["grounded"] for one in right) / len(right) if right else math.nan,
        ingest_s=median([line["ingest_s"] for line in done] or [math.nan]),
        seconds=median([line["seconds"] for line in done] or [math.nan]),
        cpu_s=median([line["cpu_s"] for line in done] or [math.nan]),
        brier=calibration.brier(p, y),
        base_rate=calibration.base_rate(y),
        brier_left_out=math.nan if dull else calibration.brier(left_out, y),
        saturated=dull,
    )


def _pooled(judged: Sequence[_Judged], scaled: Mapping[str, float]) -> Pooled:
    p = np.array([one.probability for one in judged])
    y = np.array([float(one.right) for one in judged])
    other = np.array([scaled[one.line["case"]] for one in judged])
    return Pooled(
        sets=tuple(dict.fromkeys(str(one.line["set"]) for one in judged)),
        n=len(judged),
        brier=calibration.with_interval(calibration.brier, p, y),
        base_rate=calibration.base_rate(y),
        error=calibration.with_interval(calibration.calibration_error, p, y),
        brier_left_out=calibration.with_interval(calibration.brier, other, y),
        error_left_out=calibration.with_interval(calibration.calibration_error, other, y),
        bins=calibration.bins(p, y),
        curve=_curve(p, y),
        curve_left_out=_curve(other, y),
        bins_left_out=calibration.bins(other, y),
    )


def _curve(p: calibration.Floats, y: calibration.Floats) -> tuple[tuple[float, float], ...]:
    coverage, risk = calibration.risk_coverage(p, y)
    return tuple(zip(coverage.tolist(), risk.tolist(), strict=True))
