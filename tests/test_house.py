"""The house itself: what anyone's checkout must be like."""

from __future__ import annotations

import re
import resource
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = {"duckdb", "jinja2", "langchain", "langgraph", "pandas", "pyarrow", "pyiceberg", "sqlglot"}
OURS = re.compile(r"(?:/work|/root|/home|/Users)/\w+")
MAKEFILE = (ROOT / "Makefile").read_text()


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", *patterns], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def texts() -> list[Path]:
    suffixes = {".css", ".j2", ".json", ".lock", ".md", ".py", ".sql", ".toml", ".yaml", ".yml"}
    return [
        path
        for path in tracked()
        if path.suffix in suffixes and "data" not in path.parts and "incidents" not in path.parts
    ]


def test_no_file_names_a_place_that_only_one_machine_has() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in texts()
        if path != Path(__file__)
        for match in OURS.finditer(path.read_text())
    ]
    assert found == []


def test_the_lock_file_names_versions_and_no_host() -> None:
    lines = [
        line
        for line in (ROOT / "requirements.lock").read_text().splitlines()
        if not line.lstrip().startswith("#")
    ]
    assert lines
    assert [
        line for line in lines if not re.fullmatch(r"[\w.-]+(\[[\w,]+\])?==[\w.+!]+", line)
    ] == []


def help_(then: str = "") -> subprocess.CompletedProcess[str]:
    """`inquest --help` in a process of its own, and `then` in the same."""
    program = f"import sys; from agent.apps.cli import run; code = run(['--help']); {then}"
    return subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )


def test_help_loads_no_heavy_library() -> None:
    shown = help_(f"sys.stderr.write(' '.join({HEAVY!r} & set(sys.modules)))")
    assert "demo" in shown.stdout
    assert shown.stderr == ""


@pytest.mark.bench
def test_help_costs_less_than_three_tenths_of_a_second() -> None:
    def once() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        help_()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime

    assert min(once() for _ in range(3)) < 0.3


def test_every_make_command_of_the_documents_is_a_target() -> None:
    targets = set(re.findall(r"^([a-z0-9]+):", MAKEFILE, re.MULTILINE))
    named = {
        name
        for document in tracked("*.md")
        for name in re.findall(r"(?:^|`)make ([a-z0-9]+)", document.read_text(), re.MULTILINE)
    }
    assert {"demo", "test"} <= named
    assert named <= targets


def test_every_make_target_says_what_it_does() -> None:
    phony = set(re.findall(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)[0].split())
    helped = set(re.findall(r"^([a-z0-9]+):[^\n]*## \S", MAKEFILE, re.MULTILINE))
    assert phony == helped


def test_every_ignored_lint_rule_has_its_reason_beside_it() -> None:
    lines = (ROOT / "pyproject.toml").read_text().splitlines()
    rules = [line for line in lines if re.match(r'\s+"[A-Z]+\d+",', line)]
    assert rules
    assert [line for line in rules if not re.search(r"#\s+\S+ \S+", line)] == []


def test_every_exception_to_lint_or_types_has_its_reason_beside_it() -> None:
    exception = re.compile(r"# (?:noqa: [A-Z0-9, ]+|type: ignore\[[\w, -]+\])(.*)$", re.MULTILINE)
    bare = re.compile(r"# noqa(?!:)|# type: ignore(?!\[)")
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in tracked("*.py")
        if path != Path(__file__)
        for pattern in (exception, bare)
        for match in pattern.finditer(path.read_text())
        if pattern is bare or not re.search(r"\w+ \w+", match.group(1))
    ]
    assert found == []


def test_every_part_of_the_readme_that_is_ours_exists() -> None:
    links = re.findall(r"\]\(([\w/.-]+)\)", (ROOT / "README.md").read_text())
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_readme_fits_a_screen() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 60


def test_every_command_of_the_readme_is_one_of_the_command_line() -> None:
    from agent.apps.cli import app

    commands = {command.name or command.callback.__name__ for command in app.registered_commands}  # type: ignore[union-attr]  # every command has its function
    commands |= {group.typer_instance.info.name for group in app.registered_groups}  # type: ignore[union-attr]  # every group is an app
    named = set(
        re.findall(r"(?:^|`)inquest ([a-z]+)", (ROOT / "README.md").read_text(), re.MULTILINE)
    )
    assert named
    assert named <= commands


def test_the_wheel_carries_the_five_packages() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert sorted(packages) == ["agent", "ingest", "lake", "playbooks", "traces"]
