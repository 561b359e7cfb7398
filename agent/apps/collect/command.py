"""`inquest collect`: a folder of evidence, gathered with what is there, changing nothing."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from agent.apps.terminal import complain, progress, say
from agent.errors import RequestError

if TYPE_CHECKING:
    from agent.apps.collect.folder import Folder

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, slots=True)
class Asked:
    """What to gather from, as the command line says it; empty is not at all."""

    namespace: str
    since_s: float
    kube: bool
    argocd: bool
    helm: bool
    prometheus: str
    github: str
    logs: tuple[str, ...]
    postgres: str
    redis: str
    nginx_status: str


def collect(
    out: Annotated[Path, typer.Argument(metavar="FOLDER", help="A new folder, or an empty one.")],
    namespace: Annotated[
        str, typer.Option("--namespace", "-n", help="One namespace; without it, all.")
    ] = "",
    *,
    kube: Annotated[bool, typer.Option("--kube/--no-kube", help="Ask kubectl.")] = True,
    prometheus: Annotated[
        str, typer.Option(metavar="URL", help="Ask a Prometheus: alerts, targets, signals.")
    ] = "",
    argocd: Annotated[bool, typer.Option("--argocd", help="Ask argocd.")] = False,
    helm: Annotated[bool, typer.Option("--helm", help="Ask helm.")] = False,
    github: Annotated[
        str,
        typer.Option(metavar="OWNER/REPO", help="Ask GitHub what changed, with $GITHUB_TOKEN."),
    ] = "",
    logs: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[SERVICE=]PATH", help="The end of a log file, or of all in a folder."
        ),
    ] = None,
    postgres: Annotated[str, typer.Option(metavar="DSN", help="Ask a PostgreSQL by psql.")] = "",
    redis: Annotated[str, typer.Option(metavar="URL", help="Ask a Redis by redis-cli.")] = "",
    nginx_status: Annotated[
        str, typer.Option(metavar="URL", help="Read nginx' stub_status page.")
    ] = "",
    since: Annotated[str, typer.Option(metavar="1h", help="How far back to look.")] = "1h",
    prompt: Annotated[str, typer.Option(help="What is wrong, in your words.")] = "",
    alert: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The alert that called you.")
    ] = None,
    redact: Annotated[
        bool, typer.Option("--redact/--no-redact", help="Take secrets out before they are written.")
    ] = True,
) -> None:
    """Gather a bundle for `inquest investigate`, read-only.

    What is not installed, or refuses, is said and left out.
    """
    from agent.apps.collect.folder import Folder
    from agent.report.words import plural

    asked = Asked(
        namespace=namespace,
        since_s=_seconds(since),
        kube=kube,
        argocd=argocd,
        helm=helm,
        prometheus=prometheus,
        github=github,
        logs=tuple(logs or ()),
        postgres=postgres,
        redis=redis,
        nginx_status=nginx_status,
    )
    about = {"id": out.resolve().name, "prompt": prompt, "namespace": namespace}
    with progress() as tell, _made(out) as draft:
        folder = Folder(draft, tell, redacts=redact)
        if alert:
            about["alert"] = _keep_alert(folder, alert)
        _gather(folder, asked)
        for note in folder.notes:
            complain(note)
        if not folder.files:
            raise RequestError(f"Nothing could be gathered, so {out} was not written.")
        folder.close(about)
    say(f"{out}: {plural(len(folder.files), 'file')}, {folder.bytes / 1e6:.1f} MB")


def _gather(folder: Folder, asked: Asked) -> None:
    """Ask all that is wanted; what cannot be asked is a note, and the others go on."""
    from agent.apps.collect import (
        argocd,
        github,
        helm,
        kubernetes,
        logs,
        nginx,
        postgres,
        prometheus,
        redis,
    )
    from agent.apps.collect.tool import ToolError

    parts: list[Callable[[], None]] = [partial(logs.gather, folder, each) for each in asked.logs]
    if asked.kube:
        parts.append(partial(kubernetes.gather, folder, asked.namespace, asked.since_s))
    if asked.prometheus:
        parts.append(partial(prometheus.gather, folder, asked.prometheus, asked.since_s))
    if asked.argocd:
        parts.append(partial(argocd.gather, folder))
    if asked.helm:
        parts.append(partial(helm.gather, folder, asked.namespace))
    if asked.github:
        parts.append(partial(github.gather, folder, asked.github))
    if asked.postgres:
        parts.append(partial(postgres.gather, folder, asked.postgres))
    if asked.redis:
        parts.append(partial(redis.gather, folder, asked.redis))
    if asked.nginx_status:
        parts.append(partial(nginx.gather, folder, asked.nginx_status))
    for part in parts:
        try:
            part()
        except ToolError as error:
            folder.note(str(error))


@contextmanager
def _made(out: Path) -> Iterator[Path]:
    """A folder beside `out` that becomes `out` once all is in it, and is gone if that fails."""
    if (
        out.is_symlink()
        or (out.exists() and not out.is_dir())
        or (out.is_dir() and any(out.iterdir()))
    ):
        raise RequestError(f"{out} is there and not empty: collect into a new folder.")
    out.resolve().parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.resolve().parent))
    try:
        yield draft
        draft.rename(out)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _keep_alert(folder: Folder, alert: Path) -> str:
    from agent.apps.collect.tool import Answer

    try:
        text = alert.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise RequestError(f"{alert} cannot be read: {error.strerror}.") from None
    file = f"alert{alert.suffix or '.txt'}"
    folder.keep(file, "alert", Answer(text))
    return file


def _seconds(given: str) -> float:
    found = re.fullmatch(r"(\d+)([smhd])", given)
    if not found or not int(found[1]):
        raise typer.BadParameter(f"{given!r} is no length of time; write 90s, 30m, 1h or 2d.")
    return float(int(found[1]) * _SECONDS[found[2]])
