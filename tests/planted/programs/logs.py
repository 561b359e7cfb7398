"""The log of a program: to standard output, with UTC times."""

from __future__ import annotations

import logging
import sys
import time
from pathlib import Path

logging.Formatter.converter = time.gmtime
logging.basicConfig(
    stream=sys.stdout,
    level=logging.INFO,
    format="%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s: %(message)s",
    datefmt="%Y-%m-%dT%H:%M:%S",
)
log = logging.getLogger(Path(sys.argv[0]).stem)
