"""What a source promises, tried on samples: they become what is expected, and it is valid OCSF.

A source's samples are the files `input*` in a folder of its name: ours beside the tests (in the
package where it is installed), a user's beside the source. What `input_x.log` becomes stands in
`expected_x.json`: the rows of each table without what differs from run to run, and the quarantine.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ingest.read.stream import ARRIVALS
from ingest.run import ingest
from ingest.source import SOURCES, Source
from lake.ask import View
from lake.event import events
from lake.store import Lake
from lake.validate import faults

_HERE = Path(__file__).parent
_OURS = (_HERE / "samples", _HERE.parent / "tests" / "data")
_DIFFERS = "ingested_at, source"


@dataclass(frozen=True)
class Trial:
    """What one sample of a source became, by table, and what is wrong with it."""

    source: str
    sample: Path
    found: Mapping[str, list[dict[str, Any]]]
    events: int
    invalid: tuple[str, ...]
    differences: tuple[str, ...]

    @property
    def faults(self) -> tuple[str, ...]:
        """What breaks the contract, one sentence each."""
        nothing = () if self.events or self.found["quarantine"] else ("it holds no records",)
        return (*nothing, *self.invalid, *self.differences)


def samples(source: Source) -> list[Path]:
    """The samples of a source."""
    is_ours = source.folder.is_relative_to(SOURCES)
    folders = _OURS if is_ours else (source.folder,)
    found = (path for folder in folders for path in (folder / source.name).glob("input*"))
    return sorted(path for path in found if not path.name.endswith(ARRIVALS))


def expected_of(sample: Path) -> Path:
    """Where it stands what a sample becomes."""
    stem = sample.name.partition(".")[0]
    return sample.with_name(f"expected{stem.removeprefix('input')}.json")


def tried(source: Source, sample: Path) -> Trial:
    """Ingest a sample into a lake of its own, validate every event, compare with what is expected.

    Raises InquestError for a sample that cannot be read.
    """
    own = None if source.folder.is_relative_to(SOURCES) else source.folder
    with tempfile.TemporaryDirectory() as scratch, Lake.create(Path(scratch) / "lake") as lake:
        summary = ingest(lake, source.name, [sample], own)
        view = lake.at()
        found = {table: _rows(view, table) for table in sorted(summary.classes)}
        whole = [one for table in found for one in events(table, _asked(view, table))]
        aside = view.ask("SELECT position, reason, raw FROM quarantine ORDER BY ALL").dicts()
    golden = expected_of(sample)
    expected = json.loads(golden.read_text("utf-8")) if golden.is_file() else None
    found["quarantine"] = aside
    return Trial(
        source=source.name,
        sample=sample,
        found=found,
        events=len(whole),
        invalid=tuple(_invalid(whole)),
        differences=() if expected is None else tuple(_differences(expected, found)),
    )


def _asked(view: View, table: str) -> list[dict[str, Any]]:
    return view.ask(f"SELECT * FROM {table} ORDER BY ALL").dicts()


def _rows(view: View, table: str) -> list[dict[str, Any]]:
    asked = view.ask(f"SELECT * EXCLUDE ({_DIFFERS}) FROM {table}").dicts()
    plain = [json.dumps(_without_nulls(row), default=_iso, sort_keys=True) for row in asked]
    return [json.loads(row) for row in sorted(plain)]


def _without_nulls(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    kept = {key: _without_nulls(one) for key, one in value.items() if one is not None}
    return {key: one for key, one in kept.items() if one != {}}


def _iso(value: Any) -> str:
    return datetime.isoformat(value.astimezone(UTC))


def _invalid(whole: list[dict[str, Any]]) -> Iterator[str]:
    for number, event in enumerate(whole, 1):
        for fault in faults(event):
            if not fault.is_warning:
                name = event.get("class_name", "an event")
                yield f"event {number}, {name}: {fault.path}: {fault.problem}"


def _differences(expected: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    """What is expected and not there, and the other way round, row by row."""
    for table in sorted({*expected, *found}):
        wanted, given = (
            [json.dumps(row, sort_keys=True, ensure_ascii=False) for row in one.get(table, [])]
            for one in (expected, found)
        )
        yield from (f"{table} lacks {row}" for row in wanted if row not in given)
        yield from (f"{table} has {row}" for row in given if row not in wanted)
        if sorted(wanted) != sorted(given) and set(wanted) == set(given):
            yield f"{table} has {len(given)} rows, expected {len(wanted)}"
