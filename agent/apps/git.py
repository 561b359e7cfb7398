"""What git says of a change in the working folder: its files, without network."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator

from agent.errors import RequestError
from agent.report.pr_check import ChangedFile, Pull

_STATUS = {
    "A": "added",
    "C": "copied",
    "D": "removed",
    "M": "modified",
    "R": "renamed",
}
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_DIFF = ("diff", "--name-status", "-z", "--find-renames", "--no-ext-diff", "--no-textconv")


def changes(base: str, head: str, repo: str) -> Pull:
    """Read what `head` changes since it left `base`; RequestError if git does not know them."""
    first, last = _commit(base), _commit(head)
    files = tuple(_files(_git(*_DIFF, f"{first}...{last}", "--")))
    title = _git("log", "-1", "--format=%s", last).strip()
    return Pull(repo, None, title, first, last, files, len(files))


def files_of(revision: str) -> frozenset[str]:
    """Name the files that a commit changed; none if this repository does not know it."""
    if not _COMMIT.fullmatch(revision):
        return frozenset()
    try:
        said = _git("diff-tree", "--no-commit-id", "--name-only", "-r", "-z", "--root", revision)
    except RequestError:
        return frozenset()
    return frozenset(filter(None, said.split("\0")))


def _commit(name: str) -> str:
    return _git(
        "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"
    ).strip()


def _files(said: str) -> Iterator[ChangedFile]:
    """Read `--name-status -z`: a status, then its path, or for a move the old path and the new."""
    parts = iter(said.split("\0"))
    for status in filter(None, parts):
        letter = status[0]
        before = next(parts) if letter in "CR" else ""
        yield ChangedFile(next(parts), _STATUS.get(letter, "changed"), before)


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, check=False, timeout=60)
    except FileNotFoundError:
        raise RequestError("git is not installed, and --base needs it.") from None
    if done.returncode:
        why = " ".join(done.stderr.decode(errors="replace").split())
        raise RequestError(
            f"git {arguments[0]} does not know {arguments[-1]!r} here: "
            f"{why or 'fetch it first (fetch-depth: 0)'}."
        )
    return done.stdout.decode(errors="backslashreplace")
