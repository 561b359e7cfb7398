"""The figures of a bench as tables of text or markdown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from math import isnan
from typing import TYPE_CHECKING, Any

from agent.apps.table import dress
from agent.report.words import plural

if TYPE_CHECKING:
    from agent.analysis.calibration import Interval
    from agent.apps.bench.measured import Bench, Pooled
    from agent.apps.options import Format

_ROWS = ["set", "method", "fault", "n", "AC@1", "AC@3", "Avg@5"]
_SETS = ["set", "cases", "failed", "verdicts", "grounded", "Brier", "base rate", "scaled by others",
         "s a case", "CPU s", "ingest s", "not pooled"]  # fmt: skip
_NAMED = 3
_COVERED = (0.25, 0.5, 0.75, 1.0)


def told(bench: Bench, form: Format) -> str:
    """The figures as a person reads them."""
    if not bench.sets:
        return _outside(bench)
    accuracy = [
        {
            "set": row.set,
            "method": row.method,
            "fault": row.fault,
            "n": row.n,
            "AC@1": _figure(row.ac_1),
            "AC@3": _figure(row.ac_3),
            "Avg@5": _figure(row.avg_5),
        }
        for row in bench.rows
    ]
    parts = [dress(_ROWS, accuracy, form), dress(_SETS, list(_sets(bench)), form)]
    if bench.pooled:
        parts.append("\n".join(_calibration(bench.pooled)))
    if outside := _outside(bench):
        parts.append(outside)
    return "\n\n".join(parts)


def _outside(bench: Bench) -> str:
    """What the figures do not hold."""
    cases = defaultdict[str, list[str]](list)
    for one in bench.failures:
        cases[one.why].append(one.case)
    lines = [f"not answered: {_few(names)}: {why}" for why, names in cases.items()]
    if bench.untold:
        untold = plural(bench.untold, "case")
        lines.append(f"{untold} without a truth that says how an answer is judged: not counted")
    return "\n".join(lines)


def _few(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _sets(bench: Bench) -> Iterator[dict[str, Any]]:
    for one in bench.sets:
        yield {
            "set": one.set,
            "cases": one.cases,
            "failed": one.failed,
            "verdicts": ", ".join(f"{count} {name}" for name, count in one.verdicts.items()),
            "grounded": _figure(one.grounded),
            "Brier": _figure(one.brier),
            "base rate": _figure(one.base_rate),
            "scaled by others": _figure(one.brier_left_out),
            "s a case": _figure(one.seconds),
            "CPU s": _figure(one.cpu_s),
            "ingest s": _figure(one.ingest_s),
            "not pooled": one.saturated,
        }


def _calibration(pooled: Pooled) -> Iterator[str]:
    yield f"calibration of {pooled.n} answers of {', '.join(pooled.sets)}"
    yield f"  Brier score {_interval(pooled.brier)}, base rate {_figure(pooled.base_rate)}"
    yield f"  debiased calibration error {_interval(pooled.error)}"
    yield (
        f"  scaled by the other sets: {_interval(pooled.brier_left_out)}, "
        f"{_interval(pooled.error_left_out)}"
    )
    for one in pooled.bins:
        yield f"  said {one.p:.3f}: {one.right:.3f} right of {one.n}"
    for least in _COVERED:
        share, wrong = next(point for point in pooled.curve if point[0] >= least - 1e-9)
        yield f"  answering the surest {share:.2f}: {wrong:.3f} wrong"


def _interval(one: Interval) -> str:
    return f"{_figure(one.value)} ({_figure(one.low)} to {_figure(one.high)})"


def _figure(value: float) -> str:
    return "-" if isnan(value) else f"{value:.3f}"
