"""Hostile sockets: random requests and frames at a notifier, while one client has to be served as if nothing were.

python -m tests.chaos.socket_fuzz --minutes 5
"""

import argparse
import asyncio
import base64
import json
import random
import struct
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psutil
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, InvalidMessage, WebSocketException

from leaderboard.local.servers import local_servers
from tests.chaos.__main__ import folder_for, say
from tests.e2e.test_thread import get, submit
from tests.live_client import Client
from tests.servers import Servers
from tests.stack import System, running

ATTACKERS = 16
SUBMIT_EVERY = 0.5
WITHIN = 10.0
"""Seconds for the one who behaves to see their own score."""
TURNED_AWAY = (OSError, TimeoutError, EOFError, WebSocketException, InvalidHandshake, InvalidMessage)
WORDS = [
    "hello",
    "sub",
    "unsub",
    "pos",
    "pong",
    "top",
    "me",
    "around",
    "classic",
    "nope",
    "ann",
    "",
    "\u0000",
    "😀",
    "a" * 300,
]


@dataclass
class Fuzz:
    """What was done, and what it came to."""

    counts: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0


def nonsense(chance: random.Random, depth: int = 0) -> Any:
    """Some value of JSON."""
    kind = chance.randrange(8 if depth < 3 else 6)
    match kind:
        case 0:
            return chance.choice(WORDS)
        case 1:
            return chance.choice([0, 1, -1, 10, 200, 201, 2**53, 2**63, -(2**70), 0.5])
        case 2 | 3:
            return chance.choice([None, True, False])
        case 4 | 5:
            return chance.choice(WORDS) * chance.randrange(3)
        case 6:
            return [nonsense(chance, depth + 1) for _ in range(chance.randrange(4))]
        case _:
            return {chance.choice(WORDS): nonsense(chance, depth + 1) for _ in range(chance.randrange(4))}


def request(chance: random.Random) -> bytes:
    """An object that is nearly right, or not at all."""
    fields: dict[str, Any] = {
        "op": chance.choice(WORDS[:5]), "id": chance.randrange(9), "ch": chance.choice(WORDS[5:8]),
        "board": "classic", "n": chance.randrange(300), "player": f"p{chance.randrange(50)}", "k": chance.randrange(14),
    }  # fmt: skip
    for _ in range(chance.randrange(3)):
        fields[chance.choice(list(fields))] = nonsense(chance)
    data = json.dumps(fields).encode()
    return data if chance.random() < 0.9 else data[: chance.randrange(len(data) + 1)]


def frame(chance: random.Random) -> bytes:
    """A frame with any opcode, any length and any mask, or none."""
    payload = chance.randbytes(chance.choice([0, 1, 125, 126, 4_096, 5_000]))
    if chance.random() < 0.5:
        payload = request(chance)
    first = chance.choice([0x81, 0x81, 0x01, 0x80, 0x00, 0x82, 0x88, 0x89, 0x8A, 0xF1, 0x83])
    mask = chance.randbytes(4)
    length = len(payload) if chance.random() < 0.95 else chance.choice([2**16, 2**62])
    head = bytes([first, 0x80 | (length if length < 126 else 126 if length < 2**16 else 127)])
    head += b"" if length < 126 else struct.pack(">H", length) if length < 2**16 else struct.pack(">Q", length)
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


async def talk(url: str, chance: random.Random, fuzz: Fuzz) -> None:
    """Requests, well framed."""
    path = chance.choice(["/ws/v1", "/ws/v1", "/ws/leaderboard/ann", "/ws/leaderboard/%00?game_mode=nope", "/ws/nope"])
    async with asyncio.timeout(WITHIN), connect(url + path, open_timeout=WITHIN, close_timeout=1) as socket:
        if chance.random() < 0.8:
            await socket.send('{"op":"hello","id":1}')
        for _ in range(chance.randrange(30)):
            lines = b"\n".join(request(chance) for _ in range(chance.randrange(1, 4)))
            await socket.send(lines.decode(errors="replace") if chance.random() < 0.95 else lines)
            fuzz.counts["requests"] += 1
            await asyncio.sleep(chance.random() / 10)


async def babble(url: str, chance: random.Random, fuzz: Fuzz) -> None:
    """Frames that are none, also instead of a handshake, and an end at any point."""
    address = urlsplit(url)
    async with asyncio.timeout(WITHIN):
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        try:
            key = base64.b64encode(chance.randbytes(16)).decode()
            head = "GET /ws/v1 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            head += f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            head += "".join(f"X-{n}: y\r\n" for n in range(chance.choice([0, 3, 150])))
            writer.write(f"{head}\r\n".encode() if chance.random() < 0.9 else chance.randbytes(200))
            for _ in range(chance.randrange(12)):
                writer.write(frame(chance))
                fuzz.counts["frames"] += 1
                await writer.drain()
                await asyncio.sleep(chance.random() / 20)
            if chance.random() < 0.5:
                await reader.read(65_536)
        finally:
            writer.transport.abort()


async def attack(url: str, number: int, fuzz: Fuzz) -> None:
    """Come again and again, for ever."""
    chance = random.Random(number)
    while True:
        fuzz.counts["sockets"] += 1
        with suppress(*TURNED_AWAY):
            await chance.choice([talk, babble])(url, chance, fuzz)
        await asyncio.sleep(0.02)


def is_told(score: int, said: dict[str, Any]) -> bool:
    """Whether a message is of this score."""
    return bool(said["score"] == score)


async def behave(system: System, until: float, fuzz: Fuzz) -> None:
    """One client whose board has to have each of its scores in time."""
    total, player = 0, f"good-{uuid4().hex[:12]}"  # a new one each time: its total begins at nothing
    async with await Client.open(
        system.live, {"op": "sub", "id": 1, "ch": "me", "board": "classic", "player": player}
    ) as client:
        while time.monotonic() < until:
            total += 10
            began = time.monotonic()
            status, _ = await submit(system, player, 10)
            assert status == 200, status
            async with asyncio.timeout(WITHIN):
                await client.hear("me", where=partial(is_told, total))
            fuzz.slowest = max(fuzz.slowest, time.monotonic() - began)
            fuzz.counts["scores seen"] += 1
            await asyncio.sleep(SUBMIT_EVERY)


async def fuzzed(system: System, seconds: float) -> Fuzz:
    """Attack for so long. Raises AssertionError or TimeoutError where the one who behaves is not served."""
    fuzz = Fuzz()
    attacks = [asyncio.create_task(attack(system.live, number, fuzz)) for number in range(ATTACKERS)]
    try:
        await behave(system, time.monotonic() + seconds, fuzz)
    finally:
        for each in attacks:
            each.cancel()
        await asyncio.gather(*attacks, return_exceptions=True)
    status, health = await get(system, "/api/leaderboard/health")
    assert status == 200, health
    log = system.log_of("front")
    assert "Traceback" not in log, log[log.index("Traceback") - 500 :][:3_000]
    return fuzz


def main() -> int:
    """The drill: a system of its own; growth of memory is shown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=5.0, help="how long")
    arguments = parser.parse_args()
    folder = folder_for(None)
    (folder / "run").mkdir()
    with (
        local_servers(folder / "servers", say=say) as local,
        running(Servers(local.kafka, local.postgres, local.redis), folder / "run") as system,
    ):
        front = psutil.Process(system.processes["front"].pid)
        asyncio.run(fuzzed(system, 20))
        before = front.memory_info().rss
        fuzz = asyncio.run(fuzzed(system, 60 * arguments.minutes))
        time.sleep(30)  # what waits for its end has ended by then
        grown = (front.memory_info().rss - before) / 2**20
        left = sum(each.status == psutil.CONN_ESTABLISHED for each in front.net_connections())
    say(f"{dict(fuzz.counts)}: slowest own score {fuzz.slowest:.2f} s")
    say(f"RSS grown by {grown:.1f} MiB, {left} connections left")
    return 0


if __name__ == "__main__":
    sys.exit(main())
