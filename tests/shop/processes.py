"""Child processes that never outlive the recorder."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import requests

STOP_WITHIN_S = 10.0


class TakeError(Exception):
    """The take is lost: something did not start, or did not happen in time."""


class StartError(TakeError):
    """A process did not come up; the message says which, and how its log ends."""


@dataclass(frozen=True)
class Child:
    """A process that was started, and where its output goes."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def ended(self) -> bool:
        """Say whether it is gone."""
        return self.process.poll() is not None

    def last_words(self) -> str:
        """Give the end of its output."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-600:]


class Processes:
    """A process group whose members end with this object, or with the recorder itself.

    Its leader waits for the end of its standard input, which comes when the recorder is gone
    however it went, and then signals the group.
    """

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._children: list[Child] = []
        self._leader = subprocess.Popen(
            ["sh", "-c", "cat > /dev/null; trap '' TERM; kill -TERM 0; sleep 5; kill -KILL 0"],
            stdin=subprocess.PIPE,
            process_group=0,
        )

    def start(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        environment: Mapping[str, str] | None = None,
        user: str | None = None,
        cwd: Path | None = None,
    ) -> Child:
        """Start a process, as `user` if one is given, with its output in the log folder."""
        log = self._logs / f"{name}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
                cwd=cwd,
                user=user,
                process_group=self._leader.pid,
            )
        child = Child(name, process, log)
        self._children.append(child)
        return child

    def named(self, name: str) -> Child:
        """Give a running process by its name."""
        return next(child for child in self._children if child.name == name)

    def stop(self, child: Child, how: signal.Signals = signal.SIGTERM) -> None:
        """Ask a process to end, and insist after ten seconds."""
        if child in self._children:
            self._children.remove(child)
        if child.ended():
            return
        child.process.send_signal(how)
        try:
            child.process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            child.process.kill()
            child.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Ask all to end, the newest first, then insist."""
        for child in reversed(self._children):
            child.process.send_signal(signal.SIGINT if child.name == "postgres" else signal.SIGTERM)
        for child in reversed(self._children.copy()):
            self.stop(child)
        if self._leader.stdin:
            self._leader.stdin.close()
        os.killpg(self._leader.pid, signal.SIGKILL)
        self._leader.wait()


def await_http(child: Child, url: str, within_s: float = 60.0) -> None:
    """Wait until `url` answers 200; raises StartError when `child` ends or takes too long."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if child.ended():
            raise StartError(f"{child.name} ended while starting: {child.last_words()}")
        try:
            if requests.get(url, timeout=2).status_code == 200:
                return
        except requests.RequestException:
            pass
        time.sleep(0.1)
    raise StartError(f"{child.name} did not answer {url} in {within_s:.0f} s: {child.last_words()}")
