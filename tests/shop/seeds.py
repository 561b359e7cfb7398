"""Record many seeds: `python -m tests.shop.seeds 100 15 --out /tmp/seeds [--at-once 2]`.

Each goes to `DIR/<seed>` and what its recorder said to `DIR/<seed>/record.log`. One that is there
already is left; a take that was lost is tried once more.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from tests.shop.seed import kind_of

PORTS_APART = 300
TAKES = 2
MISSING = 2


def main() -> int:
    """Record them all; 1 if one could not be recorded, 2 if something is missing."""
    parser = argparse.ArgumentParser(prog="python -m tests.shop.seeds", description=__doc__)
    parser.add_argument("first", type=int)
    parser.add_argument("count", type=int)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--at-once", type=int, default=1, help="shops side by side")
    parser.add_argument("--port-base", type=int, default=20000)
    asked = parser.parse_args()
    bases: SimpleQueue[int] = SimpleQueue()
    for slot in range(asked.at_once):
        bases.put(asked.port_base + PORTS_APART * slot)

    def one(seed: int) -> int:
        base = bases.get()
        try:
            return record(seed, asked.out / str(seed), base)
        finally:
            bases.put(base)

    with ThreadPoolExecutor(asked.at_once) as pool:
        codes = list(pool.map(one, range(asked.first, asked.first + asked.count)))
    return max(codes)


def record(seed: int, out: Path, base: int) -> int:
    """Record one seed, in a process of its own; gives how that ended."""
    if (out / "truth.json").exists():
        return 0
    out.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "tests.shop.seed", str(seed), "--out", str(out)]
    began, code = time.monotonic(), 1
    for _ in range(TAKES):
        with (out / "record.log").open("ab") as log:
            code = subprocess.run(
                [*command, "--port-base", str(base)],
                stdout=log,
                stderr=subprocess.STDOUT,
                check=False,
            ).returncode
        if code in (0, MISSING):
            break
    ended = "recorded" if code == 0 else "LOST"
    took = f"{time.monotonic() - began:.0f} s"
    sys.stdout.write(f"{seed} {kind_of(seed).name}: {ended} in {took}\n")
    sys.stdout.flush()
    return code


if __name__ == "__main__":
    sys.exit(main())
