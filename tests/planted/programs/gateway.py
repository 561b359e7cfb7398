"""A service that never hangs up on its clients: `gateway.py PORT MOST_OPEN_FILES`."""

from __future__ import annotations

import resource
import socket
import sys
import time

from tests.planted.programs.logs import log

PORT, MOST = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (MOST, MOST))
listener = socket.create_server(("127.0.0.1", PORT))
log.info("gateway listens on 127.0.0.1:%s", PORT)
clients = []
while True:
    try:
        client, _ = listener.accept()
        clients.append(client)
        log.info("client %s connected", len(clients))
    except OSError:
        log.exception("a client could not be accepted")
        time.sleep(0.1)
