"""Reading the rank index in Redis. None means that Redis cannot say: ask Postgres (shared.standings)."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

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
from shared.redis import DOWN, Client, Script, as_map, round_trip

ASK = Script("shared", "ask.lua")
NAMES = Script("shared", "names.lua")

Call: TypeAlias = tuple[Script, list[str], Sequence[str | int]]
"""A script with its keys and arguments."""


class Seen(NamedTuple):
    """What is said of a season of a board."""

    answer: Answer
    version: Position
    """The last record of each partition that has touched it: while they are the same, so is every row."""


class Names(NamedTuple):
    """The display names of those who have one."""

    version: str
    """Of all names: while it is the same, nobody's has changed."""
    of: dict[str, str]


class Look(NamedTuple):
    """What one round trip has shown; None: Redis does not hold it whole."""

    boards: list[Seen | None]
    names: Names | None


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
            fields, *replies = await self._after_applied([self._ask(each) for each in asked])
        except DOWN:
            return [None] * len(asked)
        return [seen.answer if seen is not None else None for seen in _all_seen(asked, fields, replies)]

    async def look(self, asked: Sequence[Asked], player_ids: Sequence[str]) -> Look | None:
        """Questions about several boards, as in `ask_each`, and the names of players, in one round trip."""
        naming: Call = NAMES, [names_key(self._prefix)], player_ids
        try:
            fields, *replies, names = await self._after_applied([*(self._ask(each) for each in asked), naming])
        except DOWN:
            return None
        return Look(_all_seen(asked, fields, replies), _names(player_ids, names))

    async def names(self, player_ids: Sequence[str]) -> Names | None:
        """The names of those of these players who have one."""
        try:
            return _names(player_ids, await NAMES.run(self._client, [names_key(self._prefix)], player_ids))
        except DOWN:
            return None

    async def applied(self) -> Position | None:
        """The position that Redis as a whole has reached."""
        try:
            return _position(await self._client.hgetall(applied_key(self._prefix)))
        except DOWN:
            return None

    def _ask(self, asked: Asked) -> Call:
        keys = board_keys(self._prefix, asked.board.board_id, asked.season).all
        return ASK, keys, [asked.board.ties, *_arguments(asked)]

    async def _after_applied(self, calls: Sequence[Call]) -> list[Any]:
        """`applied` first, then the scripts: what they see is never older than the position."""
        scripts = [("EVALSHA", script.sha, len(keys), *keys, *arguments) for script, keys, arguments in calls]
        for attempt in range(2):
            try:
                return await round_trip(self._client, [("HGETALL", applied_key(self._prefix)), *scripts])
            except NoScriptError:
                if attempt:
                    raise
                for script in (ASK, NAMES):
                    await self._client.script_load(script.source)
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


def _all_seen(asked: Sequence[Asked], fields: Any, replies: Sequence[Any]) -> list[Seen | None]:
    applied = _position(fields)
    if applied is None:
        return [None] * len(asked)
    return [_seen(each, applied, reply) for each, reply in zip(asked, replies, strict=True)]


def _seen(asked: Asked, applied: Position, reply: Any) -> Seen | None:
    if reply is None:
        return None
    pairs, total, answers = reply
    touched = whole_version(dict(zip(pairs[0::2], pairs[1::2], strict=True)), applied.incarnation)
    if touched is None:
        return None
    parts = [_part(asked.board, each) for each in answers]
    return Seen(Answer(_reflected(applied, touched), total, parts), Position(applied.incarnation, touched))


def _names(player_ids: Sequence[str], reply: Any) -> Names | None:
    if reply is None:
        return None
    version, *names = reply
    found = zip(player_ids, names, strict=True)
    return Names(version, {player_id: str(name) for player_id, name in found if name is not None})


def _part(board: Board, found: int | list[Any]) -> Part:
    if isinstance(found, int):
        return Part([], found)
    return Part([row for each in found if each for row in rank(board, _slice(board, each))])


def _slice(board: Board, found: list[Any]) -> Slice:
    first, ahead, better, before, *rows = found
    triples = zip(rows[0::3], rows[1::3], rows[2::3], strict=True)
    standings = [decode_standing(board.order, member, float(score), detail) for member, score, detail in triples]
    return Slice(first, ahead, better, int(float(before)) if before else None, standings)


def _position(applied: dict[Any, Any] | list[Any]) -> Position | None:
    """The position of a whole `applied` hash: while a partition is missing, its rows may be, on any board."""
    held = as_map(applied)
    incarnation = held.get("incarnation", "")
    offsets = whole_version(held, incarnation)
    return Position(incarnation, offsets) if offsets is not None else None


def _reflected(applied: Position, touched: Mapping[int, int]) -> Position:
    """The exact position of a board, read after `applied`, whose partitions have last touched it at these offsets.

    A partition that touched the board beyond `applied` is reflected up to that very record.
    """
    return applied.merge(Position(applied.incarnation, {number: offset + 1 for number, offset in touched.items()}))
