"""mailer: confirms orders by mail, from a list in Redis, through a post office outside the shop."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, Literal

from flask import Flask
from opentelemetry import context, metrics, propagate, trace
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.metrics import CallbackOptions, Observation
from redis import RedisError

from tests.shop.services.kit import MAILS, Kit, PeerError, name_tenant

POST, POST_WITHIN_S = "api.post.example", 3.0
IDLE_S = 1
ABOUT = {"messaging.system": "redis", "messaging.destination.name": MAILS}

Mail = dict[str, Any]
Order = Literal["last", "first"]

tracer = trace.get_tracer("shop.mailer")


class UnknownCustomerError(Exception):
    """A mail is for somebody whose address nobody knows."""


class Worker:
    """A thread that takes mails from the list and sends them, one after the other."""

    def __init__(self, kit: Kit, address: Callable[[Mail], str], again: Order) -> None:
        self._kit, self._address = kit, address
        self._put_back = kit.redis.lpush if again == "last" else kit.redis.rpush
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Finish the mail at hand and take no other."""
        self._stopped.set()
        self._thread.join(POST_WITHIN_S + IDLE_S)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                with suppress_instrumentation():  # an idle wait is no work
                    taken = self._kit.redis.brpop([MAILS], timeout=IDLE_S)
                if isinstance(taken, list | tuple):
                    self._handle(str(taken[1]))
            except RedisError as error:
                self._kit.log.error("cannot read %s: %s", MAILS, error)
                self._stopped.wait(IDLE_S)

    def _handle(self, taken: str) -> None:
        mail = json.loads(taken)
        token = context.attach(propagate.extract(mail["headers"]))
        try:
            with tracer.start_as_current_span(
                f"process {MAILS}", None, trace.SpanKind.CONSUMER, ABOUT
            ):
                name_tenant()
                self._send(mail)
        except (PeerError, UnknownCustomerError) as error:
            said = "mail of order %s failed, to be tried again: %s"
            self._kit.log.error(said, mail["order"], error)
            self._put_back(MAILS, taken)
            time.sleep(0.2)
        finally:
            context.detach(token)

    def _send(self, mail: Mail) -> None:
        letter = {"to": self._address(mail), "about": mail["order"]}
        self._kit.partners.call(POST, "/mails", letter, POST_WITHIN_S)
        self._kit.log.info("mail of order %s sent", mail["order"])


def build(kit: Kit, address: Callable[[Mail], str], again: Order) -> Flask:
    """Give the app, with how versions address a mail, and when one that failed is tried again."""
    app = kit.app()
    kit.at_end(Worker(kit, address, again))

    def waiting(_options: CallbackOptions) -> Iterable[Observation]:
        try:
            with suppress_instrumentation():
                length = kit.redis.llen(MAILS)
        except RedisError:
            return
        yield Observation(int(length), ABOUT)

    meter = metrics.get_meter("shop.mailer")
    meter.create_observable_gauge("messaging.queue.length", [waiting], "{message}")
    return app
