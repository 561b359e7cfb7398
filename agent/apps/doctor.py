"""`inquest doctor`: what this installation is made of, and whether its lake answers."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import typer

from agent.apps.options import FormatOption, LakeOption, lake_folder, model_of
from agent.apps.table import dress
from agent.apps.terminal import say
from lake.errors import InquestError

LIBRARIES = (
    "inquest",
    "duckdb",
    "pyarrow",
    "pyiceberg",
    "pandas",
    "langgraph",
    "langchain",
    "opentelemetry-sdk",
)
Line = dict[str, str]


def doctor(ctx: typer.Context, lake: LakeOption = None, form: FormatOption = "text") -> None:
    """Check this installation and its lake.

    Exit 1 if something is broken; a lake that is not there yet is not.
    """
    lines = [*_machine(), *_libraries(), _model(ctx.obj.model), *_lake(lake_folder(ctx, lake))]
    say(dress(["state", "what", "found"], lines, form))
    if any(line["state"] == "broken" for line in lines):
        raise typer.Exit(1)


def _machine() -> Iterator[Line]:
    yield _line("ok", "python", platform.python_version())
    yield _line("ok", "system", f"{platform.platform()}, {os.cpu_count()} cores")


def _libraries() -> Iterator[Line]:
    for name in LIBRARIES:
        try:
            yield _line("ok", name, version(name))
        except PackageNotFoundError:
            yield _line("broken", name, "not installed")


def _model(spec: str) -> Line:
    """Say whether a model is ready; it is not called."""
    try:
        ready = model_of(spec)
    except InquestError as error:
        return _line("broken", "model", str(error))
    return _line("ok" if ready else "none", "model", spec or "templates word the reports")


def _lake(folder: Path) -> Iterator[Line]:
    """Ask every table of the lake for its rows, which tries catalog, files and sandbox at once."""
    from lake.store import Lake

    if not folder.exists():
        yield _line("none", "lake", f"{folder} is not there yet: `inquest ingest` makes it")
        return
    try:
        with Lake.open(folder) as lake:
            view = lake.at()
            yield _line("ok", "lake", str(lake.path))
            for table, snapshot in lake.snapshots().items():
                (row,) = view.ask(f"SELECT count(*) AS records FROM {table}").dicts()
                yield _line("ok", table, f"{row['records']:,} records, snapshot {snapshot}")
    except InquestError as error:
        yield _line("broken", "lake", str(error))


def _line(state: str, what: str, found: str) -> Line:
    return {"state": state, "what": what, "found": found}
