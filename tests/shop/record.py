"""Record an incident of the shop: `python -m tests.shop.record bad_release --seed 1`."""

from __future__ import annotations

import argparse
import importlib.util
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from tests.shop.story import Story

HERE = Path(__file__).parent
LIBRARIES = ("flask", "psycopg_pool", "redis", "requests", "waitress")


def main() -> int:
    """Record the incident that is named."""
    asked = arguments().parse_args()
    if absent := absent_libraries():
        return refuse(absent)
    from tests.shop.repertoire import STORIES

    stories = {each.name: each for each in STORIES}
    if asked.incident not in stories:
        return refuse(f"no incident {asked.incident!r}: there is {', '.join(stories)}")
    out = asked.out or HERE / "incidents" / asked.incident
    return take(stories[asked.incident], asked.seed, out, asked.port_base, keep=asked.keep)


def take(story: Story, seed: int, out: Path, port_base: int, *, keep: bool) -> int:
    """Check what is needed, record, tidy up; 0 done, 1 the take failed, 2 something is missing."""
    if absent := absent_libraries():
        return refuse(absent)
    from tests.shop import daemons, stage
    from tests.shop.processes import TakeError

    packages = " ".join(daemons.missing_packages())
    if packages:
        return refuse(f"Debian packages are missing: apt-get install -y {packages}")
    ports = daemons.Ports.from_base(port_base)
    if busy := daemons.taken(ports):
        return refuse(f"ports {busy} are taken: choose another --port-base")
    for each in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, interrupt)
    with workspace(keep=keep) as run:
        try:
            stage.record(story, seed, out, run, ports, say)
        except (TakeError, KeyboardInterrupt) as error:
            say(f"nothing recorded: {str(error) or 'interrupted'}")
            return 1
    say(f"recorded to {out}")
    return 0


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.shop.record", description=__doc__)
    parser.add_argument("incident", help="the name of a story, such as bad_release")
    parser.add_argument("--seed", type=int, default=1, help="noise, timing, which innocents")
    parser.add_argument("--out", type=Path, help="default: tests/shop/incidents/INCIDENT")
    add_options(parser)
    return parser


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of every recording."""
    parser.add_argument("--port-base", type=int, default=18000, help="ports are laid out from here")
    parser.add_argument("--keep", action="store_true", help="keep the shop's own logs and data")


def absent_libraries() -> str:
    """Say which libraries are missing and how to get them; nothing if all are there."""
    absent = [name for name in LIBRARIES if importlib.util.find_spec(name) is None]
    return f"Python lacks {', '.join(absent)}: pip install -e '.[shop]'" if absent else ""


@contextmanager
def workspace(*, keep: bool) -> Iterator[Path]:
    """Give a folder for the run that PostgreSQL's user can reach into."""
    run = Path(tempfile.mkdtemp(prefix="shop-"))
    run.chmod(0o755)
    try:
        yield run
    finally:
        if keep:
            say(f"the shop's own files are in {run}")
        else:
            shutil.rmtree(run, ignore_errors=True)


def interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def say(what: str) -> None:
    """Tell the person who waits."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {what}\n")


def refuse(why: str) -> int:
    sys.stderr.write(f"{why}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main())
