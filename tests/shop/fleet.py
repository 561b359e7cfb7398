"""The running instances of every service, and how a release reaches them."""

from __future__ import annotations

import hashlib
import json
import random
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tests.shop.groups import Groups
from tests.shop.processes import Child, Processes, await_http

SERVICES = Path(__file__).parent / "services"
REPOSITORY = Path(__file__).parents[2]
ZONES = ("a", "b")
REGION = "eu-west-1"
DRAIN_S = 4.0
PROXY = 5

FIRST_VERSIONS = {
    "web": "5.2.0",
    "catalog": "3.14.1",
    "cart": "4.0.3",
    "checkout": "6.8.0",
    "payment": "2.7.9",
    "inventory": "2.3.6",
    "shipping": "1.9.3",
    "mailer": "1.4.0",
}

Values = Mapping[str, float]

FIRST_CONFIGURATIONS: Mapping[str, Values] = {
    "cart": {"keep_for_s": 3600},
    "checkout": {"payment_timeout_s": 2.0, "payment_attempts": 4},
}


@dataclass(frozen=True)
class Release:
    """A version of a service and the line its pull request had."""

    service: str
    version: str
    title: str

    @property
    def sha(self) -> str:
        """Give the revision: a hash of the code that runs."""
        module = "v" + self.version.replace(".", "_") + ".py"
        digest = hashlib.sha1(usedforsecurity=False)
        for file in sorted((SERVICES / self.service).glob("*.py")):
            if file.name in {"routes.py", module}:
                digest.update(file.read_bytes())
        return digest.hexdigest()


@dataclass(frozen=True)
class Configuration:
    """What a service is told beside its code, and the line the commit had."""

    service: str
    values: Values
    title: str

    @property
    def sha(self) -> str:
        """Give the revision: a hash of what it says."""
        said = json.dumps([self.service, self.values, self.title], sort_keys=True)
        return hashlib.sha1(said.encode(), usedforsecurity=False).hexdigest()


def first_configuration(service: str) -> Configuration:
    """Give the configuration a service has until somebody changes it."""
    return Configuration(service, FIRST_CONFIGURATIONS.get(service, {}), f"Configure {service}")


@dataclass(frozen=True)
class Flag:
    """A feature flag in some state for one region, and the line it has in the flags' own log."""

    service: str
    name: str
    region: str
    title: str
    on: bool

    @property
    def sha(self) -> str:
        """Give the revision: a hash of what it says."""
        said = json.dumps([self.service, self.name, self.region, self.on])
        return hashlib.sha1(said.encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class Instance:
    """A running instance and where it listens."""

    service: str
    version: str
    configuration: Configuration
    zone: str
    id: str
    port: int
    child: Child


@dataclass(frozen=True)
class Replacement:
    """What happened when one instance took another's place: times are UTC."""

    zone: str
    old_instance: str
    old_version: str
    old_configuration: str
    old_drained_at: datetime
    old_stopped_at: datetime
    new_instance: str
    new_version: str
    new_configuration: str
    new_started_at: datetime
    new_in_rotation_at: datetime


@dataclass(frozen=True)
class Site:
    """What the instances share."""

    run: Path
    recorder: int
    database: str
    redis: str
    first_port: int
    seed: int
    outside: int = 0
    resolver: int = 0
    edges: tuple[tuple[str, str], ...] = ()


@dataclass
class Fleet:
    """All instances, the discovery file that says where they are, and nginx in front."""

    processes: Processes
    site: Site
    nginx: Child | None = None
    groups: Groups = field(default_factory=Groups)
    _instances: dict[tuple[str, str], Instance] = field(default_factory=dict)
    _resting: set[tuple[str, str]] = field(default_factory=set)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _rolling: dict[str, threading.Lock] = field(
        default_factory=lambda: {service: threading.Lock() for service in FIRST_VERSIONS}
    )

    def __post_init__(self) -> None:
        self._random = random.Random(f"instances {self.site.seed} {time.time_ns()}")
        (self.site.run / "app").symlink_to(REPOSITORY)
        self._flags: dict[str, list[str]] = {}
        self._write_flags()

    def open(self, versions: Mapping[str, str]) -> None:
        """Start every service in every zone, then put all in rotation."""
        self._announce()
        for service in versions:
            for zone in ZONES:
                configuration = first_configuration(service)
                instance = self._start(service, versions[service], configuration, zone)
                self._instances[service, zone] = instance
        for instance in self._instances.values():
            await_healthy(instance)
        self._announce()

    def flip(self, flag: Flag) -> None:
        """Turn a feature flag on or off for its region."""
        with self._lock:
            regions = {*self._flags.get(flag.name, ())} - {flag.region}
            self._flags[flag.name] = sorted(regions | ({flag.region} if flag.on else set()))
            self._write_flags()

    def _write_flags(self) -> None:
        replace(self.site.run / "flags.json", json.dumps(self._flags))

    def instances(self) -> list[Instance]:
        """Give all instances there are just now."""
        with self._lock:
            return list(self._instances.values())

    def restart(self, old: Instance) -> Instance | None:
        """Start an instance that died anew, as it was; None when it has a successor already."""
        key = old.service, old.zone
        with self._lock:
            if self._instances[key] is not old or key in self._resting:
                return None
            new = self._start(old.service, old.version, old.configuration, old.zone)
            self._instances[key] = new
        return new

    def running(self, service: str) -> Instance:
        """Give the instance of the first zone."""
        return self._instances[service, ZONES[0]]

    def roll(
        self, change: Release | Configuration, bake_s: float, stop: threading.Event
    ) -> Iterator[Replacement]:
        """Replace a service's instances one after the other, `bake_s` apart.

        One change of a service waits for another to be through.
        """
        with self._rolling[change.service]:
            for zone in ZONES:
                if zone != ZONES[0] and stop.wait(bake_s):
                    return
                yield self._replace(change, zone, stop)

    def _replace(
        self, change: Release | Configuration, zone: str, stop: threading.Event
    ) -> Replacement:
        key = change.service, zone
        old = self._instances[key]
        self._rest(key, resting=True)
        drained_at = now()
        stop.wait(DRAIN_S)
        self.processes.stop(old.child)
        stopped_at = now()
        new = self._start(change.service, *after(old, change), zone)
        started_at = now()
        await_healthy(new)
        with self._lock:
            self._instances[key] = new
            self._rest(key, resting=False)
        return Replacement(
            zone=zone,
            old_instance=old.id,
            old_version=old.version,
            old_configuration=old.configuration.sha,
            old_drained_at=drained_at,
            old_stopped_at=stopped_at,
            new_instance=new.id,
            new_version=new.version,
            new_configuration=new.configuration.sha,
            new_started_at=started_at,
            new_in_rotation_at=now(),
        )

    def _rest(self, key: tuple[str, str], *, resting: bool) -> None:
        with self._lock:
            (self._resting.add if resting else self._resting.discard)(key)
            self._announce()

    def _announce(self) -> None:
        """Write where everything is, for the services, for nginx and for Prometheus."""
        with self._lock:
            routed: dict[str, list[str]] = {}
            for key, instance in self._instances.items():
                if key not in self._resting:
                    routed.setdefault(instance.service, []).append(address(instance))
            by_edge = {
                f"{one}>{other}": self._proxied(other, routed) for one, other in self.site.edges
            }
            replace(self.site.run / "discovery.json", json.dumps(routed | by_edge))
            targets = [target(instance) for instance in self._instances.values()]
            replace(self.site.run / "targets.json", json.dumps(targets))
            servers = "".join(f"server {at}; " for at in routed.get("web", ["127.0.0.1:1"]))
            upstream = self.site.run / "nginx" / "upstream.conf"
            before = upstream.read_text(encoding="utf-8") if upstream.exists() else ""
            after = f"upstream web {{ {servers}keepalive 8; }}\n"
            replace(upstream, after)
            if self.nginx and before != after:
                self.nginx.process.send_signal(signal.SIGHUP)

    def _proxied(self, callee: str, routed: Mapping[str, list[str]]) -> list[str]:
        """Give where the proxies of a service's instances listen."""
        ports = (int(at.split(":")[1]) for at in routed.get(callee, ()))
        return [f"127.0.0.1:{port + PROXY}" for port in ports]

    def _start(
        self, service: str, version: str, configuration: Configuration, zone: str
    ) -> Instance:
        port = port_of(self.site.first_port, service, zone)
        instance_id = f"{service}-{zone}-{self._random.getrandbits(24):06x}"
        module = "tests.shop.services.run"
        app = self.site.run / "app"
        child = self.processes.start(
            f"{service}-{zone}",
            [python_under(app), "-m", module, service, version, "--port", str(port)],
            environment=environment(self.site, service, version, zone, instance_id)
            | {"SHOP_CONFIGURATION": json.dumps(configuration.values), "PYTHONPATH": str(app)},
            cwd=self.site.run,
        )
        self.groups.add(host(zone), child.process.pid)
        return Instance(service, version, configuration, zone, instance_id, port, child)


def after(old: Instance, change: Release | Configuration | Flag) -> tuple[str, Configuration]:
    """Give the version and the configuration an instance's successor runs."""
    if isinstance(change, Release):
        return change.version, old.configuration
    return old.version, change if isinstance(change, Configuration) else old.configuration


def port_of(first: int, service: str, zone: str) -> int:
    """Give the port of a service's instance in a zone."""
    return first + 10 * list(FIRST_VERSIONS).index(service) + ZONES.index(zone)


def host(zone: str) -> str:
    """Give the name of the machine that a zone's instances share."""
    return f"shop-{zone}-1"


def python_under(app: Path) -> Path:
    """Give this Python by way of `app`, so that stack traces name no folder of this machine."""
    python = Path(sys.executable)
    inside = python.is_relative_to(REPOSITORY)
    return app / python.relative_to(REPOSITORY) if inside else python


def environment(
    site: Site, service: str, version: str, zone: str, instance_id: str
) -> dict[str, str]:
    """Give what an instance finds in its environment."""
    described = {
        "service.namespace": "shop",
        "service.version": version,
        "service.instance.id": instance_id,
        "cloud.provider": "aws",
        "cloud.region": REGION,
        "cloud.availability_zone": f"{REGION}{zone}",
        "host.name": host(zone),
        "deployment.environment.name": "production",
    }
    return {
        "OTEL_SERVICE_NAME": service,
        "OTEL_RESOURCE_ATTRIBUTES": ",".join(f"{key}={value}" for key, value in described.items()),
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{site.recorder}",
        "OTEL_SEMCONV_STABILITY_OPT_IN": "http,database",
        "OTEL_PYTHON_FLASK_EXCLUDED_URLS": "healthz,metrics",
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST": "x-request-id",
        "OTEL_METRIC_EXPORT_INTERVAL": "10000",
        "OTEL_BLRP_SCHEDULE_DELAY": "5000",
        "OTEL_METRICS_EXEMPLAR_FILTER": "always_off",
        "SHOP_DISCOVERY": str(site.run / "discovery.json"),
        "SHOP_DATABASE": site.database,
        "SHOP_REDIS": site.redis,
        "SHOP_SEED": str(site.seed),
        "SHOP_OUTSIDE": str(site.outside),
        "SHOP_RESOLVER": str(site.resolver),
        "SHOP_AUTHORITY": str(site.run / "authority" / "authority.pem"),
        "SHOP_FLAGS": str(site.run / "flags.json"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def await_healthy(instance: Instance) -> None:
    """Wait until an instance answers its health check."""
    await_http(instance.child, f"http://{address(instance)}/healthz", within_s=90)


def address(instance: Instance) -> str:
    """Give where an instance listens."""
    return f"127.0.0.1:{instance.port}"


def target(instance: Instance) -> dict[str, object]:
    """Give an instance's entry of Prometheus' file_sd."""
    return {
        "targets": [address(instance)],
        "labels": {"service": instance.service, "zone": f"{REGION}{instance.zone}"},
    }


def replace(file: Path, text: str) -> None:
    """Write a file that readers never see half of."""
    draft = file.with_suffix(".new")
    draft.write_text(text, encoding="utf-8")
    draft.replace(file)


def now() -> datetime:
    """Give the time in UTC."""
    return datetime.now(UTC)
