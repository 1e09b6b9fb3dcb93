"""The tables: rows and checkpoints move in one transaction."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import asyncpg

from projector.batch import Keys, Mark, Versions
from shared.boards import Board
from shared.catalogue import Catalogue
from shared.fold.players import Profile
from shared.fold.state import KINDS, Entry, Partition, Player, Session, State, Step
from shared.postgres import Connection, Pool
from shared.ranking import Standing, sort_value
from shared.topics import Place, TopicName

CHECKPOINTS = """
select c.topic, c.partition, next_offset, crc from checkpoints c
join unnest($1::text[], $2::int[], $3::bigint[]) h(topic, partition, epoch) using (topic, partition, epoch)
"""
INCARNATIONS = "select distinct incarnation from checkpoints where topic = $1"
CREATE_CHECKPOINTS = """
insert into checkpoints (topic, partition, incarnation, next_offset)
select $1, p, $2, 0 from unnest($3::int[]) p on conflict do nothing
"""
LOCK_CHECKPOINTS = """
select topic, partition, next_offset, clock, catalogue, applied, duplicate, conflict, refused, voided
from checkpoints c join unnest($1::text[], $2::int[], $3::bigint[]) k(topic, partition, epoch)
    using (topic, partition, epoch)
order by topic, partition for update of c
"""
LOAD_PLAYERS = 'select player_id, partition, "offset", registered_at from players where player_id = any($1::text[])'
LOAD_SESSIONS = """
select s.player_id, s.event_id::text as event_id, s.partition, s."offset", s.clock, s.game_mode, s.score, s.metadata,
    s.payload_hash, s.outcome, s.reason, s.actor
from unnest($1::text[], $2::uuid[]) k(player_id, event_id) join game_sessions s using (player_id, event_id)
"""
LOAD_ENTRIES = """
select e.* from unnest($1::text[], $2::text[], $3::text[]) k(board_id, season, player_id)
join leaderboard_entries e using (board_id, season, player_id)
"""
SAVE_CHECKPOINTS = """
update checkpoints c set next_offset = v.next_offset, crc = v.crc, clock = v.clock, catalogue = v.catalogue,
    applied = v.applied, duplicate = v.duplicate, conflict = v.conflict, refused = v.refused, voided = v.voided
from unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
        $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[])
    v(topic, partition, epoch, seen, next_offset, crc, clock, catalogue, applied, duplicate, conflict, refused, voided)
where c.topic = v.topic and c.partition = v.partition and c.epoch = v.epoch and c.next_offset = v.seen
returning 1
"""
SAVE_PLAYERS = """
insert into players (player_id, partition, "offset", registered_at)
select * from unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[])
"""
SAVE_SESSIONS = """
insert into game_sessions (player_id, event_id, partition, "offset", clock, game_mode, score, metadata, payload_hash,
    outcome, reason, actor)
select * from unnest($1::text[], $2::uuid[], $3::int[], $4::bigint[], $5::bigint[], $6::text[], $7::bigint[],
    $8::jsonb[], $9::bytea[], $10::text[], $11::text[], $12::text[])
"""
SAVE_ENTRIES = """
insert into leaderboard_entries (board_id, season, player_id, value, sort_value, reached_at, games_played, updated_at,
    partition, "offset")
select * from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::int[],
    $8::bigint[], $9::int[], $10::bigint[])
on conflict (board_id, season, player_id) do update set value = excluded.value, sort_value = excluded.sort_value,
    reached_at = excluded.reached_at, games_played = excluded.games_played, updated_at = excluded.updated_at,
    partition = excluded.partition, "offset" = excluded."offset"
"""
SAVE_HISTORY = """
insert into entry_history (board_id, season, player_id, "offset", partition, clock, value, reached_at, games_played)
select * from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::int[], $6::bigint[], $7::bigint[],
    $8::bigint[], $9::int[])
"""
SAVE_VERSIONS = """
insert into board_versions (board_id, season, partition, version)
select * from unnest($1::text[], $2::text[], $3::int[], $4::bigint[])
on conflict (board_id, season, partition) do update set version = excluded.version
"""
SAVE_PROFILES = """
insert into profiles (player_id, username, attributes, partition, "offset")
select * from unnest($1::text[], $2::text[], $3::jsonb[], $4::int[], $5::bigint[])
on conflict (player_id) do update set username = excluded.username, attributes = excluded.attributes,
    partition = excluded.partition, "offset" = excluded."offset"
"""
SAVE_BOARDS = """
insert into boards (board_id, definition, catalogue_offset)
select * from unnest($1::text[], $2::jsonb[], $3::bigint[])
on conflict (board_id) do update set definition = excluded.definition, catalogue_offset = excluded.catalogue_offset
"""
SAVE_STOPS = """
update checkpoints c set stopped = v.reason from unnest($1::text[], $2::int[], $3::bigint[], $4::text[])
    v(topic, partition, epoch, reason)
where c.topic = v.topic and c.partition = v.partition and c.epoch = v.epoch and c.stopped is distinct from v.reason
"""


class Seen(NamedTuple):
    """Where a batch begins in a partition, and the epoch of the lease under which it is projected."""

    epoch: int
    next_offset: int


class Fenced(Exception):
    """The partition has another owner, or stands elsewhere: drop what is in memory and start over."""


class TablesAnew(Exception):
    """The tables were made anew under a running projector: begin from nothing, with a new process."""


class ForeignCheckpoint(Exception):
    """The tables were built from another log than the one that is there now. Never go on by itself."""


class Transaction:
    """One batch: load, fold elsewhere, save; everything or nothing."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def load(self, keys: Keys, seen: Mapping[Place, Seen]) -> State:
        """Lock the checkpoints and load what the fold needs. Raises Fenced."""
        state = State(partitions=await self._lock(seen))
        state.players = await self._players(keys)
        state.sessions = await self._sessions(keys)
        state.entries = await self._entries(keys)
        return state

    async def _lock(self, seen: Mapping[Place, Seen]) -> dict[int, Partition]:
        """The checkpoints of the events topic; those of `seen` have to be ours and to stand where it says."""
        rows = await self._connection.fetch(LOCK_CHECKPOINTS, *_columns((*at, each.epoch) for at, each in seen.items()))
        found = {(row["topic"], row["partition"]): row["next_offset"] for row in rows}
        if found != {at: each.next_offset for at, each in seen.items()}:
            raise Fenced(f"expected {dict(seen)}, found {found}")
        return {row["partition"]: _partition(row) for row in rows if row["topic"] == "events"}

    async def _players(self, keys: Keys) -> dict[str, Player]:
        rows = await self._connection.fetch(LOAD_PLAYERS, keys.players)
        return {row["player_id"]: Player(*row) for row in rows}

    async def _sessions(self, keys: Keys) -> dict[tuple[str, str], Session]:
        players, events = [player for player, _ in keys.sessions], [event for _, event in keys.sessions]
        rows = await self._connection.fetch(LOAD_SESSIONS, players, events)
        return {(row["player_id"], row["event_id"]): Session(*row) for row in rows}

    async def _entries(self, keys: Keys) -> dict[tuple[str, str, str], Entry]:
        columns = [list(column) for column in zip(*keys.entries, strict=True)] or [[], [], []]
        rows = await self._connection.fetch(LOAD_ENTRIES, *columns)
        return {entry.key: entry for entry in map(read_entry, rows)}

    async def save(
        self,
        seen: Mapping[Place, Seen],
        reached: Mapping[Place, tuple[Partition, int | None]],
        steps: Iterable[Step],
        profiles: Sequence[Profile],
        orders: Mapping[str, Board],
        versions: Versions,
    ) -> None:
        """Write what a batch changed and move its checkpoints, each with the CRC of its last record. Raises Fenced."""
        steps = list(steps)
        changed = {entry.key: entry for step in steps for entry in step.entries}
        await self._write(SAVE_PLAYERS, (step.player for step in steps if step.player is not None))
        await self._write(SAVE_SESSIONS, (step.session for step in steps if step.session is not None))
        await self._write(SAVE_ENTRIES, (_entry_row(changed[key], orders) for key in sorted(changed)))
        await self._write(SAVE_HISTORY, (_history_row(entry) for step in steps for entry in step.entries))
        await self._write(SAVE_VERSIONS, _version_rows(versions))
        await self._write(SAVE_PROFILES, profiles)
        await self._move(seen, reached)

    async def _move(self, seen: Mapping[Place, Seen], reached: Mapping[Place, tuple[Partition, int | None]]) -> None:
        rows = [
            (*at, *seen[at], to.next_offset, crc, to.clock, to.catalogue, *to.counts.values())
            for at, (to, crc) in reached.items()
        ]
        moved = await self._connection.fetch(SAVE_CHECKPOINTS, *_columns(rows))
        if len(moved) != len(rows):
            raise Fenced(f"{len(rows) - len(moved)} checkpoints were not where this batch began")

    async def _write(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        if columns := _columns(rows):
            await self._connection.execute(sql, *columns)


class Store:
    """The tables of one projection."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """A transaction that commits at the end and rolls back on any exception."""
        async with self._pool.acquire() as connection, connection.transaction():
            yield Transaction(connection)

    async def open(self, topic: TopicName, incarnation: str, partitions: list[int]) -> None:
        """Make sure of a checkpoint for every partition, at 0 where it is new. Raises ForeignCheckpoint."""
        async with self._pool.acquire() as connection:
            await connection.execute(CREATE_CHECKPOINTS, topic, incarnation, partitions)
            rows = await connection.fetch(INCARNATIONS, topic)
        foreign = sorted({row["incarnation"] for row in rows} - {incarnation})
        if foreign:
            raise ForeignCheckpoint(
                f"{topic}: the log is {incarnation}, the tables are built from {foreign}: restore the log, "
                "or `leaderboard reset` folds what is there from its beginning"
            )

    async def marks(self, held: Mapping[Place, int]) -> dict[Place, Mark]:
        """Where the partitions stand that are held under these epochs. Raises Fenced when one is not."""
        async with self._pool.acquire() as connection:
            return await read_marks(connection, held)

    async def require(self, held: Mapping[Place, int], offsets: Mapping[Place, int]) -> None:
        """See that the tables stand there under these epochs. Raises Fenced."""
        async with self._pool.acquire() as connection:
            await require_marks(connection, held, offsets)

    async def stops(self, held: Mapping[Place, int], reasons: Mapping[Place, str]) -> None:
        """Write down why partitions do not go on; nothing of those that do."""
        rows = [(*place, epoch, reasons.get(place)) for place, epoch in held.items()]
        await self._pool.execute(SAVE_STOPS, *_columns(rows))

    async def versions(self) -> Versions:
        """The version vector of every season of every board."""
        versions: Versions = {}
        for row in await self._pool.fetch("select board_id, season, partition, version from board_versions"):
            versions.setdefault((row["board_id"], row["season"]), {})[row["partition"]] = row["version"]
        return versions

    async def save_boards(self, catalogue: Catalogue) -> None:
        """Write the definitions down for those who ask in SQL."""
        rows = [(board.board_id, board.model_dump(mode="json"), offset) for offset, board in catalogue.defined]
        if rows:
            await self._pool.execute(SAVE_BOARDS, *_columns(rows))

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Connection]:
        """A read-only view of one instant."""
        async with (
            self._pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            yield connection


async def read_marks(connection: Connection, held: Mapping[Place, int]) -> dict[Place, Mark]:
    """Where the partitions stand that are held under these epochs. Raises Fenced when one is not."""
    rows = await connection.fetch(CHECKPOINTS, *_columns((*place, epoch) for place, epoch in held.items()))
    marks: dict[Place, Mark] = {(row["topic"], row["partition"]): Mark(*row[2:]) for row in rows}
    if marks.keys() != held.keys():
        raise Fenced(f"no longer held: {sorted(held.keys() - marks.keys())}")
    return marks


async def require_marks(connection: Connection, held: Mapping[Place, int], offsets: Mapping[Place, int]) -> None:
    """See that the tables stand there under these epochs: somebody else may have them, or Postgres lost commits.

    Raises Fenced.
    """
    found = {place: mark.next_offset for place, mark in (await read_marks(connection, held)).items()}
    if found != dict(offsets):
        raise Fenced(f"the tables are at {found}, expected {dict(offsets)}")


def read_entry(row: asyncpg.Record) -> Entry:
    """An entry from its row."""
    standing = Standing(row["player_id"], row["value"], row["reached_at"], row["games_played"], row["updated_at"])
    return Entry(row["board_id"], row["season"], standing, row["partition"], row["offset"])


def _version_rows(versions: Versions) -> list[tuple[str, str, int, int]]:
    return sorted((*at, partition, offset) for at, held in versions.items() for partition, offset in held.items())


def _columns(rows: Iterable[Sequence[Any]]) -> list[list[Any]]:
    """Rows turned into the arrays that `unnest` takes."""
    return [list(column) for column in zip(*rows, strict=True)]


def _partition(row: asyncpg.Record) -> Partition:
    counts = {kind: row[kind] for kind in KINDS}
    return Partition(row["next_offset"], row["clock"], row["catalogue"], counts)


def _entry_row(entry: Entry, boards: Mapping[str, Board]) -> tuple[Any, ...]:
    player_id, value, reached_at, games_played, updated_at = entry.standing
    return (
        *(entry.board_id, entry.season, player_id),
        *(value, sort_value(boards[entry.board_id].order, value), reached_at, games_played, updated_at),
        *(entry.partition, entry.offset),
    )


def _history_row(entry: Entry) -> tuple[Any, ...]:
    player_id, value, reached_at, games_played, updated_at = entry.standing
    return (
        *(entry.board_id, entry.season, player_id, entry.offset, entry.partition),
        *(updated_at, value, reached_at, games_played),
    )
