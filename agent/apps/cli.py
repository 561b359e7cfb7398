"""`inquest`: the command line.

It exits with 0 when done, 1 when a check failed, 2 on bad input, 3 on a fault of its own.
Every heavy library is imported inside the command that needs it; `inquest --help` loads none.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import typer

from agent.apps import (
    ask,
    batch,
    bench,
    costs,
    demo,
    doctor,
    export,
    ingest,
    insights,
    investigate,
    ocsf,
    playbooks,
    pr_check,
    quarantine,
    report,
    runs,
    slack,
    sources,
    trace,
    verify,
)
from agent.apps.collect.command import collect
from agent.apps.terminal import complain
from agent.config import read_settings
from lake.errors import DUCKDB_INTERRUPTED, InquestError

INTERRUPTED = 130

app = typer.Typer(
    name="inquest",
    help="Ask why it broke. Get an answer you can check.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    demo.demo,
    ingest.ingest,
    collect,
    export.export,
    investigate.investigate,
    insights.insights,
    batch.batch,
    verify.verify,
    bench.bench,
    doctor.doctor,
    costs.costs,
    trace.trace,
    pr_check.pr_check,
    slack.slack,
):
    app.command()(command)
app.command(context_settings={"ignore_unknown_options": True})(ask.ask)  # SQL may begin with `--`
app.add_typer(report.app)
app.add_typer(runs.app)
app.add_typer(sources.app)
app.add_typer(playbooks.app)
app.add_typer(quarantine.app)
app.add_typer(ocsf.app)


@app.callback()
def _settings(ctx: typer.Context) -> None:
    from agent.redaction import register

    ctx.obj = read_settings(os.environ)
    for sentence in register(os.environ, ctx.obj.secrets):
        complain(sentence)


def main() -> None:
    """Run the command line of this process and exit."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command line and give its exit code; a person gets a sentence, not a traceback."""
    try:
        app(list(arguments))
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else 0
    except KeyboardInterrupt:
        return INTERRUPTED
    except InquestError as error:
        if _debug():
            raise
        complain(f"inquest: {error}")
        return 2
    except OSError as error:
        if _debug():
            raise
        complain(f"inquest: {error.filename or 'the system'}: {error.strerror or error}.")
        return 2
    except Exception as error:
        if str(error) == DUCKDB_INTERRUPTED:
            return INTERRUPTED
        if _debug():
            raise
        complain(
            f"inquest: a fault of Inquest's own, {type(error).__name__}: {error}; "
            "run it again with INQUEST_DEBUG=1 for the traceback."
        )
        return 3
    return 0


def _debug() -> bool:
    return os.environ.get("INQUEST_DEBUG") == "1"
