"""Leases on partitions: rows of `checkpoints`, by the database's clock, fenced by an epoch.

A lease says who should project a partition; the epoch, which every transaction checks, says who can. So a wrong
belief costs a rolled-back batch and never a wrong row.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import asyncpg
import structlog

from projector.sharing import Change, Lease, plan
from projector.store import TablesAnew
from shared.postgres import BUSY, DOWN, Connection, Pool
from shared.topics import Place
from shared.watchdog import stop_process

LEASE = "10 seconds"
"""How long a projector that says nothing keeps its partitions."""
EVERY = 1.0
"""Seconds between renewals, and between looks at who else is there."""
RELEASE_WITHIN = 2.0
ONE_AT_A_TIME = "select pg_advisory_xact_lock(hashtext(current_schema()))"
ALIVE = """
insert into projectors values ($1, now() + $2::text::interval)
on conflict (name) do update set alive_until = excluded.alive_until
"""
MEMBERS = "select name from projectors where alive_until > now()"
LEASES = """
select partition, max(owner) as owner, bool_and(coalesce(lease_until > now(), false)) as live
from checkpoints group by partition
"""
RENEW = """
with kept as (
    select c.topic, c.partition from checkpoints c
    join unnest($2::text[], $3::int[], $4::bigint[]) h(topic, partition, epoch) using (topic, partition, epoch)
    where c.owner = $1 order by c.topic, c.partition for update of c
)
update checkpoints c set lease_until = now() + $5::text::interval
from kept where c.topic = kept.topic and c.partition = kept.partition
returning c.topic, c.partition
"""
FORGET = "update checkpoints set owner = null, lease_until = null where owner = $1"
RELEASE = "update checkpoints set owner = null, lease_until = null where owner = $1 and partition = any($2::int[])"
LOCK = "select 1 from checkpoints where partition = any($1::int[]) order by topic, partition for update"
TAKE = """
with taken as (
    update checkpoints set owner = $1, epoch = epoch + 1, lease_until = now() + $3::text::interval
    where partition = any($2::int[]) returning topic, partition, epoch, owner, next_offset
), logged as (
    insert into ownership_log (topic, partition, epoch, owner, from_offset) select * from taken
)
select topic, partition, epoch from taken
"""

log = structlog.get_logger()


class Leases:
    """The partitions that this projector holds, each place with its epoch."""

    def __init__(self, pool: Pool, name: str, beat: Path | None = None) -> None:
        self._pool = pool
        self._name = name
        self._beat = beat
        self._new = True
        self.held: dict[Place, int] = {}
        self.due = asyncio.Event()
        """Set when `settle` would change something: partitions were lost, are free, or are more than a fair share."""

    async def settle(self) -> dict[Place, int]:
        """Give back and take what a fair share asks for; what is held then, with its epochs.

        Raises what Postgres raises. Waits for a transaction that the last owner of a partition may have open.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            # Others act on what is agreed here: it must not be lost in a crash, unlike applied batches.
            await connection.execute("set local synchronous_commit = on")
            await connection.execute(ONE_AT_A_TIME)
            if self._new:
                await connection.execute(FORGET, self._name)
            kept = await self._renew(connection)
            change = await self._look(connection, kept)
            taken = await self._change(connection, change)
        self._new = False
        self.held = {place: epoch for place, epoch in kept.items() if place[1] not in change.release} | taken
        self.due.clear()
        if change:
            log.info("partitions_changed", released=sorted(change.release), held=sorted({at[1] for at in self.held}))
        return self.held

    async def keep(self) -> None:
        """Renew for ever, and notice what is due. Ends by cancellation only."""
        while True:
            await asyncio.sleep(EVERY)
            try:
                await self._notice()
                if self._beat is not None:
                    self._beat.touch()
            except (*DOWN, TablesAnew, asyncpg.PostgresError) as error:
                # Not renewed in time: others take over, and the epoch stops us.
                log.warning("leases_not_renewed", error=repr(error))

    async def _notice(self) -> None:
        async with self._pool.acquire() as connection:
            held = dict(self.held)
            kept = await self._renew(connection)
            if len(kept) < len(held) or await self._look(connection, kept):
                self.due.set()

    async def release(self) -> None:
        """Give everything back at once: the others need not wait for the leases to expire. Within 2 s, or not."""
        with suppress(*DOWN, *BUSY, TimeoutError):
            async with asyncio.timeout(RELEASE_WITHIN), self._pool.acquire() as connection, connection.transaction():
                await connection.execute(RELEASE, self._name, sorted({place[1] for place in self.held}))
                await connection.execute("delete from projectors where name = $1", self._name)
            log.info("partitions_released", held=sorted({place[1] for place in self.held}))

    async def _renew(self, connection: Connection) -> dict[Place, int]:
        """What is still held of what was, with a new term."""
        await connection.execute(ALIVE, self._name, LEASE)
        held = self.held
        columns = [place[0] for place in held], [place[1] for place in held], list(held.values())
        rows = await connection.fetch(RENEW, self._name, *columns, LEASE)
        return {place: held[place] for place in _places(rows) if place in held}

    async def _look(self, connection: Connection, kept: Mapping[Place, int]) -> Change:
        members = [row["name"] for row in await connection.fetch(MEMBERS)]
        rows = await connection.fetch(LEASES)
        leases = {row["partition"]: Lease(row["owner"], row["live"]) for row in rows}
        if not leases:
            raise TablesAnew("there are no checkpoints any more")
        return plan(self._name, members, leases, {number for _, number in kept})

    async def _change(self, connection: Connection, change: Change) -> dict[Place, int]:
        if change.release:
            await connection.execute(RELEASE, self._name, sorted(change.release))
        if not change.take:
            return {}
        await connection.execute(LOCK, sorted(change.take))
        rows = await connection.fetch(TAKE, self._name, sorted(change.take), LEASE)
        return {place: row["epoch"] for place, row in zip(_places(rows), rows, strict=True)}


async def take_all(pool: Pool, name: str) -> dict[Place, int]:
    """Every partition, whoever holds it: its owner is fenced from then on. With the new epochs.

    Not renewed: others take the partitions when the term is over, or once they are given back.
    """
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("set local synchronous_commit = on")
        await connection.execute(ONE_AT_A_TIME)
        partitions = [row["partition"] for row in await connection.fetch(LEASES)]
        await connection.execute(LOCK, partitions)
        rows = await connection.fetch(TAKE, name, partitions, LEASE)
        return {place: row["epoch"] for place, row in zip(_places(rows), rows, strict=True)}


async def give_back(pool: Pool, name: str) -> None:
    """Let others take what this name holds."""
    await pool.execute(FORGET, name)


@asynccontextmanager
async def open_leases(pool: Pool, name: str, beat: Path | None = None) -> AsyncIterator[Leases]:
    """Leases that are kept for as long as the block lasts, and given back at its end.

    `beat` is touched each time they have been renewed.
    """
    leases = Leases(pool, name, beat)
    keeping = asyncio.create_task(leases.keep())
    keeping.add_done_callback(stop_process)
    try:
        yield leases
    finally:
        keeping.cancel()
        await leases.release()


def _places(rows: Iterable[asyncpg.Record]) -> list[Place]:
    return [(row["topic"], row["partition"]) for row in rows]
