"""Adapters: how the evidence of recorded cases that are no folders of evidence goes into a lake.

Each is a small file that recognises the shape of a case's line and of its files, never a name. The
lines are those of a pack's `cases.jsonl`; paths in them are relative to the pack. What an adapter
leaves in the lake is what the recording had; the answer is in none of the files that it reads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from agent.config import Request
from lake.store import Lake

Case = Mapping[str, Any]

NAMES = ("windows", "two_parts", "nodes", "spans_of_rows", "apis", "alerts", "changes", "commits")


@dataclass(frozen=True, slots=True)
class Adapter:
    """One layout of cases.

    `fits` says whether a case is of it. `take_in` ingests the case's evidence into a lake of its
    own and returns what is to be asked: about when, which service, and which stretch is calm.
    """

    name: str
    fits: Callable[[Path, Case], bool]
    take_in: Callable[[Lake, Path, Case], Request]


def adapters() -> tuple[Adapter, ...]:
    """Every adapter that is here."""
    return tuple(_adapter(name) for name in NAMES if find_spec(f"{__name__}.{name}"))


def adapter_for(pack: Path, case: Case) -> Adapter | None:
    """The adapter whose layout a case is of; None if it is of none."""
    return next((one for one in adapters() if one.fits(pack, case)), None)


def _adapter(name: str) -> Adapter:
    module = import_module(f"{__name__}.{name}")
    return Adapter(name, module.fits, module.take_in)
