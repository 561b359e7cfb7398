"""Other programs that map logs, run on the same input: Tenzir, rsyslog, syslog-ng.

`python -m tests.bench.peers FOLDER` fetches them into a folder, installs nothing, and prints the
variables by which the bench finds them; else it looks in PATH. What each does with the records of a
source is its file in `pipelines/`, whose first line says it in words.
"""

from __future__ import annotations

import os
import resource
import shutil
import socket
import subprocess
import sys
import time
import venv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

PIPELINES = Path(__file__).parent / "pipelines"
DEADLINE_SECONDS = 300

_TENZIR = "tenzir==6.20.*"
_DEBIAN = {
    "rsyslog": ("rsyslog", "libestr0", "libfastjson4", "liblognorm5"),
    "syslog-ng": ("syslog-ng-core", "libivykis0", "libjson-c5", "libnet1", "libwrap0", "libpcre3"),
}


@dataclass(frozen=True)
class Run:
    """One run of a peer: its program, its pipeline for this input, and a folder of its own."""

    program: Path
    pipeline: Path
    input: Path
    folder: Path
    events: int

    def output(self) -> int:
        """How many events have been written."""
        (found,) = [*self.folder.glob("output.*"), None][:1]
        if found is None:
            return 0
        if found.suffix == ".parquet":
            return int(pq.read_metadata(found).num_rows)
        with found.open("rb") as file:
            return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))


@dataclass(frozen=True)
class Peer:
    """A program, the variable that says where it is, its pipelines' suffix, and how it is run."""

    name: str
    program: str
    variable: str
    suffix: str
    run: Callable[[Run], None]

    def found(self) -> Path | None:
        """Where the program is; None if it is not installed."""
        path = os.environ.get(self.variable) or shutil.which(self.program)
        return Path(path) if path else None

    def pipeline(self, source: str) -> Path:
        """What it does with the records of a source; no such file if it cannot read them."""
        return PIPELINES / self.name / f"{source}{self.suffix}"

    def does(self, source: str) -> str:
        """Say in words what its pipeline does."""
        return self.pipeline(source).read_text("utf-8").partition("\n")[0].lstrip("#/ ")

    def cpu_seconds(self, source: str, given: Path, folder: Path, events: int) -> float:
        """Run it once, start to end, and give the user and system time that it took.

        Raises RuntimeError if it did not write as many events as there are.
        """
        program = self.found()
        assert program is not None  # the bench asks only those that it has found
        folder.mkdir()
        pipeline = folder / f"pipeline{self.suffix}"
        text = self.pipeline(source).read_text("utf-8")
        for word, path in {"INPUT": given, "OUTPUT": folder / "output", "FOLDER": folder}.items():
            text = text.replace(word, str(path))
        pipeline.write_text(text, "utf-8")
        run = Run(program, pipeline, given, folder, events)
        before = _children_seconds()
        self.run(run)
        if run.output() != events:
            raise RuntimeError(f"{self.name} wrote {run.output()} of {events} events of {source}.")
        return _children_seconds() - before


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _tenzir(run: Run) -> None:
    command: list[Path | str] = [run.program, "-f", run.pipeline]
    subprocess.run(command, check=True, cwd=run.folder, timeout=DEADLINE_SECONDS)


def _rsyslog(run: Run) -> None:
    """Send the daemon the input, or let it read it, and stop it when all is written."""
    command: list[Path | str] = [run.program, "-n", "-f", run.pipeline, "-i", run.folder / "pid"]
    if modules := [*_root(run).glob("usr/lib/*/rsyslog")]:
        command += ["-M", modules[0]]
    until = time.monotonic() + DEADLINE_SECONDS
    with subprocess.Popen(command, env=_environment(run), stderr=subprocess.DEVNULL) as daemon:
        if "imptcp" in run.pipeline.read_text("utf-8"):
            _send(run.input, run.folder / "socket")
        while run.output() < run.events and time.monotonic() < until and daemon.poll() is None:
            time.sleep(0.2)
        daemon.terminate()


def _send(given: Path, to: Path) -> None:
    """Send a file to a socket, once it is there."""
    with socket.socket(socket.AF_UNIX) as connection, given.open("rb") as file:
        until = time.monotonic() + DEADLINE_SECONDS
        while connection.connect_ex(str(to)) and time.monotonic() < until:
            time.sleep(0.05)
        connection.sendfile(file)


def _syslog_ng(run: Run) -> None:
    """It ends at the end of its input, which has to be a pipe."""
    command: list[Path | str] = [run.program, "-F", "--no-caps", "-f", run.pipeline]
    for option, name in {"-R": "persist", "-p": "pid", "-c": "control"}.items():
        command += [option, run.folder / name]
    if modules := [*_root(run).glob("usr/lib/syslog-ng/3.*")]:
        command += ["--module-path", modules[0]]
    subprocess.run(
        command,
        check=True,
        env=_environment(run),
        input=run.input.read_bytes(),
        stderr=subprocess.DEVNULL,
        timeout=DEADLINE_SECONDS,
    )


def _root(run: Run) -> Path:
    """The folder under which a program was unpacked: it is `usr/sbin/...` in it."""
    return run.program.resolve().parents[2]


def _environment(run: Run) -> dict[str, str]:
    """Let an unpacked program find the libraries that were unpacked with it."""
    root = _root(run)
    folders = [*root.glob("usr/lib/*-linux-gnu"), *root.glob("lib/*-linux-gnu")]
    folders += root.glob("usr/lib/syslog-ng")
    return os.environ | {"LD_LIBRARY_PATH": ":".join(map(str, folders))}


PEERS = (
    Peer("tenzir", "tenzir", "TENZIR", ".tql", _tenzir),
    Peer("rsyslog", "rsyslogd", "RSYSLOGD", ".conf", _rsyslog),
    Peer("syslog_ng", "syslog-ng", "SYSLOG_NG", ".conf", _syslog_ng),
)


def fetch(folder: Path) -> dict[str, Path]:
    """Fetch every peer into a folder; give the programs by the variables that name them."""
    folder.mkdir(parents=True, exist_ok=True)
    python = folder / "tenzir" / "bin"
    venv.create(folder / "tenzir", with_pip=True)
    subprocess.run([python / "pip", "install", "--quiet", _TENZIR], check=True)
    for root, packages in _DEBIAN.items():
        debs = folder / f"{root}.debs"
        debs.mkdir(exist_ok=True)
        subprocess.run(["apt-get", "download", *packages], check=True, cwd=debs)
        for deb in debs.glob("*.deb"):
            subprocess.run(["dpkg", "-x", deb, folder / root], check=True)
    return {
        "TENZIR": python / "tenzir",
        "RSYSLOGD": folder / "rsyslog" / "usr" / "sbin" / "rsyslogd",
        "SYSLOG_NG": folder / "syslog-ng" / "usr" / "sbin" / "syslog-ng",
    }


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Say in which folder to put the peers: python -m tests.bench.peers FOLDER")
    for variable, path in fetch(Path(sys.argv[1]).resolve()).items():
        sys.stdout.write(f"export {variable}={path}\n")
