"""A service that takes orders over HTTP: `orders.py PORT [DATABASE]`; each goes to PostgreSQL."""

from __future__ import annotations

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg

from tests.planted.programs.logs import log

PORT, DATABASE = int(sys.argv[1]), "".join(sys.argv[2:])
BUY = "UPDATE stock SET available = available - 1 WHERE sku = 'SKU-1001'"


def order() -> None:
    if not DATABASE:
        return
    wait = "-c statement_timeout=1500"
    with psycopg.connect(DATABASE, application_name="orders", options=wait) as database:
        database.execute(BUY)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        try:
            order()
        except psycopg.Error:
            log.exception("GET %s failed", self.path)
            self._answer(500, b"no order was taken\n")
        else:
            log.info("GET %s took an order", self.path)
            self._answer(200, b"thank you\n")

    def log_message(self, form: str, *words: object) -> None:
        """The service writes its own log."""

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", PORT), Handler)
    log.info("orders listens on 127.0.0.1:%s", PORT)
    server.serve_forever()
