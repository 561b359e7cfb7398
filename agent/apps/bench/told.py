"""The figures of a bench as tables of text or markdown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from math import isnan
from typing import TYPE_CHECKING, Any

from agent.apps.table import dress
from agent.report.words import plural

if TYPE_CHECKING:
    from agent.analysis.calibration import Interval, Scaling
    from agent.apps.bench.measured import Bench, Pooled
    from agent.apps.options import Format

_ROWS = ["set", "method", "fault", "n", "AC@1", "AC@3", "Avg@5"]
_SETS = ["set", "cases", "failed", "verdicts", "grounded", "Brier", "base rate", "scaled by others",
         "s a case", "CPU s", "ingest s", "not pooled"]  # fmt: skip
_NAMED = 3
_COVERED = (0.25, 0.5, 0.75, 1.0)


def told(bench: Bench, form: Format) -> str:
    """The figures as a person reads them."""
    parts = [f"without: {', '.join(bench.without)}"] if bench.without else []
    if bench.sets:
        parts += _figures(bench, form)
    if beside := outside(bench):
        parts.append("\n".join(beside))
    return "\n\n".join(parts)


def _figures(bench: Bench, form: Format) -> list[str]:
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
    parts = [dress(_ROWS, accuracy, form)]
    if asked := [f"{one.set}: {one.asked}" for one in bench.sets if one.asked]:
        parts.append("\n".join(asked))
    parts.append(dress(_SETS, list(_sets(bench)), form))
    if bench.pooled:
        parts.append("\n".join(_calibration(bench.pooled)))
    return parts


def outside(bench: Bench) -> list[str]:
    """What was not answered, and what is not counted: a line each."""
    cases = defaultdict[str, list[str]](list)
    for one in bench.failures:
        cases[one.why].append(one.case)
    lines = [f"not answered: {_few(names)}: {why}" for why, names in cases.items()]
    if bench.untold:
        untold = plural(bench.untold, "case")
        lines.append(f"{untold} without a truth that says how an answer is judged: not counted")
    return lines


def pooled_of(pooled: Pooled) -> str:
    """Whose answers are pooled, and how many cases gave none."""
    told = f"{plural(pooled.n, 'answer')} of {', '.join(pooled.sets)}"
    return told + (
        f"; {plural(pooled.failed, 'case')} that failed gave none" if pooled.failed else ""
    )


def taught(scaling: Scaling) -> str:
    """A scaling in words."""
    sign = "minus" if scaling.intercept < 0 else "plus"
    return f"log odds times {scaling.slope:.2f} {sign} {abs(scaling.intercept):.2f}"


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
    yield f"calibration of {pooled_of(pooled)}"
    yield f"  Brier score {_interval(pooled.brier)}, base rate {_figure(pooled.base_rate)}"
    yield f"  debiased calibration error {_interval(pooled.error)}"
    if pooled.curve_left_out:
        yield (
            f"  scaled by the other sets: {_interval(pooled.brier_left_out)}, "
            f"{_interval(pooled.error_left_out)}"
        )
    yield f"  they teach: {taught(pooled.teach)}"
    for one in pooled.bins:
        yield f"  said {one.p:.3f}: {one.right:.3f} right of {one.n}"
    for least in _COVERED:
        share, wrong = next(point for point in pooled.curve if point[0] >= least - 1e-9)
        yield f"  answering the surest {share:.2f}: {wrong:.3f} wrong"


def _interval(one: Interval) -> str:
    return f"{_figure(one.value)} ({_figure(one.low)} to {_figure(one.high)})"


def _figure(value: float) -> str:
    return "-" if isnan(value) else f"{value:.3f}"
