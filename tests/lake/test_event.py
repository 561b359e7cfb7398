"""A row gives back the whole event that was put into it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from ingest.project import projection
from ingest.source import connect
from lake import ocsf, schema
from lake.ask import literal
from lake.event import Event, events, stored
from lake.ocsf import Definition
from lake.store import Lake
from tests.lake.examples import Json, random_rows

NOON = datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=UTC)
CLASSES = ["authentication", "detection_finding", "dns_activity", "kubernetes_object", "log_record"]
UIDS = {"class_uid", "category_uid", "type_uid"}
CAPTIONS = {
    one["sibling"]
    for of in (*ocsf.classes().values(), *ocsf.objects().values())
    for one in of["attributes"].values()
    if "sibling" in one
}


def through_a_lake(table: str, rows: list[Json]) -> list[Event]:
    """Store what a SELECT gave, projected as that of a source is, and export it."""
    arrow = pa.Table.from_struct_array(pa.array([{"position": 1, **row} for row in rows]))
    defaults = {"ingested_at": literal(NOON), "source": literal("test")}
    with connect() as connection, TemporaryDirectory() as folder, Lake.create(folder) as lake:
        connection.register("given", arrow)
        relation = connection.sql("FROM given")
        types = dict(zip(relation.columns, relation.types, strict=True))
        columns = ", ".join(schema.duckdb_columns(table))
        shaped = f"SELECT {columns} FROM (SELECT {projection(table, types, defaults)} FROM given)"
        lake.append(table, connection.sql(shaped).to_arrow_table(), "batch")
        return list(stored(lake.at(), table))


def leaves(value: Any, attribute: Definition, members: Definition, at: str = "") -> dict[str, Any]:
    """The leaves of what a SELECT gave or of an event, each as an event has it."""
    if isinstance(value, str) and attribute.get("type") in ("json_t", "object_t"):
        value = orjson.loads(value)
    if isinstance(value, list):
        each = (leaves(one, attribute, members, f"{at}[{i}]") for i, one in enumerate(value))
        return {path: leaf for found in each for path, leaf in found.items()}
    if isinstance(value, Mapping) and members:
        found: dict[str, Any] = {}
        for name, one in value.items():
            inner = members[name]
            found |= leaves(one, inner, ocsf.members(inner), f"{at}.{name}")
        return found
    if isinstance(value, datetime):
        return {at: (value - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)}
    return {at: value}


def added(path: str, value: Any) -> bool:
    """Whether the export adds such a leaf by itself."""
    name = path.rpartition(".")[2].partition("[")[0]
    is_unknown = name.endswith("_id") and value == 0
    return is_unknown or name in CAPTIONS | UIDS or path.startswith(".metadata.")


@pytest.mark.parametrize("table", CLASSES)
@given(data=st.data())
@settings(max_examples=2, phases=[Phase.generate])  # each stores a lake: to shrink takes minutes
def test_every_leaf_of_an_event_comes_back(table: str, data: st.DataObject) -> None:
    rows = data.draw(st.lists(random_rows(table), min_size=10, max_size=20))
    rows.sort(key=lambda row: row["time"])
    for number, row in enumerate(rows):
        row["message"] = f"{number:03}"
    attributes = ocsf.classes()[table]["attributes"]
    exported = sorted(through_a_lake(table, rows), key=lambda event: event["message"])
    assert len(exported) == len(rows)
    for row, found in zip(rows, exported, strict=True):
        was, now = leaves(row, {}, attributes), leaves(found, {}, attributes)
        assert {path: now.get(path) for path in was} == was
        assert {path: now[path] for path in now.keys() - was if not added(path, now[path])} == {}


def test_what_json_and_ocsf_have_no_word_for_leaves_as_unmapped() -> None:
    row = {
        "time": NOON,
        "activity_id": 99,
        "http_request": {"http_method": "BREW", "url": {"path": "/pot"}},
        "unmapped": '{"kept": 1}',
    }
    (brewed,) = events("http_activity", [row])
    assert brewed["unmapped"] == {"kept": 1, "http_request.http_method": "BREW"}
    assert brewed["http_request"] == {"url": {"path": "/pot"}}
    point = {"time": NOON, "value": float("nan"), "explicit_bounds": [0.5, float("inf")]}
    (measured,) = events("metric_point", [point])
    assert measured["unmapped"] == {"value": "NaN", "explicit_bounds": [0.5, "Infinity"]}


def test_an_event_is_told_by_the_schema_what_its_row_leaves_out() -> None:
    row = {
        "time": NOON,
        "ingested_at": NOON,
        "source": "nginx",
        "activity_id": 3,
        "workload": {"service": "shop", "pod": None},
        "ocsf_rest": '{"src_endpoint": {"port": "8080"}, "start_time": "2026-11-21 11:59:59+00"}',
    }
    (event,) = events("http_activity", [row])
    assert event["type_uid"] == 400203
    assert event["type_name"] == "HTTP Activity: Get"
    assert (event["severity_id"], event["severity"]) == (0, "Unknown")
    assert event["time"] == 1_795_262_400_123
    assert event["start_time"] == 1_795_262_399_000
    assert event["src_endpoint"] == {"port": 8080}
    assert event["workload"] == {"service": "shop"}
    assert event["metadata"]["profiles"] == ["inquest/telemetry"]
    assert not event.keys() & {"ingested_at", "source", "ocsf_rest"}
