"""A file's batch: what it is called in the lake, and whether all of it is there.

The batch id of a file is its source and the digest of its content. In a table it goes on with all
the tables that the file's rows went to and the file's size, so that a run killed between two
commits is told from one that was through, and a file that has grown from another:
`windows_event_xml:9f86...:authentication+process_activity@4096`. In quarantine it stands alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from lake.store import Lake


@dataclass(frozen=True)
class Landed:
    """Where a batch is, where it still lacks, and the size of its file; 0 if that is not known."""

    tables: frozenset[str]
    lacking: frozenset[str]
    size: int


NOWHERE = Landed(frozenset(), frozenset(), 0)


def in_table(batch_id: str, tables: Collection[str], size: int) -> str:
    """The id of a file's batch in one of the tables that its rows go to."""
    return f"{batch_id}:{'+'.join(sorted(tables))}@{size}"


def landed(lake: Lake, tables: Iterable[str]) -> dict[str, Landed]:
    """What is in tables of a lake, by the batch id of its file."""
    there, named = defaultdict[str, set[str]](set), defaultdict[str, set[str]](set)
    sizes = defaultdict[str, int](int)
    for table in tables:
        for found in lake.batches(table):
            source, digest, *more = found.split(":")
            others, _, size = "".join(more).partition("@")
            batch_id = f"{source}:{digest}"
            there[batch_id].add(table)
            named[batch_id] |= set(filter(None, others.split("+")))
            sizes[batch_id] = int(size or 0)
    return {
        one: Landed(frozenset(there[one]), frozenset(named[one] - there[one]), sizes[one])
        for one in there
    }
