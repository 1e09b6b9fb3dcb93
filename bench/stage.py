"""What the live scenarios play on: a system, notifiers of their own, and players that move."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import orjson
import psutil

from bench.crowd import require_files
from bench.errors import BenchFailed
from bench.generator import generate
from bench.load import Load
from bench.loading import settle
from bench.moves import APART, Due, Shown, due, moves
from bench.processes import Usage, usage
from bench.system import System, await_answer, child
from leaderboard.local.child import Child, last_lines
from leaderboard.local.guard import Guard
from leaderboard.local.ports import kept_or_free
from shared.feed import PARTITION
from shared.log import open_reader
from shared.rank_changes import RankChanges

BOARD = "classic"
CONNECTIONS = 256
"""Of the generator of moves."""
PAGE = 4096
SPARE = 10
"""Sockets that a notifier takes beyond those that are meant: some may not be gone yet."""
QUIET = 1.5
"""Seconds after which the last tick of a load has come: ticks are a second apart at most."""


class MovesFailed(BenchFailed):
    """Some submissions were not answered well, so nobody knows the totals; the message says what came instead."""


@dataclass(frozen=True)
class Moved:
    """Moves that were made."""

    dues: list[Due]
    load: Load


@dataclass(frozen=True)
class Node:
    """A notifier of its own."""

    process: Child
    port: int
    log: Path

    def used(self) -> Usage:
        """CPU and memory until now."""
        return usage({"notifier": [psutil.Process(self.process.pid)]})["notifier"]

    def closed(self) -> dict[str, int]:
        """How many sockets it has closed, by code."""
        codes: dict[str, int] = {}
        for line in self.log.read_bytes().splitlines():
            if b'"socket_closed"' in line:
                code = str(orjson.loads(line)["code"])
                codes[code] = codes.get(code, 0) + 1
        return codes


@dataclass(frozen=True)
class Stage:
    """The system that is measured, and where logs and traces go."""

    system: System
    folder: Path
    guard: Guard
    seed: int

    @contextmanager
    def node(self, name: str, sockets: int, port: int = 0) -> Iterator[Node]:
        """A notifier that is ready, for so many sockets. Raises LocalServerError, BenchFailed."""
        require_files(sockets)
        port = port or kept_or_free(0, set())
        argv = ["-m", "leaderboard", "notifier", "--port", str(port)]
        env = {"LEADERBOARD_SOCKETS": str(sockets + SPARE)}
        with child(name, argv, self.folder, self.guard, env) as process:
            await_answer(process, f"http://127.0.0.1:{port}/openapi.json", self.folder)
            log = self.folder / f"{name}.out"
            try:
                yield Node(process, port, log)
            except BenchFailed as error:
                raise BenchFailed("\n".join([f"{error}; {name} said last:", *last_lines(log)])) from error

    def move(self, players: int, rate: float, seconds: float) -> Moved:
        """Let the first players move, open loop, and wait for the last tick. Raises MovesFailed."""
        totals = {player: self.total(player) for player in range(players)}
        options: dict[str, str | int] = {
            "url": self.system.url,
            "kind": "move",
            "players": players,
            "connections": CONNECTIONS,
        }
        load = generate("open_loop", seconds, rate=int(rate), seed=self.seed, **options)
        asyncio.run(settle(self.system))
        time.sleep(QUIET)
        if load.errors:
            raise MovesFailed(f"moves at {rate:g}/s: {load.errors}")
        assert load.first_due is not None
        return Moved(due(moves(players, int(rate * seconds), self.seed), rate, load.first_due, totals), load)

    def total(self, player: int) -> int:
        """A player's total now."""
        return int(self._ask(f"rank/player-{player}")["score"])

    def top(self) -> list[tuple[int, str, int]]:
        """Rank, player and total of the first 100 rows."""
        return [(each["rank"], each["user_id"], each["score"]) for each in self._ask("top?limit=100")["entries"]]

    def fed(self) -> int:
        """Where the feed ends now."""
        return asyncio.run(self._fed())

    def published(self, since: int) -> dict[Shown, float]:
        """When Kafka appended the record of each player and total to the feed, from an offset on; wall clock."""
        return asyncio.run(self._published(since))

    async def _fed(self) -> int:
        async with open_reader(self.system.kafka, self.system.naming, "bench-feed") as reader:
            return (await reader.end("rank-changes"))[PARTITION]

    async def _published(self, since: int) -> dict[Shown, float]:
        found: dict[Shown, float] = {}
        async with open_reader(self.system.kafka, self.system.naming, "bench-feed") as reader:
            end = (await reader.end("rank-changes"))[PARTITION]
            reader.assign({("rank-changes", PARTITION): since})
            while since < end:
                for _, record in await reader.read(limit=1_000, wait_ms=1_000):
                    since = record.offset + 1
                    for lines in RankChanges.model_validate_json(record.value or b"").boards:
                        for row in lines.rows if lines.board_id == BOARD else ():
                            if row.value is not None:
                                shown = int(row.player_id.rpartition("-")[2]), row.value
                                found.setdefault(shown, record.timestamp / 1000)
        return found

    def _ask(self, question: str) -> Any:
        with urlopen(f"{self.system.url}/api/leaderboard/{question}", timeout=10) as answer:  # noqa: S310 - ours
            return orjson.loads(answer.read())


def first_score(players: int, player: int) -> int:
    """Of a player before anybody has moved: the first players are the first of the board."""
    return (players - player) * APART


def kernel_memory() -> int:
    """Bytes that TCP holds for all sockets of this machine."""
    [line] = [line for line in Path("/proc/net/sockstat").read_text().splitlines() if line.startswith("TCP:")]
    words = line.split()
    return int(words[words.index("mem") + 1]) * PAGE
