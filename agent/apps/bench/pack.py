"""The cases of a bench: a pack's `cases.jsonl`, or folders with evidence in them; no answers."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, get_args

from agent.errors import RequestError

CASES, EVIDENCE = "cases.jsonl", "evidence"

Rank = Literal["service", "node", "instance", "metric", "api", "commit"]
"""What a case asks to be ranked."""

PATHS = (
    *("dir", "normal", "anomalous", "metrics", "graph", "baseline"),
    *("train", "test", "latency", "throughput"),
)
"""What of a line is a path, of a file or of a folder."""

_RANKS = get_args(Rank)
_DEEPEST = 3  # folders of sets of cases


@dataclass(frozen=True, slots=True)
class Case:
    """One case, without its answer: its `line` as adapters read it, its paths relative to `pack`.

    `bundle` is its folder of evidence, where it is one that the engine may read itself.
    """

    id: str
    set: str
    rank: Rank
    pack: Path
    line: dict[str, Any]
    bundle: Path | None = None

    @property
    def alias(self) -> str:
        """A name that tells nothing: that of some cases gives their cause away."""
        return sha256(f"{self.set}\n{self.id}".encode()).hexdigest()[:16]

    @property
    def paths(self) -> dict[str, Path]:
        """Where the files and folders lie that the line names, by the name it has for each."""
        return {name: self.pack / self.line[name] for name in PATHS if self.line.get(name)}

    def digest(self) -> str:
        """What the line and the files that it names are now: a lake filled of others is not it."""
        told = [json.dumps(self.line, sort_keys=True), str(self.pack.resolve())]
        for path in self.paths.values():
            for file in sorted(_files(path)):
                stat = file.stat()
                told.append(f"{file} {stat.st_size} {stat.st_mtime_ns}")
        return sha256("\n".join(told).encode("utf-8", "surrogatepass")).hexdigest()


def read_pack(folder: Path, sets: Sequence[str] = (), limit: int | None = None) -> list[Case]:
    """Read the cases of a folder, of each set the first `limit`.

    RequestError in one sentence for no folder, one without cases, an unknown set; with every fault
    of a `cases.jsonl`, one a line, as `file:line: fault`.
    """
    if not folder.is_dir():
        raise RequestError(f"There is no folder {folder} to take cases from.")
    cases = _listed(folder) if (folder / CASES).is_file() else list(_found(folder))
    if not cases:
        raise RequestError(
            f"{folder} holds no case: neither a {CASES} nor folders with {EVIDENCE}/ in them."
        )
    named = Counter(case.id for case in cases)
    if twice := next((name for name, count in named.items() if count > 1), None):
        raise RequestError(f"{folder} holds two cases called {twice}: bench their sets one by one.")
    known = sorted({case.set for case in cases})
    if unknown := [name for name in sets if name not in known]:
        there = ", ".join(known)
        raise RequestError(f"There is no set {unknown[0]!r} in {folder}, expected one of {there}.")
    wanted = [case for case in cases if not sets or case.set in sets]
    return list(_first(wanted, limit))


def _files(path: Path) -> list[Path]:
    """The file, or all that a folder holds, under the names they really have."""
    whole = path.resolve()
    if not whole.is_dir():
        return [whole] if whole.exists() else []
    return [file for file in whole.rglob("*") if file.is_file()]


def _first(cases: Sequence[Case], limit: int | None) -> Iterator[Case]:
    seen = Counter[str]()
    for case in cases:
        seen[case.set] += 1
        if limit is None or seen[case.set] <= limit:
            yield case


def _found(folder: Path) -> Iterator[Case]:
    """The folders with evidence, at most so many levels down; a set is the folder of its cases."""
    for depth in range(_DEEPEST):
        for evidence in sorted(folder.glob(f"{'*/' * depth}{EVIDENCE}")):
            if evidence.is_dir():
                yield _of_folder(evidence.resolve())


def _of_folder(evidence: Path) -> Case:
    home = evidence.parent
    line = {"case": home.name, "set": home.parent.name, "dir": f"{home.name}/{EVIDENCE}"}
    return Case(home.name, home.parent.name, "service", home.parent, line, evidence)


def _listed(folder: Path) -> list[Case]:
    file = folder / CASES
    cases: list[Case] = []
    faults: list[str] = []
    first: dict[str, int] = {}
    for number, text in enumerate(read_text(file).split("\n"), 1):
        if not text.strip():
            continue
        fault = _fault(text, first)
        if fault:
            faults.append(f"{file}:{number}: {fault}.")
            continue
        line = json.loads(text)
        first[line["case"]] = number
        cases.append(_of_line(line, folder))
    if faults:
        raise RequestError("\n".join([*faults, "Nothing was investigated."]))
    return cases


def _of_line(line: dict[str, Any], folder: Path) -> Case:
    given = line.get("dir")
    bundle = folder / given if isinstance(given, str) and (folder / given).is_dir() else None
    name = str(line.get("set") or folder.resolve().name)
    return Case(line["case"], name, line.get("rank", "service"), folder, line, bundle)


def _fault(text: str, first: dict[str, int]) -> str:
    """What is wrong with a line; empty if nothing is."""
    try:
        line = json.loads(text)
    except (ValueError, RecursionError) as error:
        return f"no JSON: {error}"
    if not isinstance(line, dict):
        return "no JSON object"
    name = line.get("case")
    if not isinstance(name, str) or not name:
        return "it has no case, a text that names it"
    if name in first:
        return f"{name} is in line {first[name]} already"
    if line.get("rank", "service") not in _RANKS:
        return f"rank is {line['rank']!r}; it is one of {', '.join(_RANKS)}"
    for name in PATHS:
        if not isinstance(line.get(name) or "", str):
            return f"{name} is {line[name]!r}; it is the path of a file or of a folder"
    return ""


def read_text(file: Path) -> str:
    """The text of a file, whether it begins with a byte order mark or not.

    RequestError if it is not UTF-8.
    """
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise RequestError(f"{file}: byte {error.start} is not UTF-8.") from None
