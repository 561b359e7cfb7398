"""Faults of PostgreSQL and Redis."""

from __future__ import annotations

import subprocess
import threading
from contextlib import ExitStack, suppress
from pathlib import Path

import psycopg

from tests.planted.site import Site, await_port, collect, free_port, visit

RESERVED = 3
"""Connections that PostgreSQL keeps for superusers."""


def connections_exhausted(site: Site, out: Path) -> None:
    """Reports keep every connection that an ordinary user may have."""
    database = site.postgres()
    owner = database.replace("shop@", "ana_reyes@")
    port = _orders(site, owner)
    visit(port, 10)
    with ExitStack() as held:
        with suppress(psycopg.OperationalError):
            while True:
                one = psycopg.connect(owner, application_name="reports", autocommit=True)
                held.enter_context(one).execute("SELECT count(*) FROM purchase")
        visit(port, 10)
        _collect(site, out, "customers cannot order: orders answers 500", database)


def lock_pile_up(site: Site, out: Path) -> None:
    """Somebody changed all stock and did not commit."""
    database = site.postgres()
    port = _orders(site, database)
    visit(port, 10)
    with psycopg.connect(database.replace("shop@", "ana_reyes@"), application_name="psql") as held:
        held.execute("UPDATE stock SET available = available + 10")
        visitors = [threading.Thread(target=visit, args=(port, 4)) for _ in range(6)]
        for each in visitors:
            each.start()
        site.await_line("orders", "GET /order failed", times=6)
        _collect(site, out, "orders hang and then fail", database)
        held.rollback()
        for each in visitors:
            each.join()


def deadlock(site: Site, out: Path) -> None:
    """Two sessions change the same two rows in opposite orders, three times."""
    database = site.postgres()
    port = _orders(site, database)
    visit(port, 10)
    for _ in range(2):
        _cross(database)
    visit(port, 2)
    _collect(site, out, "some nightly stock updates fail", database)


def redis_full(site: Site, out: Path) -> None:
    """Redis may not evict, and has no memory left to write with."""
    port = site.redis()
    for key, value in (("maxmemory", "4mb"), ("maxmemory-policy", "noeviction")):
        subprocess.run(
            ["redis-cli", "-p", str(port), "CONFIG", "SET", key, value],
            check=True,
            stdout=subprocess.DEVNULL,
        )
    site.program("cart", port)
    site.await_line("cart", "saved cart", times=20)
    site.await_line("cart", "saving cart", times=20)
    collect(
        out, "carts are not kept", *site.logs("cart", "redis"), f"--redis=redis://127.0.0.1:{port}"
    )


def _orders(site: Site, database: str) -> int:
    port = free_port()
    site.program("orders", port, database)
    await_port(port)
    return port


def _collect(site: Site, out: Path, prompt: str, database: str) -> None:
    collect(out, prompt, *site.logs("orders"), site.postgres_log(), f"--postgres={database}")


def _cross(database: str) -> None:
    """Let two transactions wait for each other until PostgreSQL ends one."""
    met = threading.Barrier(2)

    def change(first: str, second: str) -> None:
        with (
            suppress(psycopg.errors.DeadlockDetected),
            psycopg.connect(database, application_name="restock") as session,
        ):
            session.execute("UPDATE stock SET available = available + 1 WHERE sku = %s", [first])
            met.wait()
            session.execute("UPDATE stock SET available = available + 1 WHERE sku = %s", [second])

    pair = ("SKU-1001", "SKU-1002")
    both = [threading.Thread(target=change, args=order) for order in (pair, pair[::-1])]
    for each in both:
        each.start()
    for each in both:
        each.join()
