"""Names of partners are asked of the shop's own name server, and fail as the C library's do."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.shop import outside
from tests.shop.outside import PARTNERS, STATE, State
from tests.shop.services import names

NAME = PARTNERS[0].name


@pytest.fixture
def resolver(tmp_path: Path) -> Iterator[int]:
    """A name server in a thread, whose state is in `tmp_path`."""
    state, ended = State(tmp_path / STATE), threading.Event()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plug:
        plug.bind(("127.0.0.1", 0))
        plug.settimeout(0.05)

        def serve() -> None:
            while not ended.is_set():
                try:
                    packet, sender = plug.recvfrom(512)
                except TimeoutError:
                    continue
                if reply := outside.answer(packet, state):
                    plug.sendto(reply, sender)

        thread = threading.Thread(target=serve)
        thread.start()
        yield plug.getsockname()[1]
        ended.set()
        thread.join()


def fail(folder: Path, how: str) -> None:
    (folder / STATE).write_text(json.dumps({"names": {NAME: how}}), encoding="utf-8")


def test_every_partner_has_an_address_of_its_own(resolver: int) -> None:
    found = [names.resolve(partner.name, resolver) for partner in PARTNERS]
    assert found == [partner.address for partner in PARTNERS]
    assert len(set(found)) == len(found)


def test_a_name_that_nobody_knows_is_not_known(resolver: int) -> None:
    with pytest.raises(socket.gaierror, match="Name or service not known"):
        names.resolve("nobody.example", resolver)


@pytest.mark.parametrize(
    ("how", "number"),
    [
        ("servfail", socket.EAI_AGAIN),
        ("nxdomain", socket.EAI_NONAME),
        ("silent", socket.EAI_AGAIN),
    ],
)
def test_a_name_fails_alone_and_as_it_is_told(
    resolver: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str, number: int
) -> None:
    monkeypatch.setattr(names, "WITHIN_S", 0.1)
    fail(tmp_path, how)
    with pytest.raises(socket.gaierror) as told:
        names.resolve(NAME, resolver)
    assert told.value.errno == number
    assert names.resolve(PARTNERS[1].name, resolver) == PARTNERS[1].address


def test_only_partners_names_are_asked_there(
    resolver: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", socket.getaddrinfo)
    names.install(resolver)
    partner = PARTNERS[0]
    assert socket.getaddrinfo(partner.name, 443)[0][4][0] == partner.address
    assert socket.getaddrinfo("127.0.0.1", 80)[0][4][0] == "127.0.0.1"
