"""Bodies come back as they were kept."""

from __future__ import annotations

from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.shop.framing import Arrival, Frames, Kept, Lines, arrivals, frames


@settings(max_examples=20, deadline=None)  # the level we keep at takes a while to set up
@given(bodies=st.lists(st.binary(max_size=2000), max_size=8))
def test_bodies_come_back_in_order(
    bodies: list[bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("framing") / "traces.otlp.binpb.zst"
    kept = Frames(file)
    for body in bodies:
        kept.append(body)
    kept.close()
    assert list(frames(file)) == bodies


def test_the_format_is_what_the_readme_says(tmp_path: Path) -> None:
    file = tmp_path / "traces.otlp.binpb.zst"
    kept = Frames(file)
    kept.append(b"abc")
    kept.append(b"")
    kept.close()
    plain = zstandard.ZstdDecompressor().decompressobj().decompress(file.read_bytes())
    assert plain == b"\x00\x00\x00\x03abc\x00\x00\x00\x00"


def test_a_cut_body_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "cut.zst"
    file.write_bytes(zstandard.compress(b"\x00\x00\x00\x09abc"))
    with pytest.raises(ValueError, match="cut short"):
        list(frames(file))


def test_each_body_has_its_arrival(tmp_path: Path) -> None:
    sidecar = tmp_path / "alertmanager.jsonl.arrivals.jsonl"
    kept = Kept(Lines(tmp_path / "alertmanager.jsonl"), sidecar)
    kept.append(b'{"a":1}\n', 1_795_303_851_373_817_601)
    kept.append(b'{"b":2}', 1_795_303_851_373_817_602)
    kept.close()
    assert (tmp_path / "alertmanager.jsonl").read_bytes() == b'{"a":1}\n{"b":2}\n'
    assert list(arrivals(sidecar)) == [
        Arrival(0, 1_795_303_851_373_817_601),
        Arrival(1, 1_795_303_851_373_817_602),
    ]
    assert sidecar.read_text().splitlines()[0] == (
        '{"body": 0, "received_unix_nano": "1795303851373817601"}'
    )


def test_a_body_of_several_lines_is_refused(tmp_path: Path) -> None:
    kept = Lines(tmp_path / "github_deployments.jsonl")
    with pytest.raises(ValueError, match="single line"):
        kept.append(b'{\n"a": 1}')
    kept.close()
