"""Redis, by `redis-cli`: its numbers by the names that redis_exporter gives them, what was slow."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from agent.apps.collect.folder import Folder
from agent.apps.collect.tool import Answer, Tool, verbs
from agent.errors import RequestError

_VERBS: Final = verbs("INFO everything", "SLOWLOG GET")
_DEFAULT_PORT: Final = 6379
_WITH_PASSWORDS: Final = frozenset({"ACL", "AUTH", "CONFIG", "HELLO", "MIGRATE"})
# https://github.com/oliver006/redis_exporter: what INFO calls a field, and what the exporter does
_NAMES: Final = {
    "uptime_in_seconds": "redis_uptime_in_seconds",
    "connected_clients": "redis_connected_clients",
    "blocked_clients": "redis_blocked_clients",
    "maxclients": "redis_config_maxclients",
    "rejected_connections": "redis_rejected_connections_total",
    "used_memory": "redis_memory_used_bytes",
    "used_memory_rss": "redis_memory_used_rss_bytes",
    "maxmemory": "redis_memory_max_bytes",
    "mem_fragmentation_ratio": "redis_mem_fragmentation_ratio",
    "evicted_keys": "redis_evicted_keys_total",
    "expired_keys": "redis_expired_keys_total",
    "keyspace_hits": "redis_keyspace_hits_total",
    "keyspace_misses": "redis_keyspace_misses_total",
    "total_commands_processed": "redis_commands_processed_total",
    "total_error_replies": "redis_total_error_replies",
    "rdb_last_save_time": "redis_rdb_last_save_timestamp_seconds",
    "loading": "redis_loading_dump_file",
    "connected_slaves": "redis_connected_slaves",
    "master_link_down_since_seconds": "redis_master_link_down_since_seconds",
    "latest_fork_usec": "redis_latest_fork_usec",
}
_STATES: Final = {
    "rdb_last_bgsave_status": "redis_rdb_last_bgsave_status",
    "aof_last_write_status": "redis_aof_last_write_status",
    "master_link_status": "redis_master_link_up",
}
_INSTANCE: Final = ("redis_version", "redis_mode", "role", "maxmemory_policy")
_ERRORS: Final = re.compile(r"errorstat_(\w+):count=(\d+)")


def gather(folder: Folder, url: str) -> None:
    """Ask a server for its numbers and for what was slow."""
    tool = _client(url)
    folder.tell("asking Redis")
    answer = tool.ask("INFO", "everything")
    said = answer.output.strip()
    if not answer.error and not said.startswith("#"):
        answer = Answer("", said or "Redis said nothing.")
    numbers = Answer("\n".join(_lines(said)) if not answer.error else "", answer.error)
    spelled = tool.invocation("INFO", "everything")
    folder.keep("redis/metrics.prom", "metrics", numbers, tool="redis-cli", invocation=spelled)
    if not answer.error:
        _gather_slow(folder, replace(tool, options=("--json", *tool.options)))


def _gather_slow(folder: Folder, tool: Tool) -> None:
    """Keep what was slow as JSON log lines; https://redis.io/docs/latest/commands/slowlog-get/."""
    answer = tool.ask("SLOWLOG", "GET", "25")
    spelled = tool.invocation("SLOWLOG", "GET", "25")
    if not answer.error:
        try:
            answer = Answer("\n".join(map(_slow, json.loads(answer.output))))
        except (ValueError, TypeError, IndexError):
            answer = Answer("", f"Redis' slow log cannot be read: {answer.output[:200]}")
    folder.keep("redis/slowlog.jsonl", "logs", answer, tool="redis-cli", invocation=spelled)


def _slow(entry: list[Any]) -> str:
    _, at_s, took_us, words, *_ = entry
    shown = words[:1] if str(words[0]).upper() in _WITH_PASSWORDS else words
    command = " ".join(map(str, shown))[:500]
    told = {"timestamp": at_s, "level": "INFO", "logger": "slowlog", "service": "redis"}
    return json.dumps(told | {"message": f"{command} took {took_us / 1000} ms"})


def _client(url: str) -> Tool:
    """The client of a server; a password goes by the environment, where nobody else sees it."""
    try:
        told = urlsplit(url if "://" in url else f"redis://{url}")
        port = told.port or _DEFAULT_PORT
    except ValueError:
        raise RequestError(
            "The URL of --redis is none: write it as redis://:PASSWORD@HOST:PORT."
        ) from None
    options = ["-h", told.hostname or "127.0.0.1", "-p", str(port)]
    if told.scheme == "rediss":
        options.append("--tls")
    if told.username and told.password:
        options += ["--user", unquote(told.username)]
    environment = {"REDISCLI_AUTH": unquote(told.password)} if told.password else {}
    return Tool("redis-cli", _VERBS, tuple(options), environment)


def _lines(info: str) -> Iterator[str]:
    """INFO as lines of Prometheus' text format, as of now."""
    told = dict(line.partition(":")[::2] for line in info.splitlines() if ":" in line)
    at_ms = time.time_ns() // 1_000_000
    for name, labels, value in _samples(told, info):
        shown = ",".join(f'{key}="{text}"' for key, text in {**labels, "service": "redis"}.items())
        kind = "counter" if name.endswith("_total") else "gauge"
        yield f"# TYPE {name} {kind}\n{name}{{{shown}}} {value} {at_ms}"


def _samples(
    told: Mapping[str, str], info: str
) -> Iterator[tuple[str, Mapping[str, str], str | int]]:
    about = {key: told[key] for key in _INSTANCE if key in told}
    yield "redis_instance_info", about, 1
    for field, name in _NAMES.items():
        if field in told:
            yield name, {}, told[field]
    for field, name in _STATES.items():
        if field in told:
            yield name, {}, int(told[field] in {"ok", "up"})
    for error, count in _ERRORS.findall(info):
        yield "redis_errors_total", {"err": error}, count
