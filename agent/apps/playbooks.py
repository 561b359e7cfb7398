"""`inquest playbooks`: what is recognised at once, whether it is sound, and what is missing."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.apps.options import FormatOption
from agent.apps.table import Row, dress
from agent.apps.terminal import complain, progress, say
from agent.errors import PlaybookError

if TYPE_CHECKING:
    from agent.playbook.form import Playbook
    from agent.playbook.load import Fault

_COLUMNS = ["id", "role", "mechanism", "certainty", "title"]
_NEW = re.compile(r"[a-z0-9_]+/[a-z0-9_]+")

app = typer.Typer(name="playbooks", help="List, test or begin playbooks.", no_args_is_help=True)

OwnPlaybooks = Annotated[
    Path | None,
    typer.Option("--playbooks", metavar="DIR", help="A folder with playbooks of your own."),
]


@app.command("list")
def list_(
    area: Annotated[str | None, typer.Option(help="Only those of one folder.")] = None,
    playbooks: OwnPlaybooks = None,
    form: FormatOption = "text",
) -> None:
    """List the playbooks, each with how far down it lies and how often it is right."""
    from agent.playbook.load import load

    known = [one for one in load(playbooks) if area in (None, one.area)]
    if not known:
        raise PlaybookError(f"There are no playbooks of {area!r}: `inquest playbooks list`.")
    rows: list[Row] = [{name: getattr(one, name) for name in _COLUMNS} for one in known]
    say(dress(_COLUMNS, rows, form))


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(metavar="ID", help="A playbook, as area/symptom.")],
    playbooks: OwnPlaybooks = None,
    *,
    sql: Annotated[
        bool, typer.Option("--sql", help="The whole SQL that it asks, relations and all.")
    ] = False,
) -> None:
    """Show a playbook as it is."""
    from agent.playbook.compile import finding, whole
    from agent.playbook.load import load

    one = next((one for one in load(playbooks) if one.id == name), None)
    if one is None:
        raise PlaybookError(f"There is no playbook {name}: `inquest playbooks list` names them.")
    say(whole(finding(one)) if sql else Path(one.file).read_text("utf-8"))


@app.command("new")
def new(
    name: Annotated[str, typer.Argument(metavar="ID", help="area/symptom of the new one.")],
    folder: Annotated[Path, typer.Option("--into", metavar="DIR", help="Your folder.")] = Path(),
) -> None:
    """Begin a playbook: a file that is sound, fires on its own test, and is yours to change."""
    from agent.playbook.load import TEMPLATE

    if not _NEW.fullmatch(name):
        raise PlaybookError(f"{name!r} is no id of a playbook; it is area/symptom, lower case.")
    file = folder / f"{name}.yaml"
    if file.exists():
        raise PlaybookError(f"{file} is there already.")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(TEMPLATE.read_text("utf-8").replace("AREA/SYMPTOM", name), "utf-8")
    say(f"{file}: change it, then run `inquest playbooks test --playbooks {folder}`.")


@app.command("lint")
def lint(playbooks: OwnPlaybooks = None) -> None:
    """Check form, SQL and references of every playbook: ours and yours; exit 1 with all faults."""
    _conclude(*_checked(playbooks, with_tests=False))


@app.command("test")
def check(playbooks: OwnPlaybooks = None, form: FormatOption = "text") -> None:
    """Run the tests inside every playbook, and say what no playbook covers; exit 1 with faults."""
    known, faults = _checked(playbooks, with_tests=True)
    if not faults:
        areas = sorted({one.area for one in known})
        rows = [_counted(area, [one for one in known if one.area == area]) for area in areas]
        rows.append(_counted("all", known))
        say(dress([*rows[0]], rows, form))
        for line in _uncovered(known):
            complain(line)
    _conclude(known, faults)


def _checked(folder: Path | None, *, with_tests: bool) -> tuple[list[Playbook], list[Fault]]:
    from agent.playbook.load import read_all
    from agent.playbook.trial import lint as linted
    from agent.playbook.trial import tried

    known, faults = read_all(folder)
    with progress() as tell:
        for one in known:
            tell(f"trying {one.id}")
            wrong = list(linted(one))
            faults += wrong or (list(tried(one)) if with_tests else [])
    return known, faults


def _conclude(known: list[Playbook], faults: list[Fault]) -> None:
    for fault in faults:
        say(str(fault))
    if faults:
        raise typer.Exit(1)
    complain(f"all {len(known)} playbooks are sound")


def _counted(area: str, known: list[Playbook]) -> Row:
    tests = [test for one in known for test in one.tests]
    roles = Counter(one.role for one in known)
    return {
        "area": area,
        "playbooks": len(known),
        **{role: roles[role] for role in ("root", "proximate", "symptom", "benign", "standing")},
        "tests": len(tests),
        "fire": sum(bool(test.finds) for test in tests),
        "stay silent": sum(not test.finds for test in tests),
    }


def _uncovered(known: list[Playbook]) -> list[str]:
    """What no playbook covers: mechanisms, and reasons that Kubernetes gives for trouble."""
    from typing import get_args

    from agent.playbook.load import reasons
    from agent.state import Mechanism

    proved = Counter(one.mechanism for one in known)
    counts = ", ".join(f"{name} {proved[name]}" for name in get_args(Mechanism))
    asked = "\n".join(one.finds.sql for one in known)
    every = reasons()
    missing = [reason for reason in every if reason.lower() not in asked.lower()]
    return [
        f"mechanisms: {counts}",
        f"reasons of Kubernetes' own that are named: {len(every) - len(missing)} of {len(every)}; "
        f"not {', '.join(missing) or 'a single one'}",
    ]
