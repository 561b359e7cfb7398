"""A service that asks a partner over TLS: `payments.py PORT AUTHORITY`."""

from __future__ import annotations

import ssl
import sys
import time
import urllib.request

from tests.planted.programs.logs import log

context = ssl.create_default_context(cafile=sys.argv[2])
url = f"https://localhost:{sys.argv[1]}/"
for number in range(100):
    try:
        with urllib.request.urlopen(url, context=context, timeout=2) as answer:
            log.info("charge %s: the partner answered %s", number, answer.status)
    except OSError:
        log.exception("charge %s failed at %s", number, url)
    time.sleep(0.2)
