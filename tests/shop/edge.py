"""A TCP proxy on the edge between two services, which can delay and lose what passes.

`python -m tests.shop.edge STATE LISTEN:TARGET ...`; the file `STATE` says how the edge fares:
`{"delay_s": seconds, "loss": share of the packets}`. What is lost is sent again as TCP does it,
after 0.2 s and then twice as long each time (RFC 6298 with Linux's least timeout); a connection
that has lost the same data four times is reset.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

RESEND_S = 0.2
RESENDS = 4
CHUNK = 65536


@dataclass(frozen=True)
class Trouble:
    """How an edge fares: what each chunk waits, and how likely it is lost."""

    delay_s: float = 0.0
    loss: float = 0.0


def trouble(state: Path) -> Trouble:
    """Read how the edge fares; no file is no trouble."""
    try:
        return Trouble(**json.loads(state.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return Trouble()


def passage_s(now: Trouble, rng: random.Random) -> float | None:
    """Give how long a chunk takes to pass; None when it never does."""
    waited = now.delay_s * rng.uniform(0.8, 1.2)
    for resend in range(RESENDS):
        if rng.random() >= now.loss:
            return waited
        waited += RESEND_S * 2**resend
    return None


async def pump(
    source: asyncio.StreamReader, sink: asyncio.StreamWriter, state: Path, rng: random.Random
) -> None:
    """Pass on what comes, until it ends or is lost for good."""
    try:
        while chunk := await source.read(CHUNK):
            seconds = passage_s(trouble(state), rng)
            if seconds is None:
                sink.transport.abort()
                return
            if seconds:
                await asyncio.sleep(seconds)
            sink.write(chunk)
            await sink.drain()
        sink.write_eof()
    except OSError:
        sink.transport.abort()


async def serve(state: Path, listen: int, target: int) -> None:
    """Stand between `listen` and `target`, for ever."""
    rng = random.Random()

    async def meet(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            answers, onward = await asyncio.open_connection("127.0.0.1", target)
        except OSError:
            sink.transport.abort()
            return
        ways: tuple[Coroutine[None, None, None], ...] = (
            pump(source, onward, state, rng),
            pump(answers, sink, state, rng),
        )
        await asyncio.gather(*ways)
        for each in (sink, onward):
            with suppress(OSError):
                each.close()

    server = await asyncio.start_server(meet, "127.0.0.1", listen)
    await server.serve_forever()


async def serve_all(state: Path, pairs: list[str]) -> None:
    ports = [tuple(map(int, pair.split(":"))) for pair in pairs]
    await asyncio.gather(*(serve(state, listen, target) for listen, target in ports))


def main() -> None:
    """Serve until told to end."""
    asyncio.run(serve_all(Path(sys.argv[1]), sys.argv[2:]))


if __name__ == "__main__":
    main()
