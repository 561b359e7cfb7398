"""`inquest pr-check`: what the lake says of the services that a pull request touches."""

from __future__ import annotations

import html
import json
import os
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from agent.apps.options import Format, FormatOption, LakeOption, lake_folder, moment
from agent.apps.table import dress
from agent.apps.terminal import Progress, complain, progress, say
from agent.errors import RequestError

if TYPE_CHECKING:
    from agent.apps.github import GitHub
    from agent.report.pr_check import Check, Pull, Severity

FailOn = Literal["high", "medium", "never"]
FilesOf = Callable[[str], frozenset[str]]

MAP = Path(".inquest/services.yaml")
MOST_ANNOTATIONS = 10
"""Of one type in one step: GitHub shows no more."""

MOST_SUMMARY = 250_000
"""Characters of a job's summary, which may take 1 MiB, four bytes each at most."""

_AGE = re.compile(r"(\d{1,5})(m|h|d)")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True, slots=True)
class Runner:
    """What GitHub Actions, if it runs us, says in the environment."""

    is_action: bool
    api: str
    token: str
    repo: str
    event: Path | None
    output: Path | None
    summary: Path | None
    run_url: str


def pr_check(
    ctx: typer.Context,
    repo: Annotated[
        str | None, typer.Option(metavar="OWNER/NAME", help="By default the workflow's own.")
    ] = None,
    pr: Annotated[
        int | None, typer.Option(min=1, help="Its number; by default of the workflow's event.")
    ] = None,
    base: Annotated[
        str | None, typer.Option(help="Judge what git has between this commit and --head instead.")
    ] = None,
    head: Annotated[str | None, typer.Option(help="With --base.  [default: HEAD]")] = None,
    services: Annotated[
        Path, typer.Option("--map", help="Which paths belong to which services.")
    ] = MAP,
    since: Annotated[
        str, typer.Option(metavar="AGE", help="How far back, as 7d, 36h, 90m.")
    ] = "7d",
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="Judge as of then.  [default: now]")
    ] = None,
    fail_on: Annotated[
        FailOn, typer.Option(help="Exit 1 if a finding is as grave as this.")
    ] = "never",
    *,
    comment: Annotated[
        bool, typer.Option("--comment", help="Keep one comment on the pull request.")
    ] = False,
    json_out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the whole check as JSON.")
    ] = None,
    lake: LakeOption = None,
    form: FormatOption = "text",
) -> None:
    """Check a pull request against the lake.

    How the services it touches and their callers do now, what changed there lately, and which
    incidents such changes caused before. The token is GITHUB_TOKEN's.
    """
    from agent.apps.assess import Question, assess
    from agent.apps.service_map import read_map
    from agent.report.pr_check import fit_to_leave
    from lake.store import Lake

    runner = read_runner(os.environ)
    owners = read_map(services)
    now = moment(at) if at else datetime.now(UTC)
    back = now - _age(since)
    with _quoted(runner, form):
        with _watched(runner) as tell, _github(runner, repo) as hub:
            tell("reading the change")
            pull, files_of = _change(hub, runner, repo, pr, base, head)
            with Lake.open(lake_folder(ctx, lake)) as opened:
                tell("asking the lake")
                question = Question(pull, owners, services.as_posix(), now, back)
                check = fit_to_leave(assess(opened, question, files_of))
            written = _keep(check, hub, runner, tell) if comment else None
        _hand_over(check, runner, json_out, written)
        say(_dressed(check, form, runner.run_url))
    if runner.is_action and form == "text":
        for line in commands(check):
            say(line)
    if _is_as_grave(check, fail_on):
        raise typer.Exit(1)


def read_runner(environ: Mapping[str, str]) -> Runner:
    """Read what GitHub Actions sets: https://docs.github.com/en/actions/reference/workflows-and-actions/variables."""

    def path(name: str) -> Path | None:
        return Path(environ[name]) if environ.get(name) else None

    server, repo, run = (
        environ.get(f"GITHUB_{name}", "") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID")
    )
    return Runner(
        is_action=environ.get("GITHUB_ACTIONS") == "true",
        api=environ.get("GITHUB_API_URL") or "https://api.github.com",
        token=environ.get("GITHUB_TOKEN", "").strip(),
        repo=repo,
        event=path("GITHUB_EVENT_PATH"),
        output=path("GITHUB_OUTPUT"),
        summary=path("GITHUB_STEP_SUMMARY"),
        run_url=f"{server}/{repo}/actions/runs/{run}" if server and repo and run else "",
    )


def _age(given: str) -> timedelta:
    match = _AGE.fullmatch(given)
    if match is None or not int(match[1]):
        raise typer.BadParameter(f"{given!r} is no age; write 7d, 36h or 90m.")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def _watched(runner: Runner) -> AbstractContextManager[Progress]:
    """Show progress, but never into a runner's log, where it would break commands apart."""
    return nullcontext(lambda _text: None) if runner.is_action else progress()


@contextmanager
def _github(runner: Runner, repo: str | None) -> Iterator[GitHub | None]:
    """Open GitHub's API if it is known which repository is meant."""
    from agent.apps.github import GitHub

    named = repo or runner.repo
    if not named:
        yield None
        return
    with GitHub(runner.api, runner.token, named) as hub:
        yield hub


def _change(
    hub: GitHub | None,
    runner: Runner,
    repo: str | None,
    pr: int | None,
    base: str | None,
    head: str | None,
) -> tuple[Pull, FilesOf]:
    """The change to judge, and how to learn which files another one changed."""
    from agent.apps import git

    number = pr or _number(runner.event)
    if base or head:
        if not base:
            raise RequestError(f"--head {head} has no --base to be compared with.")
        between = git.changes(base, head or "HEAD", repo or runner.repo)
        return replace(between, number=number), git.files_of
    if hub is None or number is None:
        raise RequestError(
            "Which pull request is not known: give --repo OWNER/NAME and --pr NUMBER, or --base "
            "COMMIT for what git has here, or run on the event pull_request."
        )
    return hub.pull(number), hub.files_of


def _number(event: Path | None) -> int | None:
    """The pull request that a workflow's event is about, if it is about one."""
    if event is None:
        return None
    try:
        number = json.loads(event.read_text(encoding="utf-8"))["pull_request"]["number"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return number if isinstance(number, int) else None


def _keep(check: Check, hub: GitHub | None, runner: Runner, tell: Progress) -> int | None:
    """Write the comment or edit ours; one that cannot be written is told and stops nothing."""
    from agent.apps.github import GitHubError
    from agent.report.pr_comment import MARKER
    from agent.report.pr_comment import comment as dressed

    if hub is None or check.pull.number is None:
        complain("There is no pull request to comment on: give --repo and --pr.")
        return None
    tell("writing the comment")
    try:
        return hub.keep_comment(check.pull.number, MARKER, dressed(check, runner.run_url))
    except GitHubError as error:
        complain(f"The comment was not written, its text is in the job's summary: {error}")
        return None


def _hand_over(check: Check, runner: Runner, json_out: Path | None, comment: int | None) -> None:
    """Write the files: the JSON, the job's summary and the step's outputs."""
    from agent.report.pr_check import dump
    from agent.report.pr_comment import summary

    if json_out:
        json_out.parent.mkdir(parents=True, exist_ok=True)
        json_out.write_text(dump(check), encoding="utf-8")
    if runner.summary:
        with runner.summary.open("a", encoding="utf-8") as file:
            file.write(summary(check, runner.run_url, MOST_SUMMARY))
    if runner.output:
        outputs = {
            "verdict": check.verdict,
            "risk": "" if check.risk is None else f"{check.risk:.2f}",
            "findings": str(len(check.findings)),
            "report-json": str(json_out or ""),
            "comment-id": str(comment or ""),
        }
        with runner.output.open("a", encoding="utf-8") as file:
            file.writelines(_output(name, value) for name, value in outputs.items())


def _output(name: str, value: str) -> str:
    """One output of a step; no value can hold an end that is drawn after it."""
    end = f"end-{secrets.token_hex(16)}"
    return f"{name}<<{end}\n{value}\n{end}\n"


@contextmanager
def _quoted(runner: Runner, form: Format) -> Iterator[None]:
    """Let no line that is printed in here be taken for a command to the runner.

    https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
    """
    if not (runner.is_action and form == "text"):
        yield
        return
    token = secrets.token_hex(16)
    say(f"::stop-commands::{token}")
    try:
        yield
    finally:
        say(f"::{token}::")


def commands(check: Check) -> Iterator[str]:
    """Say the findings as workflow commands: what is grave is a warning, the rest a notice."""
    grave = [one for one in check.findings if one.severity != "low"]
    slight = [one for one in check.findings if one.severity == "low"]
    for command, findings in (("warning", grave), ("notice", slight)):
        for one in findings[:MOST_ANNOTATIONS]:
            in_file = one.where if one.where != one.service else ""
            file = f",file={_escaped(in_file, ':,')}" if in_file else ""
            title = _escaped(f"Inquest: {one.service or one.where}", ":,")
            yield f"::{command} title={title}{file}::{_escaped(one.text)}"


def _escaped(value: str, more: str = "") -> str:
    """`value` as a command takes it; a property may hold neither colons nor commas."""
    for character in f"%\r\n{more}":
        value = value.replace(character, f"%{ord(character):02X}")
    return value


def _is_as_grave(check: Check, fail_on: FailOn) -> bool:
    grave: dict[FailOn, set[Severity]] = {
        "high": {"high"},
        "medium": {"high", "medium"},
        "never": set(),
    }
    return any(one.severity in grave[fail_on] for one in check.findings)


def _dressed(check: Check, form: Format, run_url: str) -> str:
    from agent.report.pr_check import dump
    from agent.report.pr_comment import comment as markdown

    if form == "json":
        return dump(check)
    if form == "markdown":
        return markdown(check, run_url)
    told = list(_told(check))
    if form == "html":
        told = [f"<p>{html.escape(sentence)}</p>" for sentence in told]
    rows = [
        {"severity": f.severity, "where": f.where, "finding": f.text, "seen before": f.seen_before}
        for f in check.findings
    ]
    return "\n".join([*told, *([dress(list(rows[0]), rows, form)] if rows else [])])


def _told(check: Check) -> Iterator[str]:
    from agent.report.pr_comment import headline
    from agent.report.words import line

    yield headline(check)
    yield from (line(one.text) for one in check.summary)
    yield from (f"not known: {line(gap.text)}" for gap in check.gaps)
    yield from (f"no service is known for {line(path)}" for path in check.unmapped)
