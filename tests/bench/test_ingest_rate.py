"""How many events a second of CPU brings to committed Iceberg, beside DuckDB's same SELECT.

DuckDB's side starts from records that are decoded and in memory, and ends with a Parquet file,
sorted and compressed as the lake's: what a mapping costs with nothing around it.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from ingest.run import ingest
from ingest.source import connect, load
from lake import schema
from lake.ask import literal
from lake.store import Lake
from tests.ingest.otlp_samples import framed, many

EVENTS = 500_000


def access_log(lines: int) -> bytes:
    rng = random.Random(1)
    return "".join(
        f"203.0.113.{rng.randrange(256)} - - "
        f"[15/Jan/2025:10:{i % 3600 // 60:02}:{i % 60:02} +0000] "
        f'"GET /api/products/{rng.randrange(10_000)}?page={i % 9} HTTP/1.1" '
        f'200 {rng.randrange(9999)} "https://shop.example/" "Mozilla/5.0 (X11; Linux x86_64)" '
        f"rt=0.0{rng.randrange(10, 99)} uct=0.001 urt=0.0{rng.randrange(10, 99)} "
        f"ua=10.0.0.{i % 4}:8080 rid={rng.randbytes(16).hex()}\n"
        for i in range(lines)
    ).encode()


INPUTS: dict[str, Callable[[], bytes]] = {
    "otlp_traces": lambda: framed(many("traces", EVENTS)),
    "otlp_metrics": lambda: framed(many("metrics", EVENTS)),
    "otlp_logs": lambda: framed(many("logs", EVENTS)),
    "nginx": lambda: access_log(EVENTS),
}


def cpu_seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def select_alone(name: str, file: Path, target: Path) -> float:
    source = load()[name]
    chunks = [chunk.raw for chunk in source.reader.read(file, datetime.now(UTC))]
    raw = pa.concat_tables(chunks).unify_dictionaries()
    order = ", ".join(schema.sort_order(source.table))
    with connect() as connection:
        connection.register("raw", raw)
        copy = f"COPY (FROM (\n{source.sql}\n) ORDER BY {order}) TO {literal(str(target))} "
        return cpu_seconds(lambda: connection.execute(f"{copy} (FORMAT parquet, COMPRESSION zstd)"))


@pytest.mark.bench
@pytest.mark.parametrize("name", INPUTS)
def test_events_a_cpu_second(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, warm = tmp_path / name, tmp_path / "warm"
    file.write_bytes(INPUTS[name]())
    alone = select_alone(name, file, tmp_path / "alone.parquet")
    with Lake.create(tmp_path / "lake") as lake:
        warm.write_bytes(b"\n")
        ingest(lake, name, [warm])
        ours = cpu_seconds(lambda: ingest(lake, name, [file]))
        table = load()[name].table
        assert lake.at().ask(f"SELECT count(*) AS n FROM {table}").dicts() == [{"n": EVENTS}]
    with capsys.disabled():
        sys.stdout.write(
            f"\n{name:14} {EVENTS / ours / 1000:7.0f} k events/CPU-s to Iceberg, "
            f"{EVENTS / alone / 1000:7.0f} k the SELECT alone, ratio {ours / alone:.2f}\n"
        )
