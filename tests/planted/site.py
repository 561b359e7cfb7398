"""A place on this machine where real processes run, break, and are looked at with `collect`."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import requests

from tests.shop.daemons import Ports, start_nginx, start_postgres, start_redis
from tests.shop.fleet import REPOSITORY
from tests.shop.processes import Child, Processes, TakeError

INQUEST = Path(sys.executable).parent / "inquest"
PATIENCE_S = 10.0


@dataclass(frozen=True)
class Site:
    """Processes on loopback, and the folder they live in."""

    processes: Processes
    run: Path

    def program(
        self, name: str, *words: object, environment: Mapping[str, str] | None = None
    ) -> Child:
        """Start one of our programs."""
        command = [sys.executable, "-m", f"tests.planted.programs.{name}", *map(str, words)]
        return self.processes.start(name, command, environment=environment, cwd=REPOSITORY)

    def postgres(self) -> str:
        """Start PostgreSQL with the shop's tables; gives how to connect to it."""
        return start_postgres(self.processes, self.run, free_port())

    def redis(self) -> int:
        """Start Redis; gives its port."""
        port = free_port()
        start_redis(self.processes, self.run, port)
        await_port(port)
        return port

    def nginx(self, upstream: int) -> int:
        """Start nginx in front of a port; gives its own."""
        ports = replace(Ports.from_base(20000), nginx=free_port())
        (self.run / "nginx").mkdir()
        text = f"upstream web {{ server 127.0.0.1:{upstream}; }}\n"
        (self.run / "nginx/upstream.conf").write_text(text, encoding="ascii")
        start_nginx(self.processes, self.run, ports)
        return ports.nginx

    def log(self, name: str) -> Path:
        """Say where the output of a process goes."""
        return self.run / "logs" / f"{name}.log"

    def await_line(self, name: str, words: str, times: int = 1) -> None:
        """Wait until a log has said something so often."""
        await_that(
            lambda: self.log(name).read_text("utf-8").count(words) >= times, f"{name}: {words}"
        )

    def logs(self, *names: str) -> list[str]:
        """Give the options that collect the logs of processes."""
        return [f"--logs={name}={self.log(name)}" for name in names]

    def postgres_log(self) -> str:
        """Give the option that collects PostgreSQL's log."""
        return f"--logs=postgresql={self.run / 'postgres/log/postgresql.json'}"


@contextmanager
def opened() -> Iterator[Site]:
    """Open a site; its processes and files end with it."""
    with tempfile.TemporaryDirectory(prefix="planted-") as folder:
        run = Path(folder)
        run.chmod(0o755)  # PostgreSQL runs as somebody else
        (run / "logs").mkdir()
        with Processes(run / "logs") as processes:
            yield Site(processes, run)


def collect(out: Path, prompt: str, *options: str) -> None:
    """Gather a bundle, as a person would."""
    words = ["collect", str(out), "--no-kube", f"--prompt={prompt}", *options]
    subprocess.run([INQUEST, *words], check=True)


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def await_that(holds: Callable[[], bool], what: str) -> None:
    """Wait for something; TakeError if it does not come."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > deadline:
            raise TakeError(f"{what} did not come in {PATIENCE_S:.0f} s")
        time.sleep(0.02)


def await_port(port: int) -> None:
    """Wait until somebody listens on a port."""

    def listens() -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True
        return False

    await_that(listens, f"a listener on {port}")


def visit(port: int, times: int) -> None:
    """Ask a web server for a few orders."""
    for _ in range(times):
        requests.get(f"http://127.0.0.1:{port}/order", timeout=PATIENCE_S)
