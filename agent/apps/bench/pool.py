"""A few processes that answer cases; one that dies costs its case, and another takes its place."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from threading import Thread
from typing import Any

from agent.apps.bench.pack import Case
from agent.apps.bench.work import Plan, answer, failed

LONGEST_S = 900.0
"""How long one case may take; its process is ended then."""

_ENDS_S = 5.0

Work = Callable[[Case, Plan], dict[str, Any]]


@dataclass(slots=True)
class _Worker:
    process: SpawnProcess
    pipe: Connection
    case: Case
    since: float


def answers(
    cases: Sequence[Case], plan: Plan, jobs: int, work: Work = answer, longest_s: float = LONGEST_S
) -> Iterator[dict[str, Any]]:
    """Yield the answer of each case as it comes."""
    todo = list(reversed(cases))
    busy: list[_Worker] = []
    try:
        while todo or busy:
            while todo and len(busy) < jobs:
                busy.append(_hired(todo.pop(), plan, work))
            wait([one.pipe for one in busy], timeout=1.0)
            for one in list(busy):
                if (line := _line(one, longest_s)) is None:
                    continue
                yield line
                busy.remove(one)
                if todo and one.process.is_alive():
                    busy.append(_sent(one.process, one.pipe, todo.pop()))
                else:
                    _dismiss(one)
    finally:
        for one in busy:
            one.process.terminate()


def _hired(case: Case, plan: Plan, work: Work) -> _Worker:
    ours, theirs = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=_serve, args=(theirs, plan, work), daemon=True)
    process.start()
    theirs.close()
    return _sent(process, ours, case)


def _sent(process: SpawnProcess, pipe: Connection, case: Case) -> _Worker:
    with suppress(OSError):  # one that is gone is found when its answer is waited for
        pipe.send(case)
    return _Worker(process, pipe, case, time.monotonic())


def _line(one: _Worker, longest_s: float) -> dict[str, Any] | None:
    """What came of a worker's case; None while it works."""
    if one.pipe.poll():
        try:
            line: dict[str, Any] = one.pipe.recv()
        except (EOFError, OSError):
            one.process.join(_ENDS_S)
            return failed(one.case, f"its process ended with {one.process.exitcode}")
        return line
    if time.monotonic() - one.since > longest_s:
        one.process.kill()
        one.process.join(_ENDS_S)
        return failed(one.case, f"it took more than {longest_s:.0f} s")
    return None


def _dismiss(one: _Worker) -> None:
    one.pipe.close()
    one.process.join(_ENDS_S)
    if one.process.is_alive():
        one.process.terminate()


def _serve(pipe: Connection, plan: Plan, work: Work) -> None:
    """Answer what comes until nothing does."""
    if boss := parent_process():
        Thread(target=_end_with, args=[boss], daemon=True).start()
    while True:
        try:
            case = pipe.recv()
        except EOFError:
            return
        pipe.send(work(case, plan))


def _end_with(boss: Any) -> None:
    boss.join()
    os._exit(1)
