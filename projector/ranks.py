"""The rank index in Redis: a versioned projection of Postgres, applied after the commit.

Redis is never waited for longer than its timeout. When it is away, behind or foreign, this says so
(`RanksUnknown`), and `repair` brings it back from the tables.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import structlog

from projector.batch import BoardChange, BoardSeason
from projector.store import Store, read_entry
from shared.boards import ALL_TIME, Board
from shared.feed import BoardLines, RankLine
from shared.fold.players import Profile
from shared.fold.state import Entry
from shared.positions import Position
from shared.postgres import Connection
from shared.ranking import (
    NAMES_COMPLETE,
    BoardKeys,
    applied_key,
    board_keys,
    encode_detail,
    encode_member,
    names_key,
    sort_value,
)
from shared.redis import DOWN, Client, Script

APPLY = Script("projector", "apply.lua")
SWAP = Script("projector", "swap.lua")
CHUNK = 1_000
"""Rows a command while a board is rebuilt."""
ENTRIES = "select * from leaderboard_entries where board_id = $1 and season = $2"
VERSION = "select partition, version from board_versions where board_id = $1 and season = $2"

log = structlog.get_logger()


class RanksUnknown(Exception):
    """Redis did not take the batch: it is away, or does not hold what the batch builds on."""


class RankWriter:
    """Writes the rank index. `incarnation` is the events topic's, `prefix` the installation's."""

    def __init__(self, client: Client, prefix: str, incarnation: str) -> None:
        self._client = client
        self._prefix = prefix
        self._incarnation = incarnation

    async def apply(self, at: BoardSeason, board: Board, change: BoardChange) -> BoardLines:
        """Put a batch's change into a board; ranks before and after. Raises RanksUnknown."""
        keys = board_keys(self._prefix, *at)
        chain = [each for partition, (previous, new) in change.chain.items() for each in (partition, previous, new)]
        written = list(change.written.values())
        rows = [*_rows(board, written), *_questions(change.asked)]
        try:
            answer = await APPLY.run(self._client, keys.all, [self._incarnation, len(change.chain), *chain, *rows])
        except DOWN as error:
            raise RanksUnknown(repr(error)) from error
        if answer[0] != "OK":
            raise RanksUnknown(f"{at[0]}/{at[1]}: Redis does not hold what the batch builds on")
        return _lines(at, answer[1], answer[2:], [*written, *change.asked])

    async def mark_applied(self, offsets: Mapping[int, int]) -> None:
        """Say how far the boards as a whole are; after every board of a batch. Raises RanksUnknown."""
        fields: dict[Any, Any] = {"incarnation": self._incarnation}
        fields |= {str(partition): offset for partition, offset in offsets.items()}
        try:
            await self._client.hset(applied_key(self._prefix), mapping=fields)
        except DOWN as error:
            raise RanksUnknown(repr(error)) from error

    async def name(self, profiles: Iterable[Profile], offsets: Mapping[int, int]) -> None:
        """Put display names in, and how far the players topic is reflected. Raises RanksUnknown."""
        fields: dict[Any, Any] = {profile.player_id: profile.username for profile in profiles}
        fields |= {f"${partition}": offset for partition, offset in offsets.items()}
        try:
            await self._client.hset(names_key(self._prefix), mapping=fields)
        except DOWN as error:
            raise RanksUnknown(repr(error)) from error

    async def holds(self, position: Position) -> bool:
        """Whether Redis still says it is at this position: false after a loss or a restart empty."""
        try:
            held = await self._client.hgetall(applied_key(self._prefix))
        except DOWN:
            return False
        expected = {str(partition): str(offset) for partition, offset in position.offsets.items()}
        return held == {**expected, "incarnation": self._incarnation}

    async def repair(self, store: Store, boards: Iterable[Board], position: Position) -> list[BoardSeason]:
        """Bring every board up to the tables; the seasons that had to be touched. Raises RanksUnknown.

        Compares version vectors, so that no crash point leaves a quiet board stale.
        """
        versions = await store.versions()
        kept = {board.board_id: board for board in boards}
        seasons = sorted({(board_id, ALL_TIME) for board_id in kept} | {at for at in versions if at[0] in kept})
        try:
            repaired = [at for at in seasons if await self._repair_board(store, kept[at[0]], at, versions.get(at, {}))]
            await self._repair_names(store)
        except DOWN as error:
            raise RanksUnknown(repr(error)) from error
        await self.mark_applied(position.offsets)
        return repaired

    async def _repair_board(self, store: Store, board: Board, at: BoardSeason, wanted: dict[int, int]) -> bool:
        held = await self._client.hgetall(board_keys(self._prefix, *at).version)
        if held.pop("incarnation", None) == self._incarnation and all(
            int(held.get(str(partition), -1)) >= version for partition, version in wanted.items()
        ):
            return False
        async with store.snapshot() as connection:
            await self._rebuild(connection, board, at)
        log.info("board_repaired", board=at[0], season=at[1], held=held, wanted=wanted)
        return True

    async def _rebuild(self, connection: Connection, board: Board, at: BoardSeason) -> None:
        """Fill a copy beside the board, then put it in its place at once."""
        copy = board_keys(self._prefix, *at, suffix=":copy")
        await self._client.delete(*copy.all)
        entries: list[Entry] = []
        async for row in connection.cursor(ENTRIES, *at, prefetch=CHUNK):
            entries.append(read_entry(row))
            if len(entries) == CHUNK:
                await self._fill(copy, board, entries)
                entries = []
        await self._fill(copy, board, entries)
        version: dict[Any, Any] = {"incarnation": self._incarnation}
        version |= {str(row["partition"]): row["version"] for row in await connection.fetch(VERSION, *at)}
        await self._client.hset(copy.version, mapping=version)
        await SWAP.run(self._client, [*copy.all, *board_keys(self._prefix, *at).all], [])

    async def _fill(self, copy: BoardKeys, board: Board, entries: list[Entry]) -> None:
        if not entries:
            return
        pipeline = self._client.pipeline(transaction=False)
        pipeline.zadd(
            copy.ranks,
            {encode_member(each.standing): sort_value(board.order, each.standing.value) for each in entries},
        )
        pipeline.hset(copy.members, mapping={each.standing.player_id: encode_detail(each.standing) for each in entries})
        await pipeline.execute()

    async def _repair_names(self, store: Store) -> None:
        key = names_key(self._prefix)
        async with store.snapshot() as connection:
            reached = await connection.fetch("select partition, next_offset from checkpoints where topic = 'players'")
            wanted: dict[Any, Any] = {f"${row['partition']}": str(row["next_offset"]) for row in reached}
            wanted[NAMES_COMPLETE] = self._incarnation
            held = await self._client.hmget(key, list(wanted))
            if dict(zip(wanted, held, strict=True)) == wanted:
                return
            cursor = await connection.cursor("select player_id, username from profiles")
            while rows := await cursor.fetch(CHUNK):
                await self._client.hset(key, mapping={row["player_id"]: row["username"] for row in rows})
        await self._client.hset(key, mapping=wanted)


def _rows(board: Board, entries: Iterable[Entry]) -> list[str | int]:
    """Rows to write, as the script takes them: partition, player, score, detail."""
    return [
        part
        for each in entries
        for part in (
            each.partition,
            each.standing.player_id,
            sort_value(board.order, each.standing.value),
            encode_detail(each.standing),
        )
    ]


def _questions(entries: Iterable[Entry]) -> list[str | int]:
    """Rows whose rank is only asked for."""
    return [part for each in entries for part in (each.partition, each.standing.player_id, "", "")]


def _lines(at: BoardSeason, total: int, places: list[int], entries: list[Entry]) -> BoardLines:
    ranks = [place + 1 or None for place in places]
    rows = [
        RankLine(each.standing.player_id, old, new, each.standing.value)
        for each, old, new in zip(entries, ranks[0::2], ranks[1::2], strict=True)
    ]
    return BoardLines(board_id=at[0], season=at[1], total=total, rows=rows)
