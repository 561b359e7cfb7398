"""checkout asks payment again at once, which the time-out it began with leaves no time for."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.shop.services.checkout import v6_8_0
from tests.shop.services.kit import Peers, PeerTimeoutError
from tests.shop.stories.config_timeout import GUILTY
from tests.shop.story import revert

CHARGE = {"order": "o1", "cents": 100}


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A payment that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        yield server


def asked(silent: socket.socket, folder: Path, timeout_s: float, attempts: float) -> int:
    """Charge once, and count how often payment was asked."""
    (folder / "discovery.json").write_text(
        json.dumps({"payment": [f"127.0.0.1:{silent.getsockname()[1]}"]}), encoding="utf-8"
    )
    peers = Peers(folder / "discovery.json")
    with pytest.raises(PeerTimeoutError):
        v6_8_0.pay(peers, CHARGE, timeout_s, int(attempts))
    times = 0
    while True:
        try:
            silent.accept()[0].close()
        except BlockingIOError:
            return times
        times += 1


def test_a_short_timeout_multiplies_the_charges(silent: socket.socket, tmp_path: Path) -> None:
    short, usual = GUILTY.values, revert(GUILTY).values
    assert short["payment_attempts"] == usual["payment_attempts"] == 4
    assert asked(silent, tmp_path, short["payment_timeout_s"], 4) > 1
    assert asked(silent, tmp_path, usual["payment_timeout_s"], 4) == 1
