"""Our extension as OCSF's own tools see it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from ocsf_validator import validators  # type: ignore[import-untyped]  # has no types
from ocsf_validator.errors import Collector  # type: ignore[import-untyped]  # has no types
from ocsf_validator.processor import process_includes  # type: ignore[import-untyped]  # as above
from ocsf_validator.reader import (  # type: ignore[import-untyped]  # has no types
    FileReader,
    ReaderOptions,
)
from ocsf_validator.runner import (  # type: ignore[import-untyped]  # has no types
    Severity,
    ValidatorOptions,
)
from ocsf_validator.type_mapping import TypeMapping  # type: ignore[import-untyped]  # as above

from lake import ocsf
from tests.lake.compiler import EXTENSION, added, write_core

COMPILED = ocsf.FOLDER / "inquest.json"
CHECKS = (
    validators.validate_required_keys,
    validators.validate_no_unknown_keys,
    validators.validate_unused_attrs,
    validators.validate_undefined_attrs,
    validators.validate_intra_type_collisions,
    validators.validate_attr_types,
    validators.validate_event_categories,
)
"""All of the linter's but the one against OCSF's metaschema, which no package carries."""


def linted(folder: Path) -> set[str]:
    """What OCSF's linter warns of in a source tree."""
    reader = FileReader(ReaderOptions(base_path=folder, metaschema_path=folder / "metaschema"))
    collector, severity = Collector(throw=False), ValidatorOptions().severity
    types = TypeMapping(reader, collector)
    validators.validate_observables(reader, collector=collector, types=types)
    validators.validate_include_targets(reader, collector=collector, types=types)
    process_includes(reader, collector=collector, types=types)
    for check in CHECKS:
        check(reader, collector=collector, types=types)
    return {str(one) for one in collector.exceptions() if severity(one) > Severity.INFO}


def test_the_compiled_extension_is_current(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    compiled = json.dumps(added(tmp_path), indent=1, ensure_ascii=False) + "\n"
    if pytestconfig.getoption("goldens"):
        COMPILED.write_text(compiled, "utf-8")
    assert COMPILED.read_text("utf-8") == compiled


def test_the_linter_finds_in_the_extension_nothing_that_the_core_has_not(tmp_path: Path) -> None:
    write_core(tmp_path)
    of_the_core = linted(tmp_path)
    shutil.copytree(EXTENSION, tmp_path / "extensions" / "inquest")
    assert linted(tmp_path) - of_the_core == set()


def test_the_linter_finds_what_is_wrong_in_an_extension(tmp_path: Path) -> None:
    write_core(tmp_path)
    extension = tmp_path / "extensions" / "inquest"
    shutil.copytree(EXTENSION, extension)
    event = extension / "events" / "telemetry" / "log_record.json"
    event.write_text(event.read_text().replace('"span_uid"', '"no_such_thing"'))
    assert any("no_such_thing" in fault for fault in linted(tmp_path))


@pytest.mark.parametrize("name", ocsf.extension()["classes"])
def test_a_class_of_ours_has_all_of_the_base_event(name: str) -> None:
    base = ocsf.core()["classes"]["base_event"]["attributes"]
    assert base.keys() <= ocsf.classes()[name]["attributes"].keys()
    assert "workload" in ocsf.classes()[name]["attributes"]


@pytest.mark.parametrize("name", ocsf.classes())
def test_every_class_says_who_speaks(name: str) -> None:
    assert ocsf.attribute(name, ["workload", "service"])
    assert "inquest/telemetry" in ocsf.classes()[name]["profiles"]
