"""Play a story on the running shop and keep what it emits."""

from __future__ import annotations

import gzip
import os
import random
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import requests

from tests.shop import daemons, psql, truth
from tests.shop.argocd import ArgoCD
from tests.shop.fault import Fault, Shop
from tests.shop.fleet import (
    FIRST_VERSIONS,
    ZONES,
    Configuration,
    Fleet,
    Release,
    Replacement,
    Site,
    host,
    now,
)
from tests.shop.github import GitHub
from tests.shop.groups import Groups
from tests.shop.keeper import Keeper
from tests.shop.load import Answer, Load
from tests.shop.processes import Processes, TakeError
from tests.shop.recorder import Archive, Recorder
from tests.shop.story import (
    AwaitAlert,
    Calm,
    Configure,
    Deploy,
    Flip,
    HoldLock,
    Inject,
    Mend,
    Story,
)
from tests.shop.unleash import Unleash

WARM_UP_S = 25.0
LATE_S = 0.5
CALM_P95_S = 1.0
CALM_FAILED = 0.02
STEP_S = 10

FAILED = 'http_response_status_code=~"5.."'
SERVED = "http_server_request_duration_seconds"
QUERIES = {
    "requests_per_second": f"sum by (service) (rate({SERVED}_count[30s]))",
    "error_ratio": f"sum by (service) (rate({SERVED}_count{{{FAILED}}}[30s]))"
    f" / sum by (service) (rate({SERVED}_count[30s]))",
    "latency_p95": f"histogram_quantile(0.95, sum by (service, le) (rate({SERVED}_bucket[30s])))",
    "pool_used": 'db_client_connection_count{db_client_connection_state="used"}',
    "process_memory": "process_memory_usage_bytes",
    "process_cpu": "sum by (service, instance) (rate(process_cpu_time_seconds_total[30s]))",
    "up": "up",
    "postgres_connections": 'sum by (state) (pg_stat_activity_count{datname="shop"})',
    "redis_clients": "redis_connected_clients",
    "alerts": "ALERTS",
    "postgres_locks": 'sum by (mode) (pg_locks_count{datname="shop"}) > 0',
    "postgres_longest_transaction": "max by (state)"
    ' (pg_stat_activity_max_tx_duration{datname="shop"})',
    "queue_length": "redis_key_size",
}
PACK_ABOVE_BYTES = 10_000
PLAIN = (".zst", ".arrivals.jsonl", "alertmanager.jsonl")

Say = Callable[[str], None]


@dataclass
class Stage:
    """A shop that runs, and the story that is played on it."""

    story: Story
    seed: int
    fleet: Fleet
    github: GitHub
    argocd: ArgoCD
    unleash: Unleash
    shop: Shop
    archive: Archive
    say: Say
    stopped: threading.Event = field(default_factory=threading.Event)
    first_calm: tuple[Answer, ...] = ()
    _doings: list[Future[truth.Done]] = field(default_factory=list)
    _faults: list[Future[truth.Done]] = field(default_factory=list)
    _mended: dict[Fault, threading.Event] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._pool = ThreadPoolExecutor(12, "doing")

    def play(self) -> None:
        """Play every step, then wait for what still goes on; what nobody mends lasts to the end."""
        for step in self.story.steps(random.Random(f"{self.story.name} {self.seed}")):
            match step:
                case Calm(seconds):
                    self.say(f"calm for {seconds:.0f} s")
                    self._wait(seconds)
                    self.first_calm = self.first_calm or tuple(self.shop.load.answers)
                case Deploy():
                    self._doings.append(self._pool.submit(self._deploy, step))
                case Configure():
                    self._doings.append(self._pool.submit(self._configure, step))
                case Flip():
                    self._doings.append(self._pool.submit(self._flip, step))
                case Inject(fault):
                    self._mended[fault] = threading.Event()
                    self._faults.append(self._pool.submit(self._suffer, fault))
                case Mend(fault):
                    self._mended[fault].set()
                case HoldLock():
                    self._doings.append(self._pool.submit(self._hold_lock, step))
                case AwaitAlert(within_s):
                    self._await_alert(within_s)
        for doing in self._doings:
            doing.result()

    def done(self) -> list[truth.Done]:
        """Give all that was done, once this is closed."""
        return [doing.result() for doing in [*self._doings, *self._faults]]

    def close(self) -> None:
        """Let everything end where it is."""
        self.stopped.set()
        for mended in self._mended.values():
            mended.set()
        self._pool.shutdown()

    def _wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            time.sleep(min(left, 1.0))
            for doing in [*self._doings, *self._faults]:
                if doing.done():
                    doing.result()

    def _await_alert(self, within_s: float) -> None:
        alert = self.archive.await_alert(within_s)
        if alert is None:
            raise TakeError(f"no alert within {within_s:.0f} s")
        self.say(f"alert {alert.alertname} of {alert.service}")

    def _deploy(self, step: Deploy) -> truth.Rolled:
        release = step.release
        before = self.fleet.running(release.service)
        made = self.github.deploy(release, step.creator, step.task)
        self.github.status(made, "pending")
        self.stopped.wait(2)
        self.github.status(made, "in_progress")
        done = self._roll(release, step.bake_s)
        self.github.status(made, "success")
        at = made.created_at
        return truth.Rolled(release, made.id, step.creator, at, before, done, now())

    def _configure(self, step: Configure) -> truth.Rolled:
        configuration = step.configuration
        before = self.fleet.running(configuration.service)
        sync = self.argocd.sync(configuration, before.version, step.creator)
        self.stopped.wait(1)
        sync = self.argocd.finish(sync)
        done = self._roll(configuration, step.bake_s)
        self.argocd.settle(sync)
        at = sync.started_at
        return truth.Rolled(configuration, sync.id, step.creator, at, before, done, now())

    def _roll(self, change: Release | Configuration, bake_s: float) -> tuple[Replacement, ...]:
        done: list[Replacement] = []
        for replacement in self.fleet.roll(change, bake_s, self.stopped):
            done.append(replacement)
            self.say(f"{replacement.new_instance}: {change.title}")
        return tuple(done)

    def _flip(self, step: Flip) -> truth.Rolled:
        flag = step.flag
        self.say(flag.title)
        self.shop.fleet.flip(flag)
        at, before = now(), self.shop.fleet.running(flag.service)
        number = self.unleash.flip(flag, step.creator)
        return truth.Rolled(flag, number, step.creator, at, before, (), now())

    def _suffer(self, fault: Fault) -> truth.Suffered:
        self.say(f"{fault} begins")
        began_at = now()
        with fault.within(self.shop):
            self._mended[fault].wait()
            mended_at = None if self.stopped.is_set() else now()
        self.say(f"{fault} ends")
        return truth.Suffered(fault, began_at, mended_at)

    def _hold_lock(self, step: HoldLock) -> psql.Session:
        self.say(f"{step.user} locks {step.table} for {step.seconds:.0f} s")
        return psql.hold_lock(self.shop.postgres, step, self.stopped)


def record(story: Story, seed: int, out: Path, run: Path, ports: daemons.Ports, say: Say) -> None:
    """Start the shop in `run`, play `story`, leave `evidence/` and `truth.json` in `out`."""
    evidence = run / "evidence"
    for folder in (evidence, run / "logs", run / "nginx" / "body", run / "nginx" / "proxy"):
        folder.mkdir(parents=True)
    archive = Archive()
    groups = Groups(f"shop-{ports.nginx}")
    with (
        closing(groups),
        closing(Recorder(archive, ports.recorder)),
        Processes(run / "logs") as processes,
    ):
        shop = open_shop(processes, run, ports, seed, story, groups)
        limit(groups, story)
        load, recorder = shop.load, f"http://127.0.0.1:{ports.recorder}"
        github = GitHub(f"{recorder}/github", random.Random(seed))
        argocd = ArgoCD(f"{recorder}/argocd", random.Random(seed))
        unleash = Unleash(f"{recorder}/unleash", random.Random(seed))
        stage = Stage(story, seed, shop.fleet, github, argocd, unleash, shop, archive, say)
        keeper = Keeper(shop.fleet)
        with closing(load), closing(keeper), closing(stage), closing(archive):
            say(f"warming up for {WARM_UP_S:.0f} s")
            load.start()
            keeper.start()
            time.sleep(WARM_UP_S)
            load.answers.clear()
            load.late_s.clear()
            began = begin(archive, evidence, run)
            stage.play()
            ended = now()
            keep_rest(evidence, run, ports.prometheus, began, ended)
        say(f"answers by status: {dict(sorted(load.statuses.items()))}")
        say(f"restarted: {', '.join(keeper.restarts) or 'none'}")
    kept = schedule(load.late_s, stage.first_calm if story.culprits else load.answers)
    say(f"{kept}")
    told = truth.tell(story, seed, (began, ended), stage.done(), archive.alerts, evidence)
    served = service(load.answers, told.fault_started_at, told.recovered_at)
    told = replace(told, schedule=kept, service=served, harms=truth.hurt(served))
    pack(evidence)
    deliver(evidence, told, out)


def pack(evidence: Path) -> None:
    """Compress what is large, but not what is read as it is, and drop what is empty."""
    for file in list(evidence.iterdir()):
        if file.name.endswith(PLAIN):
            continue
        said = file.read_bytes()
        if len(said) > PACK_ABOVE_BYTES:
            file.with_name(f"{file.name}.gz").write_bytes(gzip.compress(said, mtime=0))
        if not 0 < len(said) <= PACK_ABOVE_BYTES:
            file.unlink()


def logs(run: Path) -> list[Path]:
    """Find the logs of nginx, PostgreSQL and Redis."""
    kept = run / "logs"
    database = run / "postgres" / "log" / "postgresql.json"
    return [*kept.glob("nginx_*.log"), database, kept / "redis.log"]


def deliver(evidence: Path, told: truth.Truth, out: Path) -> None:
    """Put a finished recording where it was asked for, in place of the one before."""
    shutil.rmtree(out / "evidence", ignore_errors=True)
    shutil.copytree(evidence, out / "evidence")
    truth.write(told, out / "truth.json")


def open_shop(
    processes: Processes,
    run: Path,
    ports: daemons.Ports,
    seed: int,
    story: Story,
    groups: Groups,
) -> Shop:
    """Start everything there is, in the order of need."""
    database = daemons.start_postgres(processes, run, ports.postgres)
    groups.add("shop-db-1", processes.named("postgres").process.pid)
    redis = daemons.start_redis(processes, run, ports.redis)
    authority = daemons.start_outside(processes, run, ports)
    daemons.start_edges(processes, run, ports, story.edges)
    site = Site(
        run,
        ports.recorder,
        database,
        redis,
        ports.first_service,
        seed,
        ports.outside,
        ports.resolver,
        story.edges,
    )
    fleet = Fleet(processes, site, groups=groups)
    fleet.open(FIRST_VERSIONS)
    fleet.nginx = daemons.start_nginx(processes, run, ports)
    daemons.start_exporters(processes, ports, database, redis)
    daemons.start_prometheus(processes, run, ports, story.alerts)
    daemons.start_machines(processes, groups, ports.recorder)
    load = Load(f"http://127.0.0.1:{ports.nginx}", seed)
    return Shop(run, processes, fleet, load, authority, ports.postgres, ports.redis)


def limit(groups: Groups, story: Story) -> None:
    """Give each machine the cores it has in the story; raises TakeError where none can be made.

    The group of a shop that was killed is still there, and so is its limit.
    """
    if groups.usable:
        for zone in ZONES:
            groups.limit_cpu(host(zone), dict(story.machines).get(zone))
    elif story.machines:
        raise TakeError("machines can only be loaded where control groups can be made")


def schedule(late_s: Sequence[float], calm: Sequence[Answer]) -> truth.Schedule:
    """Say how well the times were kept; raises TakeError if they were not, or calm was not calm."""
    calm_p95_s = share([answer.seconds for answer in calm], 0.95)
    kept = truth.Schedule(share(late_s, 0.99), max(late_s), calm_p95_s, failed(calm))
    if kept.late_p99_s > LATE_S or kept.calm_p95_s > CALM_P95_S or kept.calm_failed > CALM_FAILED:
        raise TakeError(f"the machine was too busy for this take: {kept}")
    return kept


def service(
    answers: Sequence[Answer], since: datetime | None, until: datetime | None
) -> tuple[truth.Service, ...]:
    """Say how users were served before a fault and during it; all at once where there was none."""
    parts = (
        [a for a in answers if since is None or a.at < since],
        [a for a in answers if since and since <= a.at and (until is None or a.at < until)],
    )
    return tuple(truth.Service(*measured(part)) for part in parts if part)


def measured(answers: Sequence[Answer]) -> tuple[int, float, float]:
    """Give how many there were, the share that failed, and how long nine in ten took at most."""
    return len(answers), failed(answers), share([each.seconds for each in answers], 0.9)


def failed(answers: Sequence[Answer]) -> float:
    """Give the share that nobody answered, or with 5xx."""
    return sum(each.status == 0 or each.status >= 500 for each in answers) / max(len(answers), 1)


def share(values: Sequence[float], of: float) -> float:
    """Give the value that a share of the values stays below."""
    return sorted(values)[int(of * (len(values) - 1))] if values else 0.0


def begin(archive: Archive, evidence: Path, run: Path) -> datetime:
    """Begin to keep: what the warm-up left in the logs of the servers goes."""
    for log in logs(run):
        os.truncate(log, 0)
    archive.open(evidence)
    return now()


def keep_rest(evidence: Path, run: Path, prometheus: int, began: datetime, ended: datetime) -> None:
    """Keep the servers' logs and what Prometheus answers about the time in between."""
    for log in logs(run):
        shutil.copyfile(log, evidence / log.name)
    start, end = began.timestamp(), ended.timestamp()
    for number, (name, query) in enumerate(QUERIES.items(), start=1):
        answer = requests.get(
            f"http://127.0.0.1:{prometheus}/api/v1/query_range",
            params={"query": query, "start": str(start), "end": str(end), "step": str(STEP_S)},
            timeout=30,
        )
        answer.raise_for_status()
        (evidence / f"prometheus_{number}_{name}.json").write_bytes(answer.content)
