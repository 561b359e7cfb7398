"""Log templates beside drain3's: grouping accuracy, and lines per CPU-second.

The lines and their templates, `loghub-2k`, lie beside the project and never in it. A line counts as
right if the lines of its group are exactly those of its template (Zhu et al. 2019). drain3 runs in
an environment of its own: `INQUEST_DRAIN3` is its Python.
"""

from __future__ import annotations

import csv
import gzip
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Hashable, Sequence
from functools import reduce
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from agent.analysis.log_templates import MASKS, grouped
from lake.ask import literal

PACK = Path(__file__).resolve().parents[3] / "shared" / "rca" / "loghub-2k"
TIMES = 10  # each system's lines are timed so often over: more lines, no more templates
DRAIN3 = os.environ.get("INQUEST_DRAIN3", "")

pytestmark = [
    pytest.mark.bench,
    pytest.mark.skipif(not PACK.is_dir(), reason="the labelled lines are not here"),
]

Groups = Sequence[Hashable]

_DRAIN = """
import json, sys, time
from drain3 import TemplateMiner
from drain3.masking import MaskingInstruction
from drain3.template_miner_config import TemplateMinerConfig

around = "((?<=[^A-Za-z0-9])|^)(%s)((?=[^A-Za-z0-9])|$)"  # of drain3's own example
masks = {"ID": r"([0-9a-f]{2,}:){3,}([0-9a-f]{2,})", "IP": r"\\d{1,3}(\\.\\d{1,3}){3}",
         "HEX": r"0x[a-f0-9A-F]+", "NUM": r"[\\-\\+]?\\d+"}
config = TemplateMinerConfig()
if sys.argv[1] == "masked":
    config.masking_instructions = [MaskingInstruction(around % p, n) for n, p in masks.items()]
lines, miner = json.load(sys.stdin), TemplateMiner(config=config)
started = time.process_time()
groups = [miner.add_log_message(line)["cluster_id"] for line in lines]
json.dump([groups, time.process_time() - started], sys.stdout)
"""


def labelled(system: str) -> tuple[list[str], list[str]]:
    """The lines of a system and the number of each one's template."""
    file = PACK / system / f"{system}_2k.log_structured.csv.gz"
    with gzip.open(file, "rt", encoding="utf8", newline="") as text:
        rows = list(csv.DictReader(text))
    return [row["Content"] for row in rows], [row["EventId"] for row in rows]


def accuracy(groups: Groups, truth: Groups) -> float:
    """The share of lines whose group holds the lines of their template and no others."""
    sides = []
    for of in (groups, truth):
        members: dict[Hashable, list[int]] = defaultdict(list)
        for at, name in enumerate(of):
            members[name].append(at)
        sides.append({tuple(lines) for lines in members.values()})
    return sum(map(len, sides[0] & sides[1])) / len(truth)


def ours(lines: list[str]) -> tuple[Groups, float]:
    """Each line's group, and the CPU seconds that masking in SQL and grouping took."""
    masked = reduce(
        lambda sql, pair: f"regexp_replace({sql}, {literal(pair[0])}, {literal(pair[1])}, 'g')",
        MASKS,
        "line",
    )
    with duckdb.connect() as db:
        db.execute("SET threads = 1")
        db.register("given", pa.table({"number": list(range(len(lines))), "line": lines}))
        db.execute("CREATE TABLE lines AS FROM given")
        started = time.process_time()
        db.execute(f"CREATE TABLE told AS SELECT number, {masked} AS template FROM lines")
        distinct = db.execute("SELECT DISTINCT template FROM told").fetchall()
        group = grouped(template for (template,) in distinct)
        took = time.process_time() - started
        told = db.execute("SELECT template FROM told ORDER BY number").fetchall()
    return [group[template] for (template,) in told], took


def drain3(lines: list[str], how: str) -> tuple[Groups, float]:
    """Each line's cluster, and the CPU seconds that took."""
    told = subprocess.run(
        [DRAIN3, "-c", _DRAIN, how],
        input=json.dumps(lines),
        capture_output=True,
        text=True,
        check=True,
    )
    groups, took = json.loads(told.stdout)
    return groups, took


def said(
    name: str, found: list[tuple[Groups, float]], truths: list[list[str]]
) -> tuple[float, int]:
    """Say a method's mean accuracy over the systems and its lines per CPU-second."""
    right = [
        accuracy(groups[: len(truth)], truth)
        for (groups, _), truth in zip(found, truths, strict=True)
    ]
    lines = sum(len(groups) for groups, _ in found)
    rate = round(lines / sum(took for _, took in found))
    mean = sum(right) / len(right)
    each = " ".join(f"{share:.3f}" for share in right)
    sys.stdout.write(f"{name:24}{mean:8.3f}{rate:>12,} lines/CPU-s   {each}\n")
    return mean, rate


def test_templates_are_as_right_as_drain3s_and_twice_as_fast(
    capsys: pytest.CaptureFixture[str],
) -> None:
    systems = sorted(folder.name for folder in PACK.iterdir() if folder.is_dir())
    given = [labelled(system) for system in systems]
    truths = [truth for _, truth in given]
    with capsys.disabled():
        sys.stdout.write(f"\n{'':24}{'accuracy':>8}{'':26}   {' '.join(systems)}\n")
        mean, rate = said("Inquest", [ours(lines * TIMES) for lines, _ in given], truths)
        said("Inquest, 2,000 lines", [ours(lines) for lines, _ in given], truths)
        for how in ("plain", "masked") if DRAIN3 else ():
            found = [drain3(lines * TIMES, how) for lines, _ in given]
            peer_mean, peer_rate = said(f"drain3, {how}", found, truths)
            assert mean >= peer_mean
            assert rate >= 2 * peer_rate
    assert mean >= 0.85
