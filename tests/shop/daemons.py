"""The servers around the services: PostgreSQL, Redis, nginx, Prometheus and what belongs to it."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from tests.shop.authority import LIFE, Authority
from tests.shop.fleet import PROXY, REPOSITORY, ZONES, port_of
from tests.shop.groups import Groups
from tests.shop.outside import PARTNERS
from tests.shop.processes import Child, Processes, StartError, await_http

CONFIG = Path(__file__).parent / "config"
PACKAGES = {
    "nginx": "nginx",
    "openssl": "openssl",
    "psql": "postgresql-client",
    "redis-server": "redis-server",
    "prometheus": "prometheus",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "prometheus-postgres-exporter": "prometheus-postgres-exporter",
    "prometheus-redis-exporter": "prometheus-redis-exporter",
}
SERVICE_PORTS = 80
POSTGRES_LOG = {
    "log_destination": "jsonlog",
    "logging_collector": "on",
    "log_filename": "postgresql.log",
    "log_timezone": "UTC",
    "log_connections": "on",
    "log_disconnections": "on",
    "log_lock_waits": "on",
    "deadlock_timeout": "1s",
    "log_min_duration_statement": "750ms",
}
RUNTIME_ENVIRONMENT = {"GOMAXPROCS": "1"}


@dataclass(frozen=True)
class Ports:
    """Where everything listens, on loopback."""

    nginx: int
    recorder: int
    postgres: int
    redis: int
    prometheus: int
    alertmanager: int
    postgres_exporter: int
    redis_exporter: int
    outside: int
    resolver: int
    first_service: int

    @classmethod
    def from_base(cls, base: int) -> Ports:
        """Lay the ports out from `base`, the last digits being what one would guess."""
        return cls(
            nginx=base + 80,
            recorder=base + 43,
            postgres=base + 32,
            redis=base + 79,
            prometheus=base + 90,
            alertmanager=base + 93,
            postgres_exporter=base + 87,
            redis_exporter=base + 21,
            outside=base + 44,
            resolver=base + 53,
            first_service=base + 101,
        )


def postgres_program(name: str) -> Path | None:
    """Find a program of the newest PostgreSQL that Debian installed outside PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return found[-1] if found else None


def missing_packages() -> list[str]:
    """Name the Debian packages this needs and the machine lacks."""
    missing = [package for program, package in PACKAGES.items() if shutil.which(program) is None]
    return missing + ([] if postgres_program("initdb") else ["postgresql"])


def taken(ports: Ports) -> list[int]:
    """Name those of the fixed ports that something else listens on."""
    fixed = {port for name, port in asdict(ports).items() if name != "first_service"}
    wanted = fixed | set(range(ports.first_service, ports.first_service + SERVICE_PORTS))
    return sorted(port for port in wanted if not free(port))


def free(port: int) -> bool:
    """Say whether one can listen on `port`."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def fill(template: str, run: Path, ports: Ports) -> str:
    """Fill the @names@ of a configuration file in; raises KeyError at one that nobody knows."""
    user = "user root;" if os.geteuid() == 0 else ""
    known = {"run": str(run), "user": user} | {k: str(v) for k, v in asdict(ports).items()}
    text = (CONFIG / template).read_text(encoding="utf-8")
    return re.sub(r"@(\w+)@", lambda name: known[name[1]], text)


def start_postgres(processes: Processes, run: Path, port: int) -> str:
    """Start PostgreSQL on a new database with the shop's tables; gives how to connect to it."""
    data = run / "postgres"
    data.mkdir()
    user = None
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        user = "postgres"
        shutil.chown(data, user)
    initdb, postgres = postgres_program("initdb"), postgres_program("postgres")
    if initdb is None or postgres is None:
        raise StartError("postgresql is not installed")
    done = subprocess.run(
        [initdb, "-D", data, "-U", "shop", "-A", "trust", "--no-sync", "-E", "UTF8"],
        user=user,
        cwd=run,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise StartError(f"initdb failed: {done.stderr.decode(errors='replace')[-600:]}")
    settings = {"port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": ""}
    settings |= {"max_connections": 200, "shared_buffers": "64MB"}
    settings |= POSTGRES_LOG
    words = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
    child = processes.start("postgres", [postgres, "-D", data, *words], user=user, cwd=data)
    server = f"postgresql://shop@127.0.0.1:{port}"
    create_database(child, f"{server}/postgres")
    with psycopg.connect(f"{server}/shop") as connection:
        connection.execute((CONFIG / "schema.sql").read_bytes())
    return f"{server}/shop"


def create_database(child: Child, server: str) -> None:
    """Create the shop's database as soon as the server takes connections."""
    deadline = time.monotonic() + 30
    while True:
        try:
            with psycopg.connect(server, autocommit=True) as connection:
                connection.execute("CREATE DATABASE shop")
            return
        except psycopg.OperationalError as error:
            if child.ended() or time.monotonic() > deadline:
                raise StartError(f"postgres did not start: {child.last_words()}") from error
        time.sleep(0.1)


def start_redis(processes: Processes, run: Path, port: int) -> str:
    """Start Redis, in memory only; gives how to connect to it."""
    words = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(run)]
    processes.start("redis", ["redis-server", *words])
    return f"redis://127.0.0.1:{port}/0"


def start_outside(processes: Processes, run: Path, ports: Ports) -> Authority:
    """Start the partners and the name server; gives who issues the partners' certificates."""
    authority = Authority(run / "authority")
    for partner in PARTNERS:
        authority.issue(partner.name, datetime.now(UTC) + LIFE / 2)
    where = [str(run), str(ports.outside), str(ports.resolver)]
    processes.start("outside", [sys.executable, "-m", "tests.shop.outside", *where], cwd=REPOSITORY)
    return authority


def start_edges(
    processes: Processes, run: Path, ports: Ports, edges: Sequence[tuple[str, str]]
) -> None:
    """Start a proxy on each edge; its callee's instances listen `PROXY` below it."""
    for caller, callee in edges:
        targets = [port_of(ports.first_service, callee, zone) for zone in ZONES]
        pairs = [f"{target + PROXY}:{target}" for target in targets]
        state = run / "edges" / f"{caller}-{callee}.json"
        state.parent.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "tests.shop.edge", str(state), *pairs]
        processes.start(f"edge-{caller}-{callee}", command, cwd=REPOSITORY)


def start_machines(processes: Processes, groups: Groups, recorder: int) -> None:
    """Start what reports about the machines, where there are control groups to ask."""
    if groups.usable:
        processes.start(
            "machines",
            [sys.executable, "-m", "tests.shop.services.machines"],
            environment={
                "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{recorder}",
                "SHOP_MACHINES": json.dumps(groups.folders()),
            },
            cwd=REPOSITORY,
        )


def start_nginx(processes: Processes, run: Path, ports: Ports) -> Child:
    """Start nginx in front of the instances of web that `nginx/upstream.conf` names."""
    config = run / "nginx" / "nginx.conf"
    config.write_text(fill("nginx.conf", run, ports), encoding="utf-8")
    child = processes.start("nginx", ["nginx", "-e", run / "logs/nginx_error.log", "-c", config])
    await_http(child, f"http://127.0.0.1:{ports.nginx}/healthz")
    return child


def start_exporters(processes: Processes, ports: Ports, database: str, redis: str) -> None:
    """Start the exporters of PostgreSQL and Redis."""
    processes.start(
        "postgres_exporter",
        [
            "prometheus-postgres-exporter",
            "--disable-settings-metrics",
            f"--web.listen-address=127.0.0.1:{ports.postgres_exporter}",
        ],
        environment=RUNTIME_ENVIRONMENT | {"DATA_SOURCE_NAME": f"{database}?sslmode=disable"},
    )
    listen = f"127.0.0.1:{ports.redis_exporter}"
    processes.start(
        "redis_exporter",
        [
            "prometheus-redis-exporter",
            *("-redis.addr", redis, "-web.listen-address", listen),
            *("-check-single-keys", "db0=mails"),
        ],
        environment=RUNTIME_ENVIRONMENT,
    )


def start_prometheus(processes: Processes, run: Path, ports: Ports, alerts: str) -> None:
    """Start Alertmanager, then Prometheus with the alert rules of `config/<alerts>`."""
    shutil.copy(CONFIG / alerts, run / "alerts.yml")
    for name in ("prometheus.yml", "alertmanager.yml"):
        (run / name).write_text(fill(name, run, ports), encoding="utf-8")
    alertmanager = processes.start(
        "alertmanager",
        [
            "prometheus-alertmanager",
            f"--config.file={run}/alertmanager.yml",
            f"--storage.path={run}/alertmanager",
            f"--web.listen-address=127.0.0.1:{ports.alertmanager}",
            "--web.external-url=http://alertmanager.shop.example",
            "--cluster.listen-address=",
        ],
        environment=RUNTIME_ENVIRONMENT,
    )
    await_http(alertmanager, f"http://127.0.0.1:{ports.alertmanager}/-/ready")
    prometheus = processes.start(
        "prometheus",
        [
            "prometheus",
            f"--config.file={run}/prometheus.yml",
            f"--storage.tsdb.path={run}/prometheus",
            f"--web.listen-address=127.0.0.1:{ports.prometheus}",
            "--web.external-url=http://prometheus.shop.example",
        ],
        environment=RUNTIME_ENVIRONMENT,
    )
    await_http(prometheus, f"http://127.0.0.1:{ports.prometheus}/-/ready")
