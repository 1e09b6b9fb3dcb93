"""Handing over to tables that were built beside the live ones: their schemas change names, in one transaction."""

import asyncio
import time
from collections.abc import Mapping
from datetime import datetime

import asyncpg

from projector.leases import ONE_AT_A_TIME
from projector.schema import LOCK
from projector.store import Fenced
from shared.postgres import LOCK_MS, Connection
from shared.topics import Place

LOOK_EVERY = 0.02
MIGRATIONS = 'select array(select name from "{schema}".migrations order by name)'
EPOCHS = 'select topic, partition, epoch from "{live}".checkpoints order by topic, partition for update'
MOVE_EPOCHS = """
update "{anew}".checkpoints n set epoch = o.epoch, stopped = o.stopped, next_offset = o.next_offset,
    crc = coalesce(n.crc, o.crc)
from "{live}".checkpoints o
where (o.topic, o.partition, o.incarnation) = (n.topic, n.partition, n.incarnation)
    and (o.next_offset = n.next_offset or o.topic = 'players' and o.next_offset > n.next_offset)
"""
"""Of the players topic the last records before a position may be gone: they were compacted away."""
CARRIED = ("projectors", "ownership_log")
"""Tables that are no fold of the log: who is alive, and who owned what when."""
ADOPT = """
update "{anew}".season_results n set cut = o.cut, announced = o.announced from "{live}".season_results o
where (o.board_id, o.season, o.kind, o.players, o.digest) = (n.board_id, n.season, n.kind, n.players, n.digest)
    and (o.cut = n.cut or n.kind = 'corrected' and not exists (
        select from "{anew}".board_versions v where (v.board_id, v.season) = (n.board_id, n.season)
            and v.version >= coalesce((o.cut->>v.partition::text)::bigint, 0)))
"""
"""A result that is the same keeps its cut, and is not announced again."""
OLDER = """
select pid, application_name, state, xact_start from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'
    and backend_xmin is not null and xact_start < $1 order by xact_start limit 1
"""


class StillRead(Exception):
    """Somebody has a snapshot from before: what they read next by name would not fit to what they have read."""


async def await_snapshots(connection: Connection, since: datetime, within: float) -> None:
    """Wait until no snapshot is older than a time of the database's clock. Raises StillRead after so many seconds.

    Sessions of other roles are seen only by a role that has `pg_read_all_stats`.
    """
    deadline = time.monotonic() + within
    while (row := await connection.fetchrow(OLDER, since)) is not None:
        if time.monotonic() > deadline:
            name = row["application_name"] or "no name"
            raise StillRead(f"process {row['pid']} of Postgres ({name}) is in a transaction since {row['xact_start']}")
        await asyncio.sleep(LOOK_EVERY)


async def swap(connection: Connection, live: str, anew: str, away: str, epochs: Mapping[Place, int]) -> None:
    """Let `anew` be `live`, and what was live `away`: all or nothing. Raises Fenced when the leases are not ours.

    Both have to stand at the same position, which is final: the epochs are those of whoever calls this.
    """
    async with connection.transaction():
        await connection.execute(f"set local synchronous_commit = on; set local lock_timeout = {LOCK_MS}")
        await connection.execute(f'set local search_path to "{live}"')
        await connection.execute(ONE_AT_A_TIME)
        await connection.execute("select pg_advisory_xact_lock($1)", LOCK)
        await _require(connection, live, anew, epochs)
        await connection.execute(ADOPT.format(live=live, anew=anew))
        for table in CARRIED:
            await connection.execute(f'insert into "{anew}".{table} select * from "{live}".{table}')  # noqa: S608
        await _rename(connection, live, away)
        await _rename(connection, anew, live)


async def _require(connection: Connection, live: str, anew: str, epochs: Mapping[Place, int]) -> None:
    rows = await connection.fetch(EPOCHS.format(live=live))
    if {(row["topic"], row["partition"]): row["epoch"] for row in rows} != dict(epochs):
        raise Fenced("somebody else has taken the partitions")
    moved = await connection.execute(MOVE_EPOCHS.format(live=live, anew=anew))
    if moved != f"UPDATE {len(epochs)}":
        raise Fenced(f"the new tables are not where the live ones are: {moved} of {len(epochs)} checkpoints")
    made = [await connection.fetchval(MIGRATIONS.format(schema=schema)) for schema in (live, anew)]
    if made[0] != made[1]:
        raise asyncpg.InterfaceError(f"the live tables were migrated meanwhile: {made[0][-1]}, not {made[1][-1]}")


async def _rename(connection: Connection, schema: str, to: str) -> None:
    await connection.execute(f'alter schema "{schema}" rename to "{to}"')
