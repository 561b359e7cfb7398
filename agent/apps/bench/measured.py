"""What a bench measured: accuracy, verdicts, time, and whether probabilities mean what they say."""

from __future__ import annotations

from dataclasses import dataclass

from agent.analysis.calibration import Bin, Interval, Scaling

ENGINE = "Inquest"


@dataclass(frozen=True, slots=True)
class Row:
    """The accuracy of a method on a set, or of the engine on one kind of fault of it.

    `ac_1` is the share of cases with a right cause first, ties counting against it.
    """

    set: str
    method: str
    fault: str
    n: int
    ac_1: float
    ac_3: float
    avg_5: float


@dataclass(frozen=True, slots=True)
class SetFigures:
    """What else was measured on a set; `saturated` says why it tells nothing of calibration.

    `grounded` is the share of right answers whose path was checked, of those that have one; times
    are medians in seconds. `brier_left_out` is the score under a scaling fitted on the other sets,
    NaN where there are none. `asked` says what is easier than to name the cause among all.
    """

    set: str
    cases: int
    failed: int
    verdicts: dict[str, int]
    grounded: float
    ingest_s: float
    seconds: float
    cpu_s: float
    brier: float
    base_rate: float
    brier_left_out: float
    saturated: str = ""
    asked: str = ""


@dataclass(frozen=True, slots=True)
class Pooled:
    """Calibration over sets that are not saturated; a curve is of (answered, wrong of those).

    `n` answers gave a probability; `failed` cases gave no answer. `teach` is the scaling that all
    sets together teach, each weighing alike; what is `left_out` is NaN or empty of a single set.
    """

    sets: tuple[str, ...]
    n: int
    failed: int
    brier: Interval
    base_rate: float
    error: Interval
    brier_left_out: Interval
    error_left_out: Interval
    bins: tuple[Bin, ...]
    curve: tuple[tuple[float, float], ...]
    curve_left_out: tuple[tuple[float, float], ...]
    bins_left_out: tuple[Bin, ...]
    teach: Scaling


@dataclass(frozen=True, slots=True)
class Failure:
    """A case that could not be answered, and why."""

    case: str
    why: str


@dataclass(frozen=True, slots=True)
class Bench:
    """All that a bench measured."""

    rows: tuple[Row, ...]
    sets: tuple[SetFigures, ...]
    pooled: Pooled | None
    failures: tuple[Failure, ...] = ()
    without: tuple[str, ...] = ()
    untold: int = 0
