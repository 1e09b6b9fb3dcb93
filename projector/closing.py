"""Ends of seasons: said in every partition, then final standings, then a record that prizes can be built on.

Whoever holds a partition says in it that a season is over; whoever holds partition 0 writes the results. All of it may
happen twice, by two projectors at once or after a crash, and comes to the same: the first end in a partition counts,
and the standings are a function of those ends.
"""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Literal, NamedTuple, TypeAlias

import structlog
from asyncpg import UniqueViolationError

from projector.leases import Leases
from shared.appender import Appender, LogBusy
from shared.boards import Board
from shared.catalogue_log import LiveCatalogue
from shared.clock import now
from shared.events import Fact, SeasonClosed, SeasonEnded, encode, wrap
from shared.final_rows import FINAL
from shared.identity import event_id_of
from shared.log import LogUnavailable
from shared.positions import Position
from shared.postgres import BUSY, DOWN, Connection, Pool
from shared.ranking import digest_line
from shared.seasons import is_over, season_of
from shared.topics import SEASON_KEY

EVERY = 1.0
"""Seconds between looks."""
AGAIN_AFTER = 15.0
"""Seconds until an end is said once more in a partition where it did not arrive, or came too early by its clock."""
APPEND_TIMEOUT = 5.0
COMPUTE_WITHIN = 300.0
"""Seconds for the standings of a season: a million players take some ten."""
NAME = "projector"
SOURCE = "urn:leaderboard:projector"
ACTOR = "system:closing"
OPEN = """
select board_id, season, coalesce(array_agg(e.partition) filter (where e.partition is not null), '{}') as ended
from seasons left join season_ends e using (board_id, season)
where not closed group by board_id, season order by 1, 2
"""
ENDS = 'select partition, "offset" from season_ends where board_id = $1 and season = $2'
CLOSED = "update seasons set closed = true, ends_at = $3 where board_id = $1 and season = $2"
CLOSED_SEASONS = "select board_id, season from seasons where closed order by 1, 2"
CHANGED = """
select distinct c.board_id, c.season from season_changes c join seasons s using (board_id, season)
where s.closed order by 1, 2 limit 10
"""
FORGET = "delete from season_changes where board_id = $1 and season = $2"
CLOSED_ROWS = """
select e.player_id, e.value, e.sort_value, e.reached_at, e.games_played, e.updated_at
from leaderboard_entries e join season_ends c using (board_id, season, partition)
where e.board_id = $1 and e.season = $2 and e."offset" < c."offset" and e.value is not null
union all
select h.player_id, h.value, case b.definition->>'order' when 'desc' then -h.value else h.value end, h.reached_at,
    h.games_played, h.clock
from leaderboard_entries e join season_ends c using (board_id, season, partition) join boards b using (board_id)
cross join lateral (
    select * from entry_history h where (h.board_id, h.season, h.player_id) = (e.board_id, e.season, e.player_id)
        and h."offset" < c."offset" order by h."offset" desc limit 1) h
where e.board_id = $1 and e.season = $2 and e."offset" >= c."offset" and h.value is not null
"""
PRESENT_ROWS = """
select player_id, value, sort_value, reached_at, games_played, updated_at
from leaderboard_entries where board_id = $1 and season = $2 and value is not null
"""
DELETE = "delete from season_standings where board_id = $1 and season = $2 and kind = $3"
INSERT = """
insert into season_standings (board_id, season, kind, place, better, player_id, value, sort_value, reached_at,
    games_played, updated_at)
select $1, $2, $3, row_number() over (order by sort_value, reached_at, player_id) - 1,
    dense_rank() over (order by sort_value) - 1, player_id, value, sort_value, reached_at, games_played, updated_at
from ({rows}) rows
"""
STANDINGS = """
select place, player_id, value, reached_at, games_played from season_standings
where board_id = $1 and season = $2 and kind = $3 order by place
"""
RESULT = """
insert into season_results (board_id, season, kind, cut, players, digest) values ($1, $2, $3, $4, $5, $6)
on conflict (board_id, season, kind) do update set cut = excluded.cut, players = excluded.players,
    digest = excluded.digest, announced = false
"""
POSITION = "select partition, next_offset from checkpoints where topic = 'events'"
UNANNOUNCED = "select board_id, season, kind, cut, players, digest from season_results where not announced limit 100"
ANNOUNCED = """
update season_results set announced = true where board_id = $1 and season = $2 and kind = $3 and digest = $4
"""

Kind: TypeAlias = Literal["closed", "corrected"]
ROWS: dict[Kind, str] = {"closed": CLOSED_ROWS, "corrected": PRESENT_ROWS}

log = structlog.get_logger()


class Open(NamedTuple):
    """A season without results, and the partitions that it has ended in."""

    board_id: str
    season: str
    ended: list[int]


class Closing:
    """Closes seasons, beside the projection. `partitions`: how many the events topic has."""

    def __init__(
        self,
        pool: Pool,
        appender: Appender,
        leases: Leases,
        catalogue: LiveCatalogue,
        incarnation: str,
        partitions: int,
    ) -> None:
        self._pool = pool
        self._appender = appender
        self._leases = leases
        self._catalogue = catalogue
        self._incarnation = incarnation
        self._partitions = partitions
        self._said: dict[tuple[str, str, int], float] = {}

    async def run(self) -> None:
        """Close what is over, for ever. Who is overtaken by another finds the rows there, and looks again."""
        while True:
            await asyncio.sleep(EVERY)
            try:
                await self._look()
            except (LogUnavailable, LogBusy, UniqueViolationError, *DOWN, *BUSY) as error:
                log.warning("seasons_not_closed", error=repr(error))

    async def _look(self) -> None:
        held = sorted({number for topic, number in self._leases.held if topic == "events"})
        if not held:
            return
        over = [each for each in await self._open() if self._is_over(each)]
        for each in over:
            await self._say_in(held, each)
        if 0 in held:
            for each in over:
                if len(each.ended) == self._partitions:
                    await self._close(each)
            for board_id, season in await self._pool.fetch(CHANGED):
                await self._correct(board_id, season)
            await self._announce()

    async def _open(self) -> list[Open]:
        return [Open(*row) for row in await self._pool.fetch(OPEN)]

    def _is_over(self, each: Open) -> bool:
        """Whether the season has ended by this machine's clock; each partition decides by its own."""
        board = self._catalogue.now.board(each.board_id)
        return board is not None and is_over(season_of(board, each.season), now())

    async def _say_in(self, held: list[int], each: Open) -> None:
        moment = time.monotonic()
        for partition in held:
            at = each.board_id, each.season, partition
            if partition in each.ended:
                self._said.pop(at, None)
                continue
            if moment - self._said.get(at, -AGAIN_AFTER) < AGAIN_AFTER:
                continue
            fact = SeasonEnded(board_id=each.board_id, season=each.season)
            value = self._event(fact, each.board_id, f"season-ended/{each.season}")
            await self._appender.append("events", SEASON_KEY, value, timeout=APPEND_TIMEOUT, partition=partition)
            self._said[at] = moment

    async def _close(self, over: Open) -> None:
        board = self._catalogue.now.board(over.board_id)
        assert board is not None, over
        at = over.board_id, over.season
        async with self._one_instant() as tables:
            digest = await write_result(tables, "closed", *at)
            await tables.execute(CLOSED, *at, season_of(board, over.season).ends_at)
        log.info("season_closed", board=over.board_id, season=over.season, digest=digest)

    async def _correct(self, board_id: str, season: str) -> None:
        """A result anew, if what has changed is not in the one that there is."""
        async with self._one_instant() as tables:
            if not await tables.fetchval(FINAL, board_id, season):
                digest = await write_result(tables, "corrected", board_id, season)
                log.info("season_corrected", board=board_id, season=season, digest=digest)
            await tables.execute(FORGET, board_id, season)

    @asynccontextmanager
    async def _one_instant(self) -> AsyncIterator[Connection]:
        async with self._pool.acquire() as connection, connection.transaction(isolation="repeatable_read"):
            yield connection

    async def _announce(self) -> None:
        """Publish results, at least once each: the id of the record tells a repetition."""
        for row in await self._pool.fetch(UNANNOUNCED):
            await self._publish(**dict(row))

    async def _publish(
        self, board_id: str, season: str, kind: Kind, cut: Mapping[str, int], players: int, digest: str
    ) -> None:
        position = str(Position(self._incarnation, {int(partition): offset for partition, offset in cut.items()}))
        fact = SeasonClosed(board_id=board_id, season=season, kind=kind, players=players, digest=digest, cut=position)
        value = self._event(fact, board_id, f"season-{kind}/{season}/{position}")
        key = f"{board_id}/{season}".encode()
        await self._appender.append("season-results", key, value, timeout=APPEND_TIMEOUT)
        await self._pool.execute(ANNOUNCED, board_id, season, kind, digest)

    def _event(self, fact: Fact, board_id: str, key: str) -> bytes:
        newest = self._catalogue.now.newest
        event_id = event_id_of(board_id, key)
        event: Any = wrap(fact, event_id=event_id, subject=board_id, source=SOURCE, actor=ACTOR, catalogue=newest)
        return encode(event)


async def conclude(tables: Connection, boards: Mapping[str, Board], partitions: int) -> None:
    """Close what has ended in every partition, and correct what was changed since: what `Closing` comes to.

    For tables that nobody else writes; to be called within a transaction of one snapshot.
    """
    for board_id, season, ended in await tables.fetch(OPEN):
        if len(ended) == partitions:
            await write_result(tables, "closed", board_id, season)
            await tables.execute(CLOSED, board_id, season, season_of(boards[board_id], season).ends_at)
    for board_id, season in await tables.fetch(CLOSED_SEASONS):
        if not await tables.fetchval(FINAL, board_id, season):
            await write_result(tables, "corrected", board_id, season)
    await tables.execute("delete from season_changes")


async def write_result(tables: Connection, kind: Kind, board_id: str, season: str) -> str:
    """Write down the standings of a season and their digest; to be called within a transaction of one snapshot."""
    at = board_id, season, kind
    cut = await _cut(tables, kind, board_id, season)
    await tables.execute(DELETE, *at, timeout=COMPUTE_WITHIN)
    await tables.execute(INSERT.format(rows=ROWS[kind]), *at, timeout=COMPUTE_WITHIN)
    digest, players = hashlib.sha256(), 0
    async for row in tables.cursor(STANDINGS, *at, prefetch=5_000, timeout=COMPUTE_WITHIN):
        digest.update(digest_line(*row))
        players += 1
    named = {str(partition): offset for partition, offset in sorted(cut.items())}
    await tables.execute(RESULT, *at, named, players, digest.hexdigest())
    return digest.hexdigest()


async def _cut(connection: Connection, kind: Kind, board_id: str, season: str) -> dict[int, int]:
    """Partition → next offset that the standings are of."""
    if kind == "closed":
        return {row["partition"]: row["offset"] for row in await connection.fetch(ENDS, board_id, season)}
    return {row["partition"]: row["next_offset"] for row in await connection.fetch(POSITION)}
