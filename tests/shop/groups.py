"""The machines of the shop, as Linux control groups (version 1) that its processes live in.

Where there are none to be had (not root, or only version 2), nothing is limited or measured.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
CONTROLLERS = ("cpu", "cpuacct", "blkio")
PERIOD_US = 100_000


@dataclass
class Groups:
    """One group a machine, under a name that no other shop uses; "" is none at all."""

    prefix: str = ""
    _hosts: set[str] = field(default_factory=set)

    @property
    def usable(self) -> bool:
        """Say whether machines can be told apart here."""
        return bool(self.prefix) and all(os.access(ROOT / each, os.W_OK) for each in CONTROLLERS)

    def add(self, host: str, pid: int) -> None:
        """Let a process and all its children live on a machine."""
        if not self.usable:
            return
        self._hosts.add(host)
        for controller in CONTROLLERS:
            folder = self._folder(controller, host)
            folder.mkdir(exist_ok=True)
            for each in (pid, *children(pid)):
                with suppress(ProcessLookupError):
                    (folder / "cgroup.procs").write_text(str(each), encoding="ascii")

    def limit_cpu(self, host: str, cores: float | None) -> None:
        """Give a machine so much processor time a second; None is all there is."""
        quota = -1 if cores is None else int(cores * PERIOD_US)
        file = self._folder("cpu", host) / "cpu.cfs_quota_us"
        file.write_text(str(quota), encoding="ascii")

    def limit_writes(self, host: str, per_s: int, disk: Path) -> None:
        """Let a machine write so often a second to the disk that holds `disk`; 0 is no limit."""
        number = disk.stat().st_dev
        file = self._folder("blkio", host) / "blkio.throttle.write_iops_device"
        file.write_text(f"{os.major(number)}:{os.minor(number)} {per_s}", encoding="ascii")

    def folders(self) -> dict[str, dict[str, str]]:
        """Give each machine's folders, by controller."""
        return {
            host: {each: str(self._folder(each, host)) for each in CONTROLLERS}
            for host in sorted(self._hosts)
        }

    def close(self) -> None:
        """Take the machines down, once nothing lives on them."""
        for host in self._hosts:
            for controller in CONTROLLERS:
                remove(self._folder(controller, host))

    def _folder(self, controller: str, host: str) -> Path:
        return ROOT / controller / f"{self.prefix}-{host}"


def remove(folder: Path) -> None:
    """Remove an empty group; the kernel takes a moment to see that it is."""
    for _ in range(20):
        try:
            folder.rmdir()
        except OSError:
            time.sleep(0.1)
        else:
            return


def children(pid: int) -> list[int]:
    """Find the children of a process."""
    return [each for each, parent in parents() if parent == pid]


def parents() -> list[tuple[int, int]]:
    """Give every process with its parent."""
    found = []
    for file in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            said = file.read_text(encoding="utf-8", errors="replace")
            found.append((int(file.parent.name), int(said.rpartition(")")[2].split()[1])))
    return found
