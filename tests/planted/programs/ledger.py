"""A service that writes every charge to its journal: `ledger.py JOURNAL`."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from tests.planted.programs.logs import log

journal = Path(sys.argv[1])
for number in range(100):
    try:
        with journal.open("a", encoding="utf-8") as file:
            file.write(f"charge {number}\n" * 20)
        log.info("journalled charge %s in %s", number, journal)
    except OSError:
        log.exception("charge %s could not be journalled in %s", number, journal)
    time.sleep(0.05)
