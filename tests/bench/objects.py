"""Which objects of a list a static check should flag: `python -m tests.bench.objects`.

Every case's object list goes into a lake of its own; the objects that `inquest insights` calls
failing, or a risk, are its answer, which the set's own script scores. The cases lie beside the
project, in `../shared/cases`, and never in it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agent.apps.insights import AREAS, RISK, look
from agent.playbook.load import load
from ingest.bundle import take
from lake.store import Lake

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"
SET = "k8s_objects"


def answers(cases: Path) -> Iterator[dict[str, Any]]:
    """Each case's failing objects, as `namespace/name`."""
    books = [one for one in load() if one.area in AREAS and one.role != "benign"]
    for folder in sorted((cases / SET).iterdir()):
        with tempfile.TemporaryDirectory() as scratch, Lake.create(Path(scratch) / "lake") as lake:
            take(lake, [folder / "evidence"])
            found = look(lake.at(), folder.name, books)
        flagged = [one for one in found.insights if one.level != "hygiene" or one.certainty >= RISK]
        failing = sorted({_place(one.object) for one in flagged})
        yield {"id": folder.name, "verdict": "incident" if failing else "healthy",
               "failing": failing}  # fmt: skip


def _place(name: str) -> str:
    """`Kind/namespace/name` as `namespace/name`; what has no namespace stays `Kind/name`."""
    kind, _, rest = name.partition("/")
    return rest if "/" in rest else f"{kind}/{rest}"


def main() -> None:
    """Answer every case, and have the set's script score the answers."""
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as out:
        for answer in answers(CASES):
            out.write(json.dumps(answer) + "\n")
        out.flush()
        script = [sys.executable, str(CASES / "score.py"), out.name, "--set", SET, *sys.argv[1:]]
        subprocess.run(script, check=True)


if __name__ == "__main__":
    main()
