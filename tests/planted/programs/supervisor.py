"""Starts a program again whenever it ends, as an init system does: `supervisor.py MODULE ...`."""

from __future__ import annotations

import subprocess
import sys
import time

from tests.planted.programs.logs import log

PAUSE_S = 0.3

name = sys.argv[1].rpartition(".")[2]
restarts = 0
while True:
    code = subprocess.run([sys.executable, "-m", *sys.argv[1:]], check=False).returncode
    restarts += 1
    log.warning("%s exited with code %s, starting it again (restart %s)", name, code, restarts)
    time.sleep(PAUSE_S)
