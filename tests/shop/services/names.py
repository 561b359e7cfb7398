"""Host names as the shop's own name server knows them: what resolv.conf would say on a machine."""

from __future__ import annotations

import random
import socket
import struct
from typing import Any

SUFFIX = ".example"
ATTEMPTS = 2
WITHIN_S = 1.0
QUESTION = struct.Struct(">HHHHHH")
ADDRESS, INTERNET = 1, 1
RECURSE = 0x0100
NO_SUCH_NAME = 3


def install(port: int) -> None:
    """Ask the name server at `port` for partners' names; all other names stay the system's."""
    system = socket.getaddrinfo

    def getaddrinfo(host: Any, *rest: Any, **more: Any) -> Any:
        outside = isinstance(host, str) and host.endswith(SUFFIX)
        return system(resolve(host, port) if outside else host, *rest, **more)

    socket.getaddrinfo = getaddrinfo


def resolve(name: str, port: int) -> str:
    """Give a name's IPv4 address; raises `gaierror` with the words and numbers of the C library."""
    number = random.getrandbits(16)
    for _ in range(ATTEMPTS):
        answer = ask(question(number, name), port)
        if answer is None or len(answer) < QUESTION.size:
            continue
        answered, flags, _, answers, _, _ = QUESTION.unpack(answer[: QUESTION.size])
        if answered != number:
            continue
        if flags & 0xF == NO_SUCH_NAME:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        if flags & 0xF == 0 and answers:
            return socket.inet_ntoa(answer[-4:])
        break
    raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")


def ask(packet: bytes, port: int) -> bytes | None:
    """Send a question and give the answer, None when there was none in time."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plug:
        plug.settimeout(WITHIN_S)
        try:
            plug.sendto(packet, ("127.0.0.1", port))
            return plug.recv(512)
        except OSError:
            return None


def question(number: int, name: str) -> bytes:
    """Give a query for a name's IPv4 address, after RFC 1035, section 4.1."""
    labels = b"".join(bytes((len(part),)) + part.encode("ascii") for part in name.split("."))
    head = QUESTION.pack(number, RECURSE, 1, 0, 0, 0)
    return head + labels + b"\0" + struct.pack(">HH", ADDRESS, INTERNET)
