"""What the services share: an app with health and metrics, calls to peers, a database pool."""

from __future__ import annotations

import json
import logging
import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import prometheus_client
import redis
import requests
from flask import Flask, Response, jsonify
from flask.typing import ResponseReturnValue
from opentelemetry import baggage, metrics, trace
from opentelemetry.metrics import CallbackOptions, Observation
from psycopg import Connection
from psycopg_pool import ConnectionPool

from tests.shop.services import telemetry

CONNECT_TIMEOUT_S = 0.5
READ_TIMEOUT_S = 2.0
STATEMENT_TIMEOUT_S = 4
POOL_TIMEOUT_S = 3.0
POOL_MAX = 10

TENANT = ("shop.customer", "shop.region")
MAILS = "mails"


class Connections(Protocol):
    """The part of `psycopg_pool.ConnectionPool` that the services use."""

    def connection(self) -> AbstractContextManager[Connection[Any]]: ...

    def getconn(self) -> Connection[Any]: ...

    def putconn(self, conn: Connection[Any]) -> None: ...


@dataclass(frozen=True)
class Outside:
    """How partners are reached: their port, the name server's, and the authority to trust."""

    port: int
    resolver: int
    authority: str


@dataclass(frozen=True)
class Settings:
    """What an instance is told when it starts."""

    service: str
    version: str
    discovery: Path
    database: str
    redis: str
    seed: str
    configuration: Mapping[str, float]
    outside: Outside
    flags: Path


@dataclass(frozen=True)
class Reply:
    """A peer's answer below 500."""

    status: int
    body: dict[str, Any]


class PeerError(Exception):
    """A peer did not answer in time, could not be reached, or answered 5xx."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class PeerTimeoutError(PeerError):
    """A peer did not answer in time."""


class Peers:
    """Calls to other services, round robin over the instances in the discovery file."""

    def __init__(self, discovery: Path, caller: str = "") -> None:
        self.discovery = discovery
        self.caller = caller
        self._read_at = 0
        self._instances: dict[str, list[str]] = {}
        self._turn: dict[str, int] = {}
        self._lock = threading.Lock()
        self._local = threading.local()

    def next(self, service: str) -> str:
        """Give the address, `host:port`, of the instance whose turn it is."""
        changed_at = self.discovery.stat().st_mtime_ns
        with self._lock:
            if changed_at != self._read_at:
                self._instances = json.loads(self.discovery.read_text(encoding="utf-8"))
                self._read_at = changed_at
            by_edge = self._instances.get(f"{self.caller}>{service}")
            instances = by_edge or self._instances[service]
            turn = self._turn[service] = self._turn.get(service, -1) + 1
            return instances[turn % len(instances)]

    def call(
        self,
        service: str,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        timeout_s: float = READ_TIMEOUT_S,
    ) -> Reply:
        """Ask a peer and give its reply; raises `PeerError` when there is none worth having."""
        url = f"http://{self.next(service)}{path}"
        try:
            answer = self._session.request(
                method, url, json=body, timeout=(CONNECT_TIMEOUT_S, timeout_s)
            )
        except requests.Timeout as error:
            said = f"{service} did not answer {method} {path} in {timeout_s:g} s"
            raise PeerTimeoutError(said, 504) from error
        except requests.ConnectionError as error:
            raise PeerError(f"{service} could not be reached", 503) from error
        if answer.status_code >= 500:
            status = answer.status_code
            raise PeerError(f"{service} answered {status} to {method} {path}", max(status, 502))
        return Reply(answer.status_code, answer.json())

    @property
    def _session(self) -> requests.Session:
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
        session: requests.Session = self._local.session
        return session


class Partners:
    """Calls to companies outside, over TLS, each on a connection of its own."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    def call(self, partner: str, path: str, body: Mapping[str, Any], timeout_s: float) -> Reply:
        """Ask a partner and give its reply; raises `PeerError` when there is none worth having."""
        url = f"https://{partner}:{self._outside.port}{path}"
        try:
            answer = requests.post(
                url, json=body, timeout=timeout_s, verify=self._outside.authority
            )
        except requests.Timeout as error:
            said = f"{partner} did not answer POST {path} in {timeout_s:g} s"
            raise PeerTimeoutError(said, 504) from error
        except requests.ConnectionError as error:
            raise PeerError(f"{partner} could not be reached: {reason(error)}", 502) from error
        if answer.status_code >= 500:
            raise PeerError(f"{partner} answered {answer.status_code} to POST {path}", 502)
        return Reply(answer.status_code, answer.json())


def reason(error: BaseException) -> str:
    """Give what lies at the bottom of a failed connection, in its own words."""
    bottom = error
    while below := bottom.__cause__ or bottom.__context__:
        bottom = below
    return str(bottom)


class Flags:
    """Feature flags by region, read again whenever somebody has flipped one."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._read_at = 0
        self._regions: dict[str, list[str]] = {}

    def on(self, flag: str) -> bool:
        """Say whether a flag is on for the region whose request is served."""
        changed_at = self._file.stat().st_mtime_ns
        if changed_at != self._read_at:
            self._regions = json.loads(self._file.read_text(encoding="utf-8"))
            self._read_at = changed_at
        return baggage.get_baggage("shop.region") in self._regions.get(flag, ())


def name_tenant() -> None:
    """Put the customer and region that travel as baggage onto the server span."""
    span = trace.get_current_span()
    for key in TENANT:
        value = baggage.get_baggage(key)
        if isinstance(value, str):
            span.set_attribute(key, value)


class Kit:
    """What one instance holds while it runs."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.log = logging.getLogger(settings.service)
        self.peers = Peers(settings.discovery, settings.service)
        self.partners = Partners(settings.outside)
        self.flags = Flags(settings.flags)
        self.random = random.Random(f"{settings.seed}{settings.service}{time.time_ns()}")
        self._closers: list[Any] = []

    @cached_property
    def pool(self) -> ConnectionPool:
        """Database connections, opened and warm before the instance says that it is healthy."""
        pool = ConnectionPool(
            self.settings.database,
            name=self.settings.service,
            kwargs={
                "autocommit": True,
                "application_name": self.settings.service,
                "options": f"-c statement_timeout={STATEMENT_TIMEOUT_S}s",
            },
            min_size=4,
            max_size=POOL_MAX,
            timeout=POOL_TIMEOUT_S,
            open=False,
        )
        pool.open(wait=True, timeout=30)
        observe_pool(pool)
        self._closers.append(pool)
        return pool

    @cached_property
    def redis(self) -> redis.Redis:
        """One Redis client with its own pool, connected."""
        client = redis.Redis.from_url(
            self.settings.redis, decode_responses=True, socket_timeout=READ_TIMEOUT_S
        )
        client.ping()
        return client

    def work(self, median_s: float, sigma: float) -> None:
        """Take about as long as such work takes: log-normal, with one in 150 three times longer."""
        seconds = median_s * self.random.lognormvariate(0, sigma)
        time.sleep(seconds * 3 if self.random.random() < 1 / 150 else seconds)

    def app(self, before: Callable[[], None] = name_tenant) -> Flask:
        """Give a Flask app with what every service answers besides its own routes."""
        app = Flask(self.settings.service)
        telemetry.instrument_app(app)
        app.before_request(before)
        app.register_error_handler(PeerError, self._answer_for_peer)

        @app.get("/healthz")
        def healthz() -> ResponseReturnValue:
            return jsonify(status="ok", version=self.settings.version)

        @app.get("/metrics")
        def scrape() -> ResponseReturnValue:
            return Response(
                prometheus_client.generate_latest(),
                content_type=prometheus_client.CONTENT_TYPE_LATEST,
            )

        return app

    def at_end(self, holder: Any) -> None:
        """Let something be closed when the instance ends."""
        self._closers.append(holder)

    def close(self) -> None:
        """Give back what the instance holds."""
        for closer in self._closers:
            closer.close()

    def _answer_for_peer(self, error: PeerError) -> ResponseReturnValue:
        self.log.error("request failed: %s", error, exc_info=error)
        return jsonify(error=str(error)), error.status


def observe_pool(pool: ConnectionPool) -> None:
    """Report the pool under the names of the `db.client.connection.*` conventions."""
    meter = metrics.get_meter("shop.pool")
    name = {"db.client.connection.pool.name": pool.name}

    def count(_options: CallbackOptions) -> Iterable[Observation]:
        stats = pool.get_stats()
        idle = stats["pool_available"]
        yield Observation(idle, {**name, "db.client.connection.state": "idle"})
        used = stats["pool_size"] - idle
        yield Observation(used, {**name, "db.client.connection.state": "used"})

    def maximum(_options: CallbackOptions) -> Iterable[Observation]:
        yield Observation(pool.max_size, name)

    def pending(_options: CallbackOptions) -> Iterable[Observation]:
        yield Observation(pool.get_stats().get("requests_waiting", 0), name)

    def timeouts(_options: CallbackOptions) -> Iterable[Observation]:
        yield Observation(pool.get_stats().get("requests_errors", 0), name)

    gauge = meter.create_observable_up_down_counter
    gauge("db.client.connection.count", [count], "{connection}")
    gauge("db.client.connection.max", [maximum], "{connection}")
    gauge("db.client.connection.pending_requests", [pending], "{request}")
    meter.create_observable_counter("db.client.connection.timeouts", [timeouts], "{timeout}")
