"""The contract of every source: one file of SQL, one folder of samples, one suite over all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ingest import contract
from ingest.source import check, load

SOURCES = load()
SAMPLES = [(name, sample) for name in SOURCES for sample in contract.samples(SOURCES[name])]


def test_every_source_is_sound() -> None:
    assert check() == SOURCES


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_has_samples_and_says_who_writes_it_and_how_it_is_known(name: str) -> None:
    source = SOURCES[name]
    assert contract.samples(source)
    assert source.product[0]
    assert source.sniffs


@pytest.mark.parametrize(
    ("name", "sample"), SAMPLES, ids=lambda one: one if isinstance(one, str) else one.name
)
def test_a_sample_becomes_what_is_expected_and_is_valid_ocsf(
    name: str, sample: Path, pytestconfig: pytest.Config
) -> None:
    trial = contract.tried(SOURCES[name], sample)
    if pytestconfig.getoption("goldens"):
        text = json.dumps(trial.found, indent=1, ensure_ascii=False)
        contract.expected_of(sample).write_text(text + "\n", "utf-8")
    assert trial.found == json.loads(contract.expected_of(sample).read_text("utf-8"))
    assert trial.events > 0
    assert trial.invalid == ()
