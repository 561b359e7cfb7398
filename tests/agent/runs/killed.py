"""Investigations in processes of their own, killed with signal 9 in a node, then gone on with.

`python -m tests.agent.runs.killed LAKE OUT NODE...` writes OUT/NODE.json for each, the report. All
is imported once; what is killed is a fork that opens the lake by itself.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from functools import partial, wraps
from itertools import count
from pathlib import Path
from typing import Any

from langgraph.runtime import Runtime

import agent.graph as graph
from agent.apps.options import model_of
from agent.config import Request
from agent.investigation import investigated, resumed
from agent.nodes.context import Context, Means
from agent.report.as_json import dump
from agent.runs.runs import Runs
from agent.state import Investigation
from agent.step import Node, Step, step
from lake.store import Lake

MODEL = "openai:scripted-1"


def stopping(
    at: str, stop: Callable[[], None], *, is_done: bool, time: int = 1
) -> Callable[..., Any]:
    """What wraps each node of the graph, so that `stop` is called in one: before it, or after.

    It is the `time`-th that the run comes to that node.
    """
    begin = step
    times = count(1)

    def wrapped(node: Node, **kind: bool) -> Step:
        run = begin(node, **kind)

        @wraps(run)
        def stopped(state: Investigation, *, runtime: Runtime[Context]) -> Investigation:
            is_now = node.__name__ == at and next(times) == time
            if is_now and not is_done:
                stop()
            found = run(state, runtime=runtime)
            if is_now:
                stop()
            return found

        return stopped

    return wrapped


def killed_in(lake: Path, node: str) -> None:
    """Investigate, and be killed once a node has done its work and before that is kept."""
    kill = partial(os.kill, os.getpid(), signal.SIGKILL)
    setattr(graph, "step", stopping(node, kill, is_done=True))  # noqa: B010 - it is a function
    with Lake.open(lake) as home, Runs.open(lake) as runs:
        investigated(home, Request(), means=Means(model_of(MODEL)), runs=runs)


def gone_on(lake: Path, out: Path) -> None:
    """Go on with the run that was killed, and write its report."""
    with Lake.open(lake) as home, Runs.open(lake) as runs:
        (killed,) = [one.id for one in runs.list() if one.state == "killed"]
        found = resumed(home, runs.resume(killed), means=Means(model_of(MODEL)))
        out.write_text(dump(found["report"]), encoding="utf-8")


def forked(work: Callable[[], None]) -> int:
    """Do some work in a fork of this process; how it ended, as `os.waitpid` says."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - it is the last thing the fork does
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1]


def main(lake: Path, out: Path, *nodes: str) -> None:
    """Kill one investigation in each of the nodes, and go on with it."""
    for node in nodes:
        ended = forked(partial(killed_in, lake, node))
        if ended != signal.SIGKILL:
            sys.exit(f"The run was not killed in {node}, it ended with {ended}.")
        if forked(partial(gone_on, lake, out / f"{node}.json")):
            sys.exit(f"The run that was killed in {node} did not go on.")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])
