"""One columnar decoder a raw form, by the name that a source's `reads:` gives it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

import pyarrow as pa

from ingest.read import csv, json, lines, otlp, records, remote_write, text, xml, yaml, zeek
from ingest.read.stream import Chunk


@dataclass(frozen=True)
class Reader:
    """Reads a file as chunks of `raw`; `empty` is `raw` without rows.

    `text` is SQL over `raw`: what of a row is shown when it has to be quarantined. A form that is
    no text cannot say what it is, so its files are told by their names; `begins` says whether one
    can begin with some bytes.
    """

    read: Callable[[Path, datetime], Iterator[Chunk]]
    empty: Callable[[], pa.Table]
    text: str
    begins: Callable[[bytes], bool] | None = None


def _otlp(signal: str) -> Reader:
    shown = """json_merge_patch(to_json(raw), '{"path": null, "ingested_at": null}')::VARCHAR"""
    return Reader(partial(otlp.read, signal), partial(otlp.empty, signal), shown, otlp.begins)


READERS = {
    "lines": Reader(lines.read, lines.SCHEMA.empty_table, "line"),
    "records": Reader(records.read, records.SCHEMA.empty_table, "line"),
    "plain": Reader(records.read_plain, records.PLAIN.empty_table, "line"),
    "json": Reader(json.read, json.SCHEMA.empty_table, "doc"),
    "csv": Reader(csv.read, csv.SCHEMA.empty_table, "to_json(fields)::VARCHAR"),
    "yaml": Reader(yaml.read, yaml.SCHEMA.empty_table, yaml.TEXT),
    "xml": Reader(xml.read, xml.SCHEMA.empty_table, "text"),
    "zeek": Reader(zeek.read, json.SCHEMA.empty_table, "doc"),
    "text": Reader(text.read, text.SCHEMA.empty_table, "shown"),
    "otlp_logs": _otlp("logs"),
    "otlp_metrics": _otlp("metrics"),
    "otlp_traces": _otlp("traces"),
    "remote_write": Reader(remote_write.read, remote_write.empty, remote_write.TEXT, begins=bool),
}
