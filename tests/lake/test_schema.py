import json
import tomllib
from pathlib import Path

import pytest
from ocsf_json_schema import get_ocsf_schema  # type: ignore[import-untyped]  # has no types

from lake import ocsf, schema

EXTENSION = Path(schema.__file__).parent / "ocsf" / "extension"
FILES = sorted(path.relative_to(EXTENSION).as_posix() for path in EXTENSION.rglob("*.json"))


@pytest.mark.parametrize("table", schema.tables())
def test_every_path_of_a_table_has_a_type(table: str) -> None:
    assert schema.leaves(schema.arrow_schema(table)) == set(schema.paths(table))


@pytest.mark.parametrize("table", schema.tables())
def test_only_the_times_a_row_cannot_do_without_are_required(table: str) -> None:
    required = {field.name for field in schema.arrow_schema(table) if not field.nullable}
    assert required == {"time", "ingested_at"} & set(schema.paths(table))


@pytest.mark.parametrize("table", schema.tables())
def test_a_table_is_partitioned_and_sorted_by_columns_that_it_has(table: str) -> None:
    assert {schema.partition_column(table), *schema.sort_order(table)} <= set(schema.paths(table))


@pytest.mark.parametrize(
    ("table", "path", "expected"),
    [
        ("log_record", "time", "TIMESTAMP WITH TIME ZONE"),
        ("log_record", "severity_id", "INTEGER"),
        ("log_record", "unmapped", "VARCHAR"),
        ("log_record", "attributes", "VARCHAR"),
        ("http_activity", "duration", "BIGINT"),
        ("http_activity", "http_request.url.path", "VARCHAR"),
        ("http_activity", "dst_endpoint.port", "INTEGER"),
        ("http_activity", "workload.service", "VARCHAR"),
        ("detection_finding", "finding_info.first_seen_time", "TIMESTAMP WITH TIME ZONE"),
        ("incident_finding", "end_time", "TIMESTAMP WITH TIME ZONE"),
        ("incident_finding", "impacted_services", "VARCHAR[]"),
        ("incident_finding", "cause.probability", "DOUBLE"),
        ("incident_finding", "confidence_score", "INTEGER"),
        ("metric_point", "value", "DOUBLE"),
        ("metric_point", "count", "BIGINT"),
        ("metric_point", "bucket_counts", "BIGINT[]"),
        ("metric_point", "is_monotonic", "BOOLEAN"),
        ("trace_span", "duration_ns", "BIGINT"),
        ("quarantine", "position", "BIGINT"),
    ],
)
def test_a_path_has_the_type_that_ocsf_gives_it(table: str, path: str, expected: str) -> None:
    first, *rest = path.split(".")
    at = schema.arrow_schema(table).field(first).type
    for name in rest:
        at = at.field(name).type
    assert schema.duckdb_type(at) == expected


def test_a_path_that_ocsf_lacks_is_an_error_that_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    schema.arrow_schema.cache_clear()
    monkeypatch.setattr(schema, "paths", lambda _: ("http_request.nonsense",))
    with pytest.raises(KeyError, match=r"http_request\.nonsense"):
        schema.arrow_schema("http_activity")


def test_structs_read_as_sql_writes_them() -> None:
    columns = schema.duckdb_columns("http_activity")
    assert columns["http_response"] == 'STRUCT("code" INTEGER, "length" INTEGER)'
    assert list(columns)[:2] == ["time", "ingested_at"]


@pytest.mark.parametrize("file", FILES)
def test_an_attribute_of_the_extension_is_in_a_dictionary(file: str) -> None:
    core = get_ocsf_schema(schema.OCSF_VERSION)["dictionary"]["attributes"]
    ours = json.loads((EXTENSION / "dictionary.json").read_text())["attributes"]
    used = json.loads((EXTENSION / file).read_text()).get("attributes", {}).keys()
    if file != "categories.json":
        assert used - {"$include"} <= core.keys() | ours.keys()


def test_the_extension_defines_nothing_that_it_does_not_use_or_that_the_core_has() -> None:
    core = get_ocsf_schema(schema.OCSF_VERSION)
    ours = json.loads((EXTENSION / "dictionary.json").read_text())["attributes"].keys()
    read = [json.loads((EXTENSION / file).read_text()) for file in FILES if "/" in file]
    used = {name for one in read for name in one["attributes"]}
    assert ours <= used
    assert not ours & core["dictionary"]["attributes"].keys()
    named = {one["name"] for one in read if "name" in one}
    assert not named & (core["objects"].keys() | core["classes"].keys() | core["profiles"].keys())


@pytest.mark.parametrize("table", ocsf.extension()["classes"])
def test_a_class_of_ours_has_the_uid_that_its_table_declares(table: str) -> None:
    event = json.loads((EXTENSION / "events" / "telemetry" / f"{table}.json").read_text())
    extension = json.loads((EXTENSION / "extension.json").read_text())["uid"]
    categories = json.loads((EXTENSION / "categories.json").read_text())["attributes"]
    public = extension * 100_000 + categories[event["category"]]["uid"] * 1000 + event["uid"]
    tables = tomllib.loads((EXTENSION.parent / "tables.toml").read_text())
    assert public == tables[table]["class_uid"]
