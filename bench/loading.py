"""Filling a system with players, and waiting until it has applied what is in its log."""

import asyncio
import random
import time
from collections.abc import Callable, Mapping

from bench.errors import BenchFailed
from bench.system import System
from shared.appender import open_appender
from shared.catalogue import Catalogue
from shared.catalogue_log import CatalogueLog
from shared.events import ScoreSubmitted, encode, wrap
from shared.identity import event_id_of
from shared.log import open_reader
from shared.ranks import Ranks
from shared.redis import open_redis

NAME = "bench"
MODE = "classic"
"""The game mode of every submission."""
AT_A_TIME = 4_000
APPEND_TIMEOUT = 60.0
STALLED_AFTER = 60.0
"""Seconds without an applied record after which nothing more is waited for."""
LOOK_EVERY = 0.05
QUIET = 0.2
"""Seconds without an append after which the log counts as complete."""
LOOKS = 100

ScoreOf = Callable[[int], int]
"""The score of the player of a number."""
Progress = Callable[[int, int], None]
"""Told how many of how many there are."""


class NotApplied(BenchFailed):
    """The projector does not go on."""


def submission(number: int, score: int, turn: int = 0, catalogue: int = 2) -> tuple[bytes, bytes]:
    """Key and value of a submission of a player, one a turn, decided by the catalogue up to an offset."""
    player, key = f"player-{number}", f"{NAME}-{turn}" if turn else NAME
    fact = ScoreSubmitted(player_id=player, game_mode=MODE, score=score)
    event = wrap(fact, event_id=event_id_of(player, key), subject=player, source=NAME, actor=NAME, catalogue=catalogue)
    return player.encode(), encode(event)


async def load_players(
    system: System,
    players: int,
    appended: Progress,
    applied: Progress,
    events: int = 0,
    score_of: ScoreOf | None = None,
) -> None:
    """The submissions of `append_players`; then wait until all are applied. Raises NotApplied, LogUnavailable."""
    await append_players(system, players, appended, events, score_of)
    await settle(system, applied)


async def append_players(
    system: System, players: int, appended: Progress, events: int = 0, score_of: ScoreOf | None = None
) -> None:
    """One submission a player, or in turn so many in all, straight into the log. Raises LogUnavailable."""
    chance, count = random.Random(1), max(players, events)
    score_of = score_of or (lambda _: skewed(chance))
    catalogue = (await CatalogueLog(system.kafka, system.naming, NAME).read(Catalogue())).newest
    async with open_appender(system.kafka, system.naming, NAME, AT_A_TIME) as appender:
        for first in range(0, count, AT_A_TIME):
            numbers = range(first, min(first + AT_A_TIME, count))
            records = (submission(each % players, score_of(each), each // players, catalogue) for each in numbers)
            await asyncio.gather(*(appender.append("events", *each, timeout=APPEND_TIMEOUT) for each in records))
            appended(numbers.stop, count)


async def count_records(system: System) -> int:
    """Records in the events topic."""
    async with open_reader(system.kafka, system.naming, NAME) as reader:
        return sum((await reader.end("events")).values())


async def settle(system: System, applied: Progress = lambda *_: None) -> None:
    """Wait until nothing is appended any more and Redis, which comes last, contains the log. Raises NotApplied.

    A generator that ends leaves requests behind which the system goes on with.
    """
    async with open_reader(system.kafka, system.naming, NAME) as reader, open_redis(system.redis, NAME) as client:
        ranks, before = Ranks(client, system.naming.prefix), None
        for _ in range(LOOKS):
            end = await reader.end("events")
            if end == before:
                return
            await _reach(ranks, end, applied)
            before = end
            await asyncio.sleep(QUIET)
    raise NotApplied("the log goes on growing: somebody else writes into it")


async def _reach(ranks: Ranks, end: Mapping[int, int], applied: Progress) -> None:
    total, seen, since = sum(end.values()), -1, time.monotonic()
    while True:
        position = await ranks.applied()
        offsets = position.offsets if position is not None else {}
        reached = sum(min(offsets.get(partition, 0), offset) for partition, offset in end.items())
        applied(reached, total)
        if reached == total:
            return
        if reached != seen:
            seen, since = reached, time.monotonic()
        if time.monotonic() - since > STALLED_AFTER:
            raise NotApplied(f"the projector stands at {reached:,} of {total:,} records")
        await asyncio.sleep(LOOK_EVERY)


def skewed(chance: random.Random) -> int:
    """A score as games have them: many small ones, few very large ones."""
    return 1 + int(chance.paretovariate(0.5)) % 10**9
