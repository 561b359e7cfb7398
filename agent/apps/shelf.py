"""The reports of a lake: `<lake>/reports/<id>/report.{json,md,html}`, each with its finding."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from agent.apps.terminal import complain
from agent.errors import RequestError
from lake.errors import LakeError

if TYPE_CHECKING:
    from agent.apps.options import Format
    from agent.redaction import Pseudonyms
    from agent.state import Report
    from lake.store import Lake

IDENTIFIERS = "identifiers.json"
"""Whom the pseudonyms in a report stand for, for its owner's eyes only."""

_LATEST = 3
_DRESSES: dict[str, Format] = {
    "report.html": "html",
    "report.md": "markdown",
    "report.json": "json",
}


def keep(report: Report, lake: Lake, people: Pseudonyms | None = None) -> Path | None:
    """Save a report and record its finding; what the lake does not take is said, not raised.

    Whom the pseudonyms of `people` stand for is kept beside it, for its owner's eyes only. Returns
    the report's folder, None if there is none.
    """
    folder = lake.path / "reports" / report.id
    try:
        save(report, lake.path)
    except OSError as error:
        complain(f"The report is not kept: {_why(error, folder)}")
        return None
    try:
        if people:
            identify(folder, people)
    except OSError as error:
        why = _why(error, folder)
        complain(f"Whom report {report.id} calls by pseudonyms is not kept: {why}")
    if failure := record(report, lake):
        complain(failure)
    return folder


def _why(error: OSError, folder: Path) -> str:
    """What could not be written, and why: a disk that is full does not say where."""
    return f"{error.filename or folder}: {error.strerror or error}."


def save(report: Report, lake: Path) -> Path:
    """Write a report to its place in a lake and return its folder."""
    return write(report, lake / "reports" / report.id)


def write(report: Report, folder: Path) -> Path:
    """Write a report in every dress into `folder`; each file appears whole or not at all.

    The JSON, which is the source of truth, comes last.
    """
    from agent.report.dress import render

    folder.mkdir(parents=True, exist_ok=True)
    for name, dress in _DRESSES.items():
        unfinished = folder / f".{name}"
        unfinished.write_text(render(report, dress), encoding="utf-8")
        os.replace(unfinished, folder / name)  # noqa: PTH105 - says that it replaces
    return folder


def identify(folder: Path, people: Pseudonyms) -> None:
    """Write whom the pseudonyms in a report stand for beside it; nothing if there are none."""
    from agent.redaction import MARK

    marks = set(MARK.findall((folder / "report.json").read_text(encoding="utf-8")))
    told = {mark: value for mark, value in sorted(people.known.items()) if mark in marks}
    if told:
        unfinished = folder / f".{IDENTIFIERS}"
        unfinished.unlink(missing_ok=True)
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as to:
            to.write(json.dumps(told, indent=2))
        os.replace(unfinished, folder / IDENTIFIERS)  # noqa: PTH105 - says that it replaces


def revealed(report: Report, file: Path) -> Report:
    """A report with the people in it called as they are, where its folder says who they are.

    That nobody in it has a pseudonym is said, and it is given as it is. RequestError if somebody
    has and the folder does not say who it is, or not to this user.
    """
    from agent.redaction import MARK
    from agent.report.as_json import dump, load

    shown = dump(report)
    if not MARK.search(shown):
        complain(f"Report {report.id} calls nobody by a pseudonym: it is shown as it is.")
        return report
    place = file.parent / IDENTIFIERS
    try:
        told = json.loads(place.read_bytes())
    except FileNotFoundError:
        raise RequestError(
            f"{place} is not there: the report was copied without it, so it names nobody."
        ) from None
    except (OSError, ValueError) as error:
        raise RequestError(f"{place} cannot be read: {error}.") from None
    return load(MARK.sub(lambda mark: json.dumps(told.get(mark[0], mark[0]))[1:-1], shown))


def record(report: Report, lake: Lake) -> str:
    """Append a report to its lake as an OCSF incident finding, once however often it is called.

    Gives the sentence that says why it could not be, empty when it is there.
    """
    from agent.report.finding import finding

    rows = finding(report, f"reports/{report.id}/report.html")
    try:
        lake.append("incident_finding", rows, report.id)
    except LakeError as error:
        why = str(error).rstrip(".")
        return f"The finding of report {report.id} is not in the lake: {why}."
    return ""


def saved(lake: Path) -> list[Path]:
    """List the report files of a lake."""
    return sorted((lake / "reports").glob("*/report.json"))


def find(given: str, lake: Path) -> Path:
    """Find a report.json by its path, its folder, or its id in `lake`."""
    for place in (
        Path(given),
        Path(given) / "report.json",
        lake / "reports" / given / "report.json",
    ):
        if place.is_file():
            return place
    raise RequestError(
        f"There is no report {given!r}: no such file, and {lake} has {latest(lake)}."
    )


def latest(lake: Path) -> str:
    """Name the latest reports of a lake: `27 reports, the latest A, B and C`."""
    from agent.report.words import listed, plural

    files = sorted(saved(lake), key=lambda file: file.stat().st_mtime, reverse=True)
    if not files:
        return "no report"
    names = listed([file.parent.name for file in files[:_LATEST]])
    return f"{plural(len(files), 'report')}, the latest {names}"


def lake_of(report_file: Path, otherwise: Path) -> Path:
    """Give the lake whose shelf a report file stands on, or `otherwise` if it stands on none."""
    shelf = report_file.resolve().parent.parent
    return shelf.parent if shelf.name == "reports" else otherwise
