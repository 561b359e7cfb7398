"""What a recording keeps is small, and nothing that was written is lost."""

from __future__ import annotations

import gzip
from pathlib import Path

from tests.shop import stage


def test_large_texts_are_compressed_and_empty_ones_dropped(tmp_path: Path) -> None:
    large = b"{}\n" * stage.PACK_ABOVE_BYTES
    for name in ("postgresql.json", "logs.otlp.arrivals.jsonl", "logs.otlp.binpb.zst"):
        (tmp_path / name).write_bytes(large)
    (tmp_path / "alertmanager.jsonl").write_bytes(b"{}\n")
    (tmp_path / "nginx_error.log").touch()
    stage.pack(tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {
        "alertmanager.jsonl",
        "logs.otlp.arrivals.jsonl",
        "logs.otlp.binpb.zst",
        "postgresql.json.gz",
    }
    assert gzip.decompress((tmp_path / "postgresql.json.gz").read_bytes()) == large
