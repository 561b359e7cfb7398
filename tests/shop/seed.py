"""Record an incident that a number draws: `python -m tests.shop.seed 7 [--out DIR]`.

The same number draws the same story; of as many numbers as there are kinds, each has its own.
"""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path

from tests.shop import record
from tests.shop.kind import Kind, story
from tests.shop.kinds.calm import CALM
from tests.shop.kinds.changes import CHANGES
from tests.shop.kinds.machines import MACHINES
from tests.shop.kinds.outside import OUTSIDE
from tests.shop.kinds.two_faults import TWO_FAULTS
from tests.shop.story import Story

KINDS: tuple[Kind, ...] = (*CHANGES, *MACHINES, *OUTSIDE, TWO_FAULTS, *CALM)
BRIEF = 0.4


def kind_of(seed: int) -> Kind:
    """Give the kind a number draws: the kinds in an order that each round of them draws anew."""
    turn, place = divmod(seed, len(KINDS))
    return random.Random(f"kinds {turn}").sample(KINDS, len(KINDS))[place]


def draw(seed: int, kind: Kind | None = None, *, brief: bool = False) -> Story:
    """Draw a story, of a certain kind if one is given; a brief one takes two minutes."""
    rng = random.Random(f"seed {seed}")
    return story(kind or kind_of(seed), rng, BRIEF if brief else 1.0)


def main() -> int:
    """Record it; the exit codes are those of `tests.shop.record`."""
    parser = argparse.ArgumentParser(prog="python -m tests.shop.seed", description=__doc__)
    parser.add_argument("seed", type=int)
    parser.add_argument("--kind", choices=[kind.name for kind in KINDS], help="instead of drawing")
    parser.add_argument("--brief", action="store_true", help="two minutes instead of four")
    parser.add_argument("--out", type=Path, help="default: seeds/SEED where you are")
    record.add_options(parser)
    asked = parser.parse_args()
    named = {kind.name: kind for kind in KINDS}.get(asked.kind or "")
    out = asked.out or Path("seeds") / str(asked.seed)
    story = draw(asked.seed, named, brief=asked.brief)
    return record.take(story, asked.seed, out, asked.port_base, keep=asked.keep)


if __name__ == "__main__":
    sys.exit(main())
