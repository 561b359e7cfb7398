"""The terminal: results to stdout, sentences and progress to stderr, never mixed."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.apps.options import Format
    from agent.state import Report

Progress = Callable[[str], None]

WIDEST = 120
"""Columns past which a line is hard to read."""

PATIENCE_S = 1.0
"""How long a command may be silent before it shows what it is doing."""


def say(text: str) -> None:
    """Print a result; a reader that has gone away (`| head`) is not an error."""
    try:
        sys.stdout.write(text if text.endswith("\n") else f"{text}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # https://docs.python.org/3/library/signal.html#note-on-sigpipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def say_report(report: Report, form: Format) -> None:
    """Print a report; in colour and as wide as the terminal, if it is one."""
    from agent.report.dress import render

    if form != "text" or not sys.stdout.isatty():
        say(render(report, form))
        return
    from rich.console import Console

    from agent.report.terminal import terminal

    console = Console()
    console.print(terminal(report, min(console.width, WIDEST)))


def complain(text: str) -> None:
    """Print a sentence that is no result; what would command the terminal is spelt out."""
    lines = (printable(line) for line in text.split("\n"))
    sys.stderr.write("\n".join(lines) + "\n")


def printable(text: str) -> str:
    """Escape what would break a line or command the terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


@contextmanager
def progress() -> Iterator[Progress]:
    """Show on a terminal what is being done, once it has taken more than a second."""
    if not sys.stderr.isatty():
        yield _unseen
        return
    from rich.console import Console
    from rich.text import Text

    status = Console(stderr=True).status("loading")
    patience = threading.Timer(PATIENCE_S, status.start)
    patience.daemon = True
    patience.start()
    try:
        yield lambda text: status.update(Text(text))
    finally:
        patience.cancel()
        patience.join()
        status.stop()


def _unseen(_text: str) -> None:
    """Say nothing: nobody is watching."""
