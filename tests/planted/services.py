"""Faults of services and of what stands before them."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.planted.site import Site, await_port, collect, free_port, visit
from tests.shop.authority import Authority


def upstream_refused(site: Site, out: Path) -> None:
    """What nginx passes requests on to has ended."""
    port = free_port()
    orders = site.program("orders", port)
    await_port(port)
    front = site.nginx(port)
    visit(front, 20)
    site.processes.stop(orders)
    visit(front, 20)
    _collect_edge(site, out, "the shop answers 502")


def certificate_expired(site: Site, out: Path) -> None:
    """A partner's certificate has ended yesterday."""
    authority = Authority(site.run / "authority")
    authority.issue("localhost", datetime.now(UTC) - timedelta(days=1))
    port, folder = free_port(), site.run / "authority"
    site.program("partner", port, folder / "localhost.pem", folder / "localhost.key")
    await_port(port)
    site.program("payments", port, folder / "authority.pem")
    site.await_line("payments", "failed at", times=5)
    collect(out, "charges fail", *site.logs("payments", "partner"))


def setting_missing(site: Site, out: Path) -> None:
    """A service ends as it starts, since nobody told it its bucket."""
    site.program("supervisor", "tests.planted.programs.invoices")
    site.await_line("supervisor", "starting it again", times=5)
    collect(out, "no invoices come", f"--logs=invoices={site.log('supervisor')}")


def port_taken(site: Site, out: Path) -> None:
    """A second instance wants the port that the first has."""
    port = free_port()
    site.program("orders", port)
    await_port(port)
    site.program("supervisor", "tests.planted.programs.orders", port)
    site.await_line("supervisor", "starting it again", times=4)
    collect(out, "the new orders does not come up", f"--logs=orders={site.log('supervisor')}")


def disk_full(site: Site, out: Path) -> None:
    """The journal lies where there is no space left."""
    journal = site.run / "journal"
    journal.symlink_to("/dev/full")
    site.program("ledger", journal)
    site.await_line("ledger", "could not be journalled", times=5)
    collect(out, "charges are not booked", *site.logs("ledger"))


def files_exhausted(site: Site, out: Path) -> None:
    """A gateway that never hangs up may open no more files."""
    port = free_port()
    site.program("gateway", port, 40)
    await_port(port)
    with ExitStack() as clients:
        for _ in range(45):
            clients.enter_context(socket.create_connection(("127.0.0.1", port), 5))
        site.await_line("gateway", "could not be accepted", times=5)
        collect(out, "clients wait at the gateway", *site.logs("gateway"))


def healthy(site: Site, out: Path) -> None:
    """All is well: a database, a cache, a service and nginx before it."""
    database, cache = site.postgres(), site.redis()
    port = free_port()
    site.program("orders", port, database)
    await_port(port)
    front = site.nginx(port)
    visit(front, 60)
    site.program("cart", cache)
    site.await_line("cart", "saved cart", times=50)
    stores = (f"--postgres={database}", f"--redis=redis://127.0.0.1:{cache}")
    more = (*site.logs("cart", "redis"), site.postgres_log(), *stores)
    _collect_edge(site, out, "is all well?", *more)


def _collect_edge(site: Site, out: Path, prompt: str, *more: str) -> None:
    edge = (f"--logs=nginx={site.log('nginx_access')}", f"--logs=nginx={site.log('nginx_error')}")
    collect(out, prompt, *site.logs("orders"), *edge, *more)
