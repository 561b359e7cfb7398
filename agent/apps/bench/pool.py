"""A few processes that answer cases; one that dies costs its case, and another takes its place.

A process says that it has a case before it begins: one that ended before costs nothing.
"""

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
_TAKEN = "taken"

Work = Callable[[Case, Plan], dict[str, Any]]


@dataclass(slots=True)
class _Worker:
    process: SpawnProcess
    pipe: Connection
    case: Case
    since: float
    is_taken: bool = False
    """Whether the process has said that it has the case."""
    is_last_try: bool = False


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
                if _is_lost(one):
                    busy[busy.index(one)] = _hired(one.case, plan, work, is_last_try=True)
                    _dismiss(one)
                    continue
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


def _hired(case: Case, plan: Plan, work: Work, *, is_last_try: bool = False) -> _Worker:
    ours, theirs = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=_serve, args=(theirs, plan, work), daemon=True)
    process.start()
    theirs.close()
    return _sent(process, ours, case, is_last_try=is_last_try)


def _sent(
    process: SpawnProcess, pipe: Connection, case: Case, *, is_last_try: bool = False
) -> _Worker:
    with suppress(OSError):  # one that is gone is found when its answer is waited for
        pipe.send(case)
    return _Worker(process, pipe, case, time.monotonic(), is_last_try=is_last_try)


def _is_lost(one: _Worker) -> bool:
    """Whether a process ended before it had its case, which another may answer; tried once."""
    if one.is_taken or not one.pipe.poll():
        return False
    try:
        one.is_taken = one.pipe.recv() == _TAKEN
    except (EOFError, OSError):
        return not one.is_last_try
    return False


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
        pipe.send(_TAKEN)
        pipe.send(work(case, plan))


def _end_with(boss: Any) -> None:
    boss.join()
    os._exit(1)
