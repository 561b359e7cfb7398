"""The proxy on an edge passes everything on, or delays and loses it as it is told."""

from __future__ import annotations

import asyncio
import json
import random
import socket
from pathlib import Path

import pytest

from tests.shop import edge
from tests.shop.edge import RESEND_S, RESENDS, Trouble, passage_s


def free_ports(count: int) -> list[int]:
    plugs = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports: list[int] = [plug.getsockname()[1] for plug in plugs]
    for plug in plugs:
        plug.close()
    return ports


async def echo(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while chunk := await source.read(4096):
        sink.write(chunk)
    sink.close()


async def said_through_proxy(state: Path, said: bytes) -> bytes:
    listen, target = free_ports(2)
    server = await asyncio.start_server(echo, "127.0.0.1", target)
    proxy = asyncio.create_task(edge.serve(state, listen, target))
    source, sink = await connected(listen)
    sink.write(said)
    sink.write_eof()
    heard = await source.read()
    sink.close()
    server.close()
    proxy.cancel()
    return heard


async def connected(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    while True:
        try:
            return await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.01)


def test_without_trouble_all_passes(tmp_path: Path) -> None:
    said = bytes(range(256)) * 2000
    assert asyncio.run(said_through_proxy(tmp_path / "state.json", said)) == said


def test_what_is_lost_for_good_resets_the_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edge, "RESEND_S", 0.001)
    state = tmp_path / "state.json"
    state.write_text(json.dumps({"loss": 1.0}), encoding="utf-8")
    try:
        heard = asyncio.run(said_through_proxy(state, b"hello"))
    except ConnectionError:
        heard = b""
    assert heard == b""


def test_a_delay_is_what_was_asked_for_give_or_take_a_fifth() -> None:
    rng = random.Random(1)
    waits = [passage_s(Trouble(delay_s=0.5), rng) or 0.0 for _ in range(200)]
    assert 0.4 <= min(waits) < 0.42
    assert 0.58 < max(waits) <= 0.6


def test_what_is_lost_is_sent_again_after_twice_as_long_each_time() -> None:
    rng = random.Random(2)
    waits = {passage_s(Trouble(loss=0.5), rng) for _ in range(500)}
    sums = {sum(RESEND_S * 2**n for n in range(resent)) for resent in range(RESENDS)}
    assert {wait if wait is None else round(wait, 6) for wait in waits} == {
        None,
        *(round(each, 6) for each in sums),
    }
