"""The tables: rows and checkpoints move in one transaction."""

import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any, NamedTuple

import asyncpg

from projector.batch import BoardSeason, Keys, Mark, Versions
from projector.schema import require_made
from shared.boards import Board
from shared.catalogue import Catalogue
from shared.fold.players import Profile
from shared.fold.state import (
    KINDS,
    Entry,
    EntryKey,
    Partition,
    SeasonEnd,
    Session,
    State,
    Step,
    last_of,
)
from shared.histories import ENTRY, PLAYER, RULING, SESSION, add_rows, load_entries, load_histories
from shared.postgres import Connection, Pool
from shared.ranking import sort_value
from shared.seasons import season_of
from shared.topics import Place, TopicName

CHECKPOINTS = """
select c.topic, c.partition, next_offset, crc from checkpoints c
join unnest($1::text[], $2::int[], $3::bigint[]) h(topic, partition, epoch) using (topic, partition, epoch)
"""
INSERT = re.compile(r"insert into (\w+) \(([^)]*)\)")
PARAMETER = re.compile(r"\$(\d+)")
INCARNATIONS = "select distinct incarnation from checkpoints where topic = $1"
CREATE_CHECKPOINTS = """
insert into checkpoints (topic, partition, incarnation, next_offset)
select $1, p, $2, 0 from unnest($3::int[]) p on conflict do nothing
"""
COPY_WITHIN = 300.0
"""Seconds for the rows of a partition."""
PARTITIONS = """
select partition, next_offset, clock, catalogue, applied, duplicate, conflict, refused, voided
from checkpoints c join unnest($1::text[], $2::int[], $3::bigint[]) k(topic, partition, epoch)
    using (topic, partition, epoch)
where topic = 'events'
"""
LOAD = f"""
select array(select row(c.topic, c.partition, c.next_offset) from checkpoints c
        join unnest($7::text[], $8::int[], $9::bigint[]) k(topic, partition, epoch) using (topic, partition, epoch)),
    array(select row({PLAYER}) from players p where p.player_id = any($1::text[])),
    array(select row({RULING}) from rulings r where r.player_id = any($1::text[])),
    array(select row({SESSION}) from unnest($2::text[], $3::uuid[]) k(player_id, event_id)
        join game_sessions s using (player_id, event_id)),
    array(select row({ENTRY}) from unnest($4::text[], $5::text[], $6::text[]) k(board_id, season, player_id)
        join leaderboard_entries e using (board_id, season, player_id))
"""  # noqa: S608 - of constants
"""All that a batch of submissions needs, in one round trip."""
LOAD_ENDED = """
select e.* from unnest($1::text[], $2::text[], $3::int[]) k(board_id, season, partition)
join season_ends e using (board_id, season, partition)
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
insert into players (player_id, partition, "offset", registered_at, banned, erased)
select * from unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[], $5::bool[], $6::text[])
on conflict (player_id) do update set banned = excluded.banned, erased = excluded.erased
"""
SAVE_SESSIONS = """
insert into game_sessions (player_id, event_id, partition, "offset", clock, game_mode, score, metadata, payload_hash,
    outcome, reason, actor, attributes, catalogue, revoked)
select * from unnest($1::text[], $2::uuid[], $3::int[], $4::bigint[], $5::bigint[], $6::text[], $7::bigint[],
    $8::jsonb[], $9::bytea[], $10::text[], $11::text[], $12::text[], $13::jsonb[], $14::bigint[], $15::bool[])
"""
CHANGE_SESSIONS = """
update game_sessions s set metadata = v.metadata, attributes = v.attributes, revoked = v.revoked
from unnest($1::text[], $2::uuid[], $3::jsonb[], $4::jsonb[], $5::bool[])
    v(player_id, event_id, metadata, attributes, revoked)
where s.player_id = v.player_id and s.event_id = v.event_id
"""
SAVE_RULINGS = """
insert into rulings (player_id, event_id, kind, target, reason, actor, partition, "offset", clock)
select * from unnest($1::text[], $2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::int[], $8::bigint[],
    $9::bigint[])
"""
SAVE_ENDED = """
insert into season_ends (board_id, season, partition, "offset", clock)
select * from unnest($1::text[], $2::text[], $3::int[], $4::bigint[], $5::bigint[])
"""
SAVE_SEASONS = """
insert into seasons (board_id, season, starts_at, ends_at)
select * from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) on conflict do nothing
"""
SAVE_CHANGES = "insert into season_changes (board_id, season) select * from unnest($1::text[], $2::text[])"
SAVE_ENTRIES = """
insert into leaderboard_entries (board_id, season, player_id, value, sort_value, reached_at, games_played, updated_at,
    event_id, partition, "offset")
select * from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::int[],
    $8::bigint[], $9::uuid[], $10::int[], $11::bigint[])
on conflict (board_id, season, player_id) do update set value = excluded.value, sort_value = excluded.sort_value,
    reached_at = excluded.reached_at, games_played = excluded.games_played, updated_at = excluded.updated_at,
    event_id = excluded.event_id, partition = excluded.partition, "offset" = excluded."offset"
"""
SAVE_HISTORY = """
insert into entry_history (board_id, season, player_id, "offset", partition, clock, value, reached_at, games_played)
select * from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::int[], $6::bigint[], $7::bigint[],
    $8::bigint[], $9::int[])
"""
VERSIONS = """
select v.board_id, v.season, v.partition, v.version from board_versions v join seasons s using (board_id, season)
where not s.closed or s.ends_at >= $1
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
insert into boards as b (board_id, definition, catalogue_offset, retired)
select * from unnest($1::text[], $2::jsonb[], $3::bigint[], $4::bool[])
on conflict (board_id) do update set definition = excluded.definition, catalogue_offset = excluded.catalogue_offset,
    retired = excluded.retired where b.catalogue_offset < excluded.catalogue_offset
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


class Store:
    """The tables of one projection."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def load(self, state: State, seen: Mapping[Place, Seen], keys: Keys, entries: Sequence[EntryKey]) -> None:
        """Load what the fold of a batch needs; `entries`: those that submissions may change. Raises Fenced.

        Nothing is locked: whoever takes a partition over moves its epoch, and then `save` does nothing.
        """
        columns = [*_key_columns(keys.sessions, 2), *_key_columns(entries, 3)]
        places = _columns((*at, each.epoch) for at, each in seen.items())
        found = await self._pool.fetchrow(LOAD, keys.players, *columns, *places)
        assert found is not None
        checkpoints, players, rulings, sessions, rows = found
        at = {(topic, partition): next_offset for topic, partition, next_offset in checkpoints}
        if at != {place: each.next_offset for place, each in seen.items()}:
            raise Fenced(f"expected {dict(seen)}, found {at}")
        add_rows(state, players, rulings, sessions, rows)
        if keys.histories or keys.ended:
            await self._load_more(state, keys)

    async def _load_more(self, state: State, keys: Keys) -> None:
        """What rulings and ends of seasons need besides."""
        async with self.snapshot() as tables:
            if keys.histories:
                await load_histories(tables, state, keys.histories)
            if keys.ended:
                ended = await tables.fetch(LOAD_ENDED, *_columns(keys.ended))
                state.ended = {end.key: end for end in (SeasonEnd(*row) for row in ended)}

    async def load_entries(self, state: State, keys: Sequence[EntryKey]) -> None:
        """Load these rows of boards, too."""
        if keys:
            async with self._pool.acquire() as connection:
                await load_entries(connection, state, keys)

    async def save(
        self,
        seen: Mapping[Place, Seen],
        reached: Mapping[Place, tuple[Partition, int | None]],
        steps: Iterable[Step],
        profiles: Sequence[Profile],
        boards: Mapping[str, Board],
        versions: Versions,
        seasons: Iterable[BoardSeason],
        over: Iterable[BoardSeason],
    ) -> None:
        """Write what a batch changed and move its checkpoints, each with the CRC of its last record.

        All of it in one statement, which does everything or nothing. Raises Fenced when a partition has another owner
        or stands elsewhere than where the batch began.

        `seasons`: those that may be new; `over`: those that were over before.
        """
        steps = list(steps)
        last = last_of(steps)
        new, changed = _sessions(seen, last.sessions.values())
        checkpoints = _checkpoint_rows(seen, reached)
        tables = (
            (SAVE_PLAYERS, last.players.values()),
            (SAVE_SESSIONS, new),
            (CHANGE_SESSIONS, changed),
            (SAVE_RULINGS, last.rulings.values()),
            (SAVE_SEASONS, sorted((at[0], *season_of(boards[at[0]], at[1])) for at in seasons)),
            (SAVE_CHANGES, sorted(over)),
            (SAVE_ENDED, last.ended.values()),
            (SAVE_ENTRIES, (entry_row(last.entries[key], boards) for key in sorted(last.entries))),
            (SAVE_HISTORY, (history_row(entry) for step in steps for entry in step.entries)),
            (SAVE_VERSIONS, _version_rows(versions)),
            (SAVE_PROFILES, profiles),
            (SAVE_CHECKPOINTS, checkpoints),
        )
        written = [(sql, columns) for sql, rows in tables if (columns := _columns(rows))]
        columns = [column for _, each in written for column in each]
        try:
            await self._pool.execute(_together(*(sql for sql, _ in written)), *columns, len(checkpoints))
        except asyncpg.DivisionByZeroError as error:
            raise Fenced("a checkpoint was not where this batch began") from error
        except asyncpg.UniqueViolationError:
            # Somebody else has saved the same batch: then we are not the owner any more. Or else it is a bug.
            await self.require({at: each.epoch for at, each in seen.items()}, {at: seen[at].next_offset for at in seen})
            raise

    async def open(self, topic: TopicName, incarnation: str, partitions: list[int]) -> None:
        """Make sure of a checkpoint for every partition, at 0 where new. Raises ForeignCheckpoint, OtherTables."""
        async with self._pool.acquire() as connection:
            await require_made(connection)
            await connection.execute(CREATE_CHECKPOINTS, topic, incarnation, partitions)
            rows = await connection.fetch(INCARNATIONS, topic)
        foreign = sorted({row["incarnation"] for row in rows} - {incarnation})
        if foreign:
            raise ForeignCheckpoint(
                f"{topic}: the log is {incarnation}, the tables are built from {foreign}: restore the log, "
                "or `leaderboard reset` folds what is there from its beginning"
            )

    async def partitions(self, held: Mapping[Place, int]) -> dict[int, Partition]:
        """How far the partitions of the events topic are folded that are held under these epochs."""
        rows = await self._pool.fetch(PARTITIONS, *_columns((*place, epoch) for place, epoch in held.items()))
        return {row["partition"]: _partition(row) for row in rows}

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

    async def versions(self, since: int) -> Versions:
        """The version vector of every season of every board, but for those that ended before a time."""
        versions: Versions = {}
        for row in await self._pool.fetch(VERSIONS, since):
            versions.setdefault((row["board_id"], row["season"]), {})[row["partition"]] = row["version"]
        return versions

    async def save_boards(self, catalogue: Catalogue) -> None:
        """Write the definitions down for those who ask in SQL."""
        present = catalogue.present().items()
        rows = [(name, each.board.model_dump(mode="json"), each.offset, each.retired) for name, each in present]
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


@lru_cache(maxsize=256)
def _together(*statements: str) -> str:
    """One statement that does what each of these does, on different tables.

    It fails with a division by zero unless the last of them returns as many rows as its last parameter says.
    """
    numbered, before = list[str](), 0
    for sql in statements:
        shifted = PARAMETER.sub(lambda found, by=before: f"${int(found[1]) + by}", sql)  # type: ignore[misc]
        numbered.append(shifted)
        before += max(int(number) for number in PARAMETER.findall(sql))
    named = ", ".join(f"write_{number} as ({sql})" for number, sql in enumerate(numbered))
    return f"with {named} select 1 / (count(*) = ${before + 1}::bigint)::int from write_{len(numbered) - 1}"  # noqa: S608 - of constants


def _sessions(seen: Mapping[Place, Seen], sessions: Iterable[Session]) -> tuple[list[Session], list[tuple[Any, ...]]]:
    """New ones are inserted: one that is there already would be a submission that counts twice. Others are changed."""
    new, changed = list[Session](), list[tuple[Any, ...]]()
    for each in sessions:
        if each.offset >= seen["events", each.partition].next_offset:
            new.append(each)
        else:
            changed.append((*each.key, each.metadata, each.attributes, each.revoked))
    return new, changed


def _checkpoint_rows(
    seen: Mapping[Place, Seen], reached: Mapping[Place, tuple[Partition, int | None]]
) -> list[tuple[Any, ...]]:
    return [
        (*at, *seen[at], to.next_offset, crc, to.clock, to.catalogue, *to.counts.values())
        for at, (to, crc) in reached.items()
    ]


def _version_rows(versions: Versions) -> list[tuple[str, str, int, int]]:
    return sorted((*at, partition, offset) for at, held in versions.items() for partition, offset in held.items())


def _key_columns(keys: Sequence[Sequence[Any]], width: int) -> list[Sequence[Any]]:
    """As `_columns`, of no rows too."""
    return [*zip(*keys, strict=True)] or [()] * width


def _columns(rows: Iterable[Sequence[Any]]) -> list[list[Any]]:
    """Rows turned into the arrays that `unnest` takes."""
    return [list(column) for column in zip(*rows, strict=True)]


def _partition(row: asyncpg.Record) -> Partition:
    counts = {kind: row[kind] for kind in KINDS}
    return Partition(row["next_offset"], row["clock"], row["catalogue"], counts)


async def copy(connection: Connection, insert: str, rows: Iterable[Sequence[Any]]) -> None:
    """Write rows by COPY, into the table and the columns of an `insert`: where all of them are new."""
    found = INSERT.search(insert)
    assert found is not None, insert
    columns = [name.strip().strip('"') for name in found[2].split(",")]
    await connection.copy_records_to_table(found[1], records=rows, columns=columns, timeout=COPY_WITHIN)


def entry_row(entry: Entry, boards: Mapping[str, Board]) -> tuple[Any, ...]:
    """An entry as SAVE_ENTRIES takes it."""
    place = entry.partition, entry.offset
    if entry.standing is None:
        return *entry.key, None, None, None, 0, None, None, *place
    _, value, reached_at, games_played, updated_at, event_id = entry.standing
    sort = sort_value(boards[entry.board_id].order, value)
    return *entry.key, value, sort, reached_at, games_played, updated_at, event_id or None, *place


def history_row(entry: Entry) -> tuple[Any, ...]:
    """An entry as SAVE_HISTORY takes it."""
    at = *entry.key, entry.offset, entry.partition, entry.clock
    if entry.standing is None:
        return *at, None, None, 0
    return *at, entry.standing.value, entry.standing.reached_at, entry.standing.games_played
