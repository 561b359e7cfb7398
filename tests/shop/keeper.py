"""What keeps the instances alive: it kills who uses too much memory, and starts the dead anew."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress
from pathlib import Path

from tests.shop.fleet import Fleet, Instance

MEMORY_LIMIT_BYTES = 230 * 2**20
LOOK_EVERY_S = 1.0
BACK_OFF_S = 3.0
PAGE = os.sysconf("SC_PAGE_SIZE")


class Keeper:
    """A thread over a fleet, from `start` to `close`, as a node's kubelet is to its pods."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.restarts: list[str] = []

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def close(self) -> None:
        """Look no more."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        dead: dict[str, float] = {}
        while not self._stopped.wait(LOOK_EVERY_S):
            for instance in self._fleet.instances():
                self._look(instance, dead)

    def _look(self, instance: Instance, dead: dict[str, float]) -> None:
        if not instance.child.ended():
            if memory_bytes(instance) > MEMORY_LIMIT_BYTES:
                instance.child.process.send_signal(signal.SIGKILL)
            return
        waited = dead[instance.id] = dead.get(instance.id, 0.0) + LOOK_EVERY_S
        if waited >= BACK_OFF_S and self._fleet.restart(instance):
            self.restarts.append(instance.id)


def memory_bytes(instance: Instance) -> int:
    """Give how much memory an instance has in use; 0 when it is gone."""
    with suppress(OSError, IndexError):
        said = Path(f"/proc/{instance.child.process.pid}/statm").read_text(encoding="ascii")
        return int(said.split()[1]) * PAGE
    return 0
