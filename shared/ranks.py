"""Reading the rank index in Redis. None means that Redis cannot say: ask Postgres (shared.standings)."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from redis.exceptions import NoScriptError

from shared.boards import Board
from shared.positions import Position
from shared.ranking import Standing, applied_key, board_keys, decode_standing, names_key, whole_version
from shared.redis import DOWN, Client, Script

TOP = Script("shared", "top.lua")
PLACES = Script("shared", "places.lua")
NAMES = Script("shared", "names.lua")


class Ranked(NamedTuple):
    """A row with its rank, from 1."""

    rank: int
    standing: Standing


class Page(NamedTuple):
    """Rows of one season of a board, all of the same instant: the fold of the log at `position`."""

    position: Position
    total: int
    rows: list[Ranked]


class Ranks:
    """The rank index of every board. Reads never block longer than the client's timeout."""

    def __init__(self, client: Client, prefix: str) -> None:
        self._client = client
        self._prefix = prefix

    async def top(self, board: Board, season: str, limit: int) -> Page | None:
        """The first `limit` rows."""
        answer = await self._ask(TOP, board, season, [0, limit - 1])
        if answer is None:
            return None
        position, total, rows = answer
        triples = zip(rows[0::3], rows[1::3], rows[2::3], strict=True)
        standings = [decode_standing(board.order, member, float(score), detail) for member, score, detail in triples]
        return Page(position, total, [Ranked(rank, each) for rank, each in enumerate(standings, 1)])

    async def places(self, board: Board, season: str, player_ids: Sequence[str]) -> Page | None:
        """Where these players stand; those who are not ranked are left out."""
        answer = await self._ask(PLACES, board, season, player_ids)
        if answer is None:
            return None
        position, total, rows = answer
        found = [
            Ranked(place + 1, decode_standing(board.order, member, float(score), detail))
            for place, member, score, detail in zip(rows[0::4], rows[1::4], rows[2::4], rows[3::4], strict=True)
            if place >= 0
        ]
        return Page(position, total, found)

    async def names(self, player_ids: Sequence[str]) -> dict[str, str] | None:
        """The display names of those who have one."""
        try:
            names = await NAMES.run(self._client, [names_key(self._prefix)], player_ids)
        except DOWN:
            return None
        if names is None:
            return None
        found = zip(player_ids, names, strict=True)
        return {player_id: str(name) for player_id, name in found if name is not None}

    async def applied(self) -> Position | None:
        """The position that Redis as a whole has reached."""
        try:
            return _position(await self._client.hgetall(applied_key(self._prefix)))
        except DOWN:
            return None

    async def _ask(
        self, script: Script, board: Board, season: str, arguments: Sequence[str | int]
    ) -> tuple[Position, int, list[Any]] | None:
        keys = board_keys(self._prefix, board.board_id, season).all
        try:
            applied, answer = await self._after_applied(script, keys, arguments)
        except DOWN:
            return None
        position = _position(applied)
        if answer is None or position is None:
            return None
        version, total, rows = answer
        reflected = _reflected(position, version)
        return None if reflected is None else (reflected, total, rows)

    async def _after_applied(self, script: Script, keys: list[str], arguments: Sequence[str | int]) -> list[Any]:
        """`applied` first, then the script: what the script sees is never older than the position."""
        for attempt in range(2):
            pipeline = self._client.pipeline(transaction=False)
            pipeline.hgetall(applied_key(self._prefix))
            pipeline.evalsha(script.sha, len(keys), *keys, *arguments)
            try:
                return list(await pipeline.execute())
            except NoScriptError:
                if attempt:
                    raise
                await self._client.script_load(script.source)
        raise AssertionError("unreachable")


def _position(applied: dict[Any, Any]) -> Position | None:
    incarnation = applied.pop("incarnation", None)
    if incarnation is None:
        return None
    applied.pop("partitions", None)
    return Position(incarnation, {int(partition): int(offset) for partition, offset in applied.items()})


def _reflected(applied: Position, version: list[str]) -> Position | None:
    """The exact position of a board whose version is `version`, read after `applied`.

    A partition that touched the board beyond `applied` is reflected up to that very record.
    """
    touched = whole_version(dict(zip(version[0::2], version[1::2], strict=True)), applied.incarnation)
    if touched is None:
        return None
    return applied.merge(Position(applied.incarnation, {number: offset + 1 for number, offset in touched.items()}))
