"""HolmesGPT beside us: the same incident, the same rows, a model that asks what anyone would ask.

It is run as it comes (`holmes ask`), from an environment of its own: the variable HOLMES says where
its program is, else it is looked for in PATH. What it may ask is `holmes_kit/`: the rows of the
lake as text, by shell. The model is scripted: it asks for everything that leads to the culprit and
nothing else, so that what is counted is the price of the loop and not of a detour.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lake.store import Lake

KIT = Path(__file__).parent / "holmes_kit"
VARIABLE = "HOLMES"
MODEL = "openai/gpt-4.1"  # a name whose window it knows
PATIENCE_S = 120

Question = tuple[str, str]
"""What is asked for, and of which service: alerts, changes, metrics, logs or traces."""


@dataclass(frozen=True, slots=True)
class Course:
    """What a model asks for, turn by turn, before it answers."""

    name: str
    turns: tuple[tuple[Question, ...], ...]

    def asked(self, request: Mapping[str, Any]) -> tuple[Question, ...]:
        """What it asks for in answer to a request; nothing once it is through."""
        spoken = sum(message["role"] == "assistant" for message in request["messages"])
        return self.turns[spoken] if spoken < len(self.turns) else ()


def program() -> Path | None:
    """Where HolmesGPT is; None if it is not installed."""
    found = os.environ.get(VARIABLE) or shutil.which("holmes")
    return Path(found) if found else None


def table(holmes: Path) -> Path | None:
    """The folder in which its environment keeps the tables of encodings."""
    places = "lib/python*/site-packages/litellm/litellm_core_utils/tokenizers"
    return next(iter(holmes.resolve().parent.parent.glob(places)), None)


def version(holmes: Path) -> str:
    """What it calls itself."""
    told = subprocess.run([str(holmes), "version"], capture_output=True, text=True, check=True)
    return told.stdout.split()[-1]


def courses(symptom: str, suspect: str) -> tuple[Course, ...]:
    """From the service that shows it to the one that does it, in long turns and in short ones."""
    questions = (
        *(("alerts", ""), ("changes", "")),
        *((kind, service) for service in (symptom, suspect) for kind in ("metrics", "logs")),
        *(("traces", service) for service in (symptom, suspect)),
    )
    by_twos = tuple(zip(questions[::2], questions[1::2], strict=True))
    return (
        Course("8 questions, two a turn", by_twos),
        Course("8 questions, one a turn", tuple((one,) for one in questions)),
    )


def its_tool(question: Question) -> tuple[str, dict[str, Any]]:
    """A question as a call of one of the tools of `holmes_kit/toolset.yaml`."""
    kind, service = question
    given = {"service": service, "pattern": "WARN|ERROR"}
    needed = {"metrics": ("service",), "traces": ("service",), "logs": ("service", "pattern")}
    return kind, {name: given[name] for name in needed.get(kind, ())}


def hand_over(lake: Lake, folder: Path) -> None:
    """Write the rows that it may ask for, a file for each kind."""
    folder.mkdir(parents=True)
    view = lake.at()
    for question in sorted(KIT.glob("*.sql")):
        rows = view.ask(question.read_text("utf-8"))
        with (folder / f"{question.stem}.tsv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, dialect="excel-tab")
            writer.writerow(rows.columns)
            writer.writerows(tuple(row.values()) for row in rows.dicts())


def ask(
    holmes: Path, question: str, evidence: Path, url: str, home: Path, config: Path | None = None
) -> str:
    """Let it investigate against the model at `url`, and give what it printed.

    RuntimeError with the end of what it printed if it failed. `config` is a file of its settings.
    """
    home.mkdir(parents=True, exist_ok=True)
    command = [str(holmes), "ask", "--no-interactive", "--model", MODEL]
    command += ["--custom-toolsets", str(KIT / "toolset.yaml")]
    command += ["--config", str(config)] if config else []
    run = subprocess.run(
        [*command, question],
        env=_environment(evidence, url, home),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    if run.returncode:
        raise RuntimeError(f"HolmesGPT ended with {run.returncode}: {run.stderr[-2000:]}")
    return run.stdout


def truth(incident: Path) -> tuple[str, str]:
    """The service that showed an incident first, and the one to blame: itself, if no other is."""
    told = json.loads((incident / "truth.json").read_text("utf-8"))
    symptom = str(told["alerts"][0]["service"])
    return symptom, str((told["culprit"] or {}).get("service") or symptom)


def _environment(evidence: Path, url: str, home: Path) -> dict[str, str]:
    """As little as it needs: none of our settings, no key, a home of its own."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    named = {"HOME": str(home), "EVIDENCE": str(evidence)}
    return {**kept, **named, "OPENAI_API_KEY": "none", "OPENAI_API_BASE": url}
