"""PostgreSQL, by `psql` in read-only transactions: who does what, who waits for whom, how much."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit, urlunsplit

from agent.apps.collect.folder import Folder
from agent.apps.collect.tool import Tool
from agent.errors import RequestError

_SQL: Final = Path(__file__).parent / "sql"
_ASKED: Final = {
    "postgres_sessions": ("logs", "postgres/sessions.jsonl"),
    "postgres_metrics": ("metrics", "postgres/metrics.prom"),
}
_QUIETLY: Final = (
    "--no-psqlrc",
    "--quiet",
    "--tuples-only",
    "--no-align",
    "--set=ON_ERROR_STOP=1",
)
_READ_ONLY: Final = "-c default_transaction_read_only=on -c statement_timeout=10s"


def gather(folder: Folder, dsn: str) -> None:
    """Ask a server for its sessions and its numbers; its refusal is evidence as well."""
    tool = _psql(dsn)
    for name, (kind, file) in _ASKED.items():
        answer = folder.ask(tool, file, kind, "--command", _sql(name))
        if answer.error:
            return


def _psql(dsn: str) -> Tool:
    """The client of a server; a password goes by the environment, where nobody else sees it."""
    url = urlsplit(dsn)
    if url.scheme not in {"postgresql", "postgres"} or "password=" in url.query:
        raise RequestError(
            "The DSN of --postgres would show its password, if it has one: "
            "write it as postgresql://USER:PASSWORD@HOST:PORT/DATABASE."
        )
    environment = {"PGOPTIONS": _READ_ONLY, "PGCONNECT_TIMEOUT": "10", "PGAPPNAME": "inquest"}
    if url.password:
        environment["PGPASSWORD"] = unquote(url.password)
        login, _, host = url.netloc.rpartition("@")
        dsn = urlunsplit(url._replace(netloc=f"{login.partition(':')[0]}@{host}"))
    statements = frozenset(("--command", _sql(name)) for name in _ASKED)
    return Tool("psql", statements, (*_QUIETLY, "--dbname", dsn), environment)


def _sql(name: str) -> str:
    return (_SQL / f"{name}.sql").read_text(encoding="utf-8")
