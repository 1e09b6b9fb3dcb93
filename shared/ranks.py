"""Reading the rank index in Redis. None means that Redis cannot say: ask Postgres (shared.standings)."""

from collections.abc import Sequence
from typing import Any

from redis.exceptions import NoScriptError

from shared.boards import Board
from shared.positions import Position
from shared.questions import (
    After,
    Answer,
    Around,
    AroundScore,
    Asked,
    AtPercentile,
    Before,
    FromRank,
    Part,
    Places,
    Question,
    Range,
    Slice,
    WouldRank,
    rank,
)
from shared.ranking import (
    applied_key,
    board_keys,
    decode_standing,
    encode_clock,
    names_key,
    sort_value,
    whole_version,
)
from shared.redis import DOWN, Client, Script

ASK = Script("shared", "ask.lua")
NAMES = Script("shared", "names.lua")


class Ranks:
    """The rank index of every board. Reads never block longer than the client's timeout."""

    def __init__(self, client: Client, prefix: str) -> None:
        self._client = client
        self._prefix = prefix

    async def ask(self, board: Board, season: str, questions: Sequence[Question]) -> Answer | None:
        """Answer questions about a season of a board, all of the same instant."""
        [answer] = await self.ask_each([Asked(board, season, questions)])
        return answer

    async def ask_each(self, asked: Sequence[Asked]) -> list[Answer | None]:
        """Answer questions about several boards in one round trip; those about each are of an instant of its own."""
        try:
            fields, *replies = await self._after_applied(asked)
        except DOWN:
            return [None] * len(asked)
        applied = _position(fields)
        if applied is None:
            return [None] * len(asked)
        return [_answer(each, applied, reply) for each, reply in zip(asked, replies, strict=True)]

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

    async def _after_applied(self, asked: Sequence[Asked]) -> list[Any]:
        """`applied` first, then the script: what the script sees is never older than the position."""
        for attempt in range(2):
            pipeline = self._client.pipeline(transaction=False)
            pipeline.hgetall(applied_key(self._prefix))
            for each in asked:
                keys = board_keys(self._prefix, each.board.board_id, each.season).all
                pipeline.evalsha(ASK.sha, len(keys), *keys, each.board.ties, *_arguments(each))
            try:
                return list(await pipeline.execute())
            except NoScriptError:
                if attempt:
                    raise
                await self._client.script_load(ASK.source)
        raise AssertionError("unreachable")


def _arguments(asked: Asked) -> list[str | int]:
    """The questions as the script takes them."""
    arguments: list[str | int] = []
    for question in asked.questions:
        name, *values = _operation(asked.board, question)
        arguments += [name, len(values), *values]
    return arguments


def _operation(board: Board, question: Question) -> tuple[str | int, ...]:
    """The name that a question has in the script, and its arguments."""
    match question:
        case Range(first, count):
            return "range", first, count
        case FromRank(number, count):
            return "from_rank", number, count
        case Around(player_id, above, below):
            return "around", player_id, above, below
        case AroundScore(value, above, below):
            return "around_score", sort_value(board.order, value), above, below
        case After(key, count):
            return "after", key.sort, encode_clock(key.reached_at) + key.player_id, count
        case Before(key, count):
            return "before", key.sort, encode_clock(key.reached_at) + key.player_id, count
        case Places(player_ids):
            return "places", *player_ids
        case WouldRank(value):
            return "would_rank", sort_value(board.order, value)
        case AtPercentile(hundredths):
            return "percentile", hundredths


def _answer(asked: Asked, applied: Position, reply: Any) -> Answer | None:
    if reply is None:
        return None
    version, total, answers = reply
    position = _reflected(applied, version)
    return Answer(position, total, [_part(asked.board, each) for each in answers]) if position is not None else None


def _part(board: Board, found: int | list[Any]) -> Part:
    if isinstance(found, int):
        return Part([], found)
    return Part([row for each in found if each for row in rank(board, _slice(board, each))])


def _slice(board: Board, found: list[Any]) -> Slice:
    first, ahead, better, before, *rows = found
    triples = zip(rows[0::3], rows[1::3], rows[2::3], strict=True)
    standings = [decode_standing(board.order, member, float(score), detail) for member, score, detail in triples]
    return Slice(first, ahead, better, int(float(before)) if before else None, standings)


def _position(applied: dict[Any, Any]) -> Position | None:
    """The position of a whole `applied` hash: while a partition is missing, its rows may be, on any board."""
    incarnation = applied.get("incarnation", "")
    offsets = whole_version(applied, incarnation)
    return Position(incarnation, offsets) if offsets is not None else None


def _reflected(applied: Position, version: list[str]) -> Position | None:
    """The exact position of a board whose version is `version`, read after `applied`.

    A partition that touched the board beyond `applied` is reflected up to that very record.
    """
    touched = whole_version(dict(zip(version[0::2], version[1::2], strict=True)), applied.incarnation)
    if touched is None:
        return None
    return applied.merge(Position(applied.incarnation, {number: offset + 1 for number, offset in touched.items()}))
