"""What Kafka needs in order to forget a name, done beside the projection by whoever holds the partition.

A tombstone hides a name; it leaves the disk when Kafka's cleaner rewrites its segment. The cleaner never touches the
segment that is being written to, and that one ends only when something is appended after `max.compaction.lag.ms`. Where
nobody sets a profile any more, the last names to be erased would stay for ever: so a partition that is silent gets a
record that says nothing. Every fold passes over it, as its key is no player's.

And a profile whose writer asked whether the player is erased just before the erase may come to lie behind the
tombstone: that name is erased once more.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import structlog

from projector.leases import Leases
from shared.appender import Appender, LogBusy
from shared.clock import now
from shared.log import LogUnavailable, Reader
from shared.postgres import BUSY, DOWN, Pool
from shared.topics import TICK_KEY, longest_silence

LONGEST_PAUSE = 60.0
"""Seconds between looks, or less where the bound is so short that it would matter."""
APPEND_TIMEOUT = 5.0
BACK_AGAIN = """
select p.player_id, p.partition from profiles p
join players e on e.player_id = p.player_id and e.erased is not null
join checkpoints c on c.topic = 'players' and c.partition = p.partition and c.stopped is null
where p.username is not null and p.partition = any($1::int[]) order by 1 limit 1000
"""

log = structlog.get_logger()


class Forgetting:
    """Lets names leave the disk within the bound, for as long as a projector runs."""

    def __init__(
        self,
        open_reader: Callable[[], AbstractAsyncContextManager[Reader]],
        appender: Appender,
        pool: Pool,
        leases: Leases,
        erase_within_ms: int,
    ) -> None:
        self._open_reader = open_reader
        self._appender = appender
        self._pool = pool
        self._leases = leases
        self._silence = longest_silence(erase_within_ms)
        self._pause = min(LONGEST_PAUSE, self._silence / 10_000)

    async def run(self) -> None:
        """Look again and again, for ever."""
        while True:
            await asyncio.sleep(self._pause)
            try:
                await self._look()
            except (LogUnavailable, LogBusy, *DOWN, *BUSY) as error:
                log.warning("names_not_forgotten", error=repr(error))

    async def _look(self) -> None:
        held = {number for topic, number in self._leases.held if topic == "players"}
        if not held:
            return
        for player_id, partition in await self._pool.fetch(BACK_AGAIN, sorted(held)):
            log.info("erased_again", partition=partition)
            await self._say(player_id.encode(), partition)
        # A reader of its own each time: between looks it would only be a connection that is kept awake.
        async with self._open_reader() as reader:
            first = await reader.first_since("players", now() - self._silence)
        for partition in held & {partition for partition, offset in first.items() if offset is None}:
            await self._say(TICK_KEY, partition)

    async def _say(self, key: bytes, partition: int) -> None:
        await self._appender.append("players", key, None, timeout=APPEND_TIMEOUT, partition=partition)
