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
    from agent.state import Window
    from lake.store import Lake

    Asked = tuple[Window, datetime]

ADAPTERS = "tests.bench.adapters"
ASKED = "bench.json"
"""Beside a lake: what is to be asked of it, and how long it took to fill; there once it is full."""

_CATALOG = "catalog.sqlite"  # what every lake has


@dataclass(frozen=True, slots=True)
class Plan:
    """What is common to all cases: where lakes are kept, what is left out, whether rules run."""

    lakes: Path | None = None
    without: frozenset[str] = frozenset()
    baselines: bool = False


def answer(case: Case, plan: Plan) -> dict[str, Any]:
    """Answer one case: a line of `answers.jsonl`; what stood in the way is in `error`."""
    line: dict[str, Any] = {"case": case.id, "id": case.id, "set": case.set, "rank": case.rank}
    try:
        return line | _answered(case, plan)
    except Exception as error:  # noqa: BLE001 - one case's fault is not the others'
        return line | _failed(_why(error))


def failed(case: Case, why: str) -> dict[str, Any]:
    """The line of a case whose process ended before it answered."""
    return {"case": case.id, "id": case.id, "set": case.set, "rank": case.rank} | _failed(why)


def _why(error: Exception) -> str:
    """What stood in the way; where it is nobody's input, the line of code."""
    from lake.errors import InquestError

    if isinstance(error, InquestError):
        return str(error)
    where = traceback.extract_tb(error.__traceback__)[-1]
    told = f"{type(error).__name__}: {error} ({Path(where.filename).name}:{where.lineno})"
    return f"a fault of Inquest's own, {told}"


def _failed(why: str) -> dict[str, Any]:
    return {"ranking": [], "scores": [], "probability": 0.0, "grounded": False, "error": why}


def _answered(case: Case, plan: Plan) -> dict[str, Any]:
    """What the engine found, and the rules: these answer even where the engine does not."""
    with _lake_of(case, plan) as (lake, request, ingest_s):
        window = None
        try:
            found, window = _investigated(lake, replace(request, without=plan.without), case)
        except Exception as error:  # noqa: BLE001 - the engine's fault is not the rules'
            found = _failed(_why(error))
        if plan.baselines:
            found["baselines"] = _by_rules(lake, request, window, case)
    return found | {"ingest_s": round(ingest_s, 3)}


def _investigated(lake: Lake, request: Request, case: Case) -> tuple[dict[str, Any], Asked]:
    """The engine's answer, how long it took, and the time that it was about."""
    from agent.apps.bench import reading
    from agent.investigation import investigated

    started, cpu = time.perf_counter(), time.process_time()
    state = investigated(lake, request)
    took, cpu = time.perf_counter() - started, time.process_time() - cpu
    report = state["report"]
    times = {"seconds": round(took, 3), "cpu_s": round(cpu, 3)}
    at = request.at or report.incident.detected_at
    return reading.line(report, case.rank) | times, (state["window"], at)


def _by_rules(lake: Lake, request: Request, asked: Asked | None, case: Case) -> dict[str, Any]:
    """What each rule says of the time that the engine settled on, else of the request's own."""
    from agent.apps.bench import baselines

    view = lake.at()
    about = asked or baselines.about(view, request)
    ranked = baselines.rankings(view, *about, case.rank) if about else {}
    return {
        name: {"ranking": [name for name, _ in best], "scores": [score for _, score in best]}
        for name, best in ranked.items()
    }


@contextmanager
def _lake_of(case: Case, plan: Plan) -> Iterator[tuple[Lake, Request, float]]:
    """The lake of a case, what is to be asked of it and how long it took to fill.

    One that was kept is used again, unless it was filled from other evidence.
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
    if not _is_of(case, home / ASKED):
        shutil.rmtree(_ours(home), ignore_errors=True)
        _filled(case, home)
    request, took = _asked(home / ASKED)
    with Lake.open(home) as lake:
        yield lake, request, took


def _is_of(case: Case, file: Path) -> bool:
    """Whether the lake beside a file was filled from the evidence that the case has now."""
    told: Any = json.loads(file.read_text()) if file.is_file() else {}
    return bool(told.get("of") == case.digest())


def _ours(home: Path) -> Path:
    """A lake that a run before did not fill, to be made anew; nothing else is deleted."""
    if home.is_dir() and any(home.iterdir()) and not (home / _CATALOG).exists():
        raise RequestError(f"{home} is no lake of a bench: name another folder for --lakes.")
    return home


def _filled(case: Case, home: Path) -> tuple[Request, float]:
    """Take a case's evidence in; that it is whole is said last."""
    from lake.store import Lake

    of, started = case.digest(), time.perf_counter()
    with Lake.create(home) as lake:
        request = _taken_in(lake, case)
    took = time.perf_counter() - started
    unfinished = home / f".{ASKED}"
    told = {"of": of, "request": _plain(request), "ingest_s": took}
    unfinished.write_text(json.dumps(told))
    os.replace(unfinished, home / ASKED)  # noqa: PTH105 - says that it replaces
    return request, took


def _taken_in(lake: Lake, case: Case) -> Request:
    """Ingest by the adapter that a case's layout has, else as a bundle."""
    from agent.apps.bundle import request_of
    from ingest.bundle import take

    for name, path in case.paths.items():
        if not path.exists():
            raise RequestError(f"There is no {path}, which {case.id} names as {name}.")
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
    return request_of(case.bundle)


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
        "question": request.question,
        "focus": request.focus,
        "whole": request.whole,
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
        question=given.get("question", ""),
        focus=tuple(given.get("focus", ())),
        whole=given.get("whole", False),
    )
    return request, float(told["ingest_s"])
