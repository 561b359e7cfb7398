"""One case: its evidence into a lake of its own, an investigation, and the answer read off it."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.errors import RequestError

if TYPE_CHECKING:
    from agent.apps.bench.pack import Case
    from agent.config import Request
    from lake.store import Lake

ADAPTERS = "tests.bench.adapters"
ASKED = "bench.json"
"""Beside a lake: what is to be asked of it, and how long it took to fill; there once it is full."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is common to all cases: where lakes are kept, what is left out, whether rules run."""

    lakes: Path | None = None
    without: frozenset[str] = frozenset()
    baselines: bool = False


def answer(case: Case, plan: Plan) -> dict[str, Any]:
    """Answer one case: a line of `answers.jsonl`; what stood in the way is in `error`."""
    from lake.errors import InquestError

    line: dict[str, Any] = {"case": case.id, "id": case.id, "set": case.set, "rank": case.rank}
    try:
        return line | _answered(case, plan)
    except InquestError as error:
        return line | _failed(str(error))
    except Exception as error:  # noqa: BLE001 - one case's fault is not the others'
        where = traceback.extract_tb(error.__traceback__)[-1]
        told = f"{type(error).__name__}: {error} ({Path(where.filename).name}:{where.lineno})"
        return line | _failed(f"a fault of Inquest's own, {told}")


def failed(case: Case, why: str) -> dict[str, Any]:
    """The line of a case whose process ended before it answered."""
    return {"case": case.id, "id": case.id, "set": case.set, "rank": case.rank} | _failed(why)


def _failed(why: str) -> dict[str, Any]:
    return {"ranking": [], "scores": [], "probability": 0.0, "grounded": False, "error": why}


def _answered(case: Case, plan: Plan) -> dict[str, Any]:
    from agent.apps.bench import baselines, reading
    from agent.graph import investigated

    with _lake_of(case, plan) as (lake, request, ingest_s):
        started, cpu = time.perf_counter(), time.process_time()
        state = investigated(lake, replace(request, without=plan.without))
        took, cpu = time.perf_counter() - started, time.process_time() - cpu
        report = state["report"]
        found = reading.line(report, case.rank)
        if plan.baselines:
            at = request.at or report.incident.detected_at
            found["baselines"] = {
                name: {"ranking": [n for n, _ in ranked], "scores": [s for _, s in ranked]}
                for name, ranked in baselines.rankings(
                    lake.at(), state["window"], at, case.rank
                ).items()
            }
    times = {"ingest_s": ingest_s, "seconds": took, "cpu_s": cpu}
    return found | {key: round(value, 3) for key, value in times.items()}


@contextmanager
def _lake_of(case: Case, plan: Plan) -> Iterator[tuple[Lake, Request, float]]:
    """The lake of a case, what is to be asked of it and how long it took to fill.

    One that was kept is used again.
    """
    from lake.store import Lake

    if plan.lakes is None:
        with tempfile.TemporaryDirectory(prefix="inquest-bench-") as scratch:
            home = Path(scratch) / case.alias
            request, took = _filled(case, home)
            with Lake.open(home) as lake:
                yield lake, request, took
        return
    home = plan.lakes / case.alias
    if not (home / ASKED).is_file():
        shutil.rmtree(_ours(home), ignore_errors=True)
        _filled(case, home)
    request, took = _asked(home / ASKED)
    with Lake.open(home) as lake:
        yield lake, request, took


def _ours(home: Path) -> Path:
    """A lake that a run before did not fill, to be made anew; nothing else is deleted."""
    if home.is_dir() and any(home.iterdir()) and not (home / "catalog.db").exists():
        raise RequestError(f"{home} is no lake of a bench: name another folder for --lakes.")
    return home


def _filled(case: Case, home: Path) -> tuple[Request, float]:
    """Take a case's evidence in; that it is whole is said last."""
    from lake.store import Lake

    started = time.perf_counter()
    with Lake.create(home) as lake:
        request = _taken_in(lake, case)
    took = time.perf_counter() - started
    unfinished = home / f".{ASKED}"
    unfinished.write_text(json.dumps({"request": _plain(request), "ingest_s": took}))
    os.replace(unfinished, home / ASKED)  # noqa: PTH105 - says that it replaces
    return request, took


def _taken_in(lake: Lake, case: Case) -> Request:
    """Ingest by the adapter that a case's layout has, else as a bundle."""
    from agent.config import Request
    from ingest.bundle import take

    if _has_adapters():
        adapter = import_module(ADAPTERS).adapter_for(case.pack, case.line)
        if adapter:
            asked: Request = adapter.take_in(lake, case.pack, case.line)
            return asked
    if case.bundle is None:
        here = "no adapter reads" if _has_adapters() else "there are no adapters here to read"
        raise RequestError(f"{case.id} is no folder of evidence, and {here} its layout.")
    with tempfile.TemporaryDirectory(prefix="inquest-") as scratch:
        neutral = Path(scratch) / case.alias
        neutral.symlink_to(case.bundle.resolve(), target_is_directory=True)
        take(lake, [neutral])
    return Request()


def _has_adapters() -> bool:
    try:
        return find_spec(ADAPTERS) is not None
    except ModuleNotFoundError:
        return False


def _plain(request: Request) -> dict[str, Any]:
    return {
        "at": request.at and request.at.isoformat(),
        "until": request.until and request.until.isoformat(),
        "calm": request.calm and [at.isoformat() for at in request.calm],
        "service": request.service,
        "alert": request.alert,
        "lookback_s": request.lookback_s,
    }


def _asked(file: Path) -> tuple[Request, float]:
    from agent.config import Request

    told = json.loads(file.read_text())
    given = told["request"]
    calm = given["calm"]
    request = Request(
        at=given["at"] and datetime.fromisoformat(given["at"]),
        until=given["until"] and datetime.fromisoformat(given["until"]),
        calm=calm and (datetime.fromisoformat(calm[0]), datetime.fromisoformat(calm[1])),
        service=given["service"],
        alert=given["alert"],
        lookback_s=given["lookback_s"],
    )
    return request, float(told["ingest_s"])
