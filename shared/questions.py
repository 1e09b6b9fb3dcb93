"""What may be asked of a season of a board, and how answers become ranks. Pure.

Redis and Postgres answer alike: with slices, rows that follow each other in the order of the board, and what is before
the first of them. From that the rank of each row is counted, by the board's way with ties.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeAlias

from shared.boards import Board
from shared.positions import Position
from shared.ranking import Standing, order_key, sort_value


class Range(NamedTuple):
    """Rows by their place in the order, from 0."""

    first: int
    limit: int


class Around(NamedTuple):
    """A player's row with those above and below; nothing for a player who is not ranked."""

    player_id: str
    above: int
    below: int


class AroundScore(NamedTuple):
    """Rows above and below where a value would stand, behind its equals."""

    value: int
    above: int
    below: int


class Key(NamedTuple):
    """A point in the order of a board, whether a row is there or not; `sort` as in shared.ranking.sort_value."""

    sort: int
    reached_at: int
    player_id: str


class After(NamedTuple):
    """Rows strictly after a point."""

    key: Key
    limit: int


class Before(NamedTuple):
    """The last rows strictly before a point."""

    key: Key
    limit: int


class Places(NamedTuple):
    """The rows of these players, of those who are ranked."""

    player_ids: Sequence[str]


class WouldRank(NamedTuple):
    """The rank that a value would get, if it were reached now."""

    value: int


class AtPercentile(NamedTuple):
    """The last row whose percentile is at least this (0 to 100)."""

    percent: float


Question: TypeAlias = Range | Around | AroundScore | After | Before | Places | WouldRank | AtPercentile


class Slice(NamedTuple):
    """Rows that follow each other, and what is before the first of them."""

    first: int
    """The place of the first row, from 0."""
    ahead: int
    """Rows whose value is better than the first row's."""
    better: int
    """Distinct values that are better; counted on boards with dense ranks only."""
    before: int | None
    """The sort value of the row that is the next to have a better rank; None where there is none."""
    rows: Sequence[Standing]


class Ranked(NamedTuple):
    """A row with its rank, from 1."""

    rank: int
    standing: Standing
    place: int
    """In the order of the board, from 0: no two rows have the same."""
    ahead: int
    """How many players are ahead: those with the same rank are not."""
    gap: int | None
    """How far the value is from that of the next better rank; None at the top."""


class Part(NamedTuple):
    """The answer to one question: rows, or the rank that was asked for."""

    rows: list[Ranked]
    rank: int | None = None


class Answer(NamedTuple):
    """Answers to several questions, all of the same instant: the fold of the log at `position`."""

    position: Position
    total: int
    parts: list[Part]


def rank(board: Board, found: Slice) -> list[Ranked]:
    """The rows of a slice with their ranks."""
    ranked: list[Ranked] = []
    ahead, better, before, last = found.ahead, found.better, found.before, None
    for place, standing in enumerate(found.rows, found.first):
        sort = sort_value(board.order, standing.value)
        if last is not None and (sort != last or board.ties == "first_to_reach"):
            before = last
        if last is not None and sort != last:
            ahead, better = place, better + 1
        last = sort
        number = {"first_to_reach": place, "shared": ahead, "dense": better}[board.ties] + 1
        gap = abs(sort - before) if before is not None else None
        ranked.append(Ranked(number, standing, place, place if board.ties == "first_to_reach" else ahead, gap))
    return ranked


def percentile(row: Ranked, total: int) -> float:
    """The share, in percent, of ranked players whom this one is at least as good as."""
    return 100 * (total - row.ahead) / total


def place_at(percent: float, total: int) -> int:
    """The place of the last row whose percentile is at least this."""
    return max(0, min(total - 1, int(total - total * percent / 100)))


def answer(board: Board, standings: Iterable[Standing], question: Question) -> Part:
    """What a board of these rows has to answer: the definition that both stores are tested against."""
    rows = sorted(standings, key=lambda each: order_key(board.order, each))
    sorts = [sort_value(board.order, each.value) for each in rows]
    places = {each.player_id: place for place, each in enumerate(rows)}

    def cut(first: int, end: int) -> list[Ranked]:
        return rank(board, Slice(0, 0, 0, None, rows))[max(0, first) : max(0, end)]

    match question:
        case Range(first, limit):
            return Part(cut(first, first + limit))
        case Around(player_id, above, below):
            place = places.get(player_id)
            return Part([] if place is None else cut(place - above, place + below + 1))
        case AroundScore(value, above, below):
            place = sum(each <= sort_value(board.order, value) for each in sorts)
            return Part(cut(place - above, place + below))
        case After(key, limit):
            place = sum(order_key(board.order, each) <= _key(key) for each in rows)
            return Part(cut(place, place + limit))
        case Before(key, limit):
            place = sum(order_key(board.order, each) < _key(key) for each in rows)
            return Part(cut(place - limit, place))
        case Places(player_ids):
            return Part([each for name in player_ids if name in places for each in cut(places[name], places[name] + 1)])
        case WouldRank(value):
            return Part([], would_rank(board, sort_value(board.order, value), sorts))
        case AtPercentile(percent):
            place = place_at(percent, len(rows))
            return Part(cut(place, place + 1))


def would_rank(board: Board, sort: int, sorts: Sequence[int]) -> int:
    """The rank of a new row with this sort value among others."""
    match board.ties:
        case "first_to_reach":
            return 1 + sum(each <= sort for each in sorts)
        case "shared":
            return 1 + sum(each < sort for each in sorts)
        case "dense":
            return 1 + len({each for each in sorts if each < sort})


def key_of(board: Board, standing: Standing) -> Key:
    """The point in the order of a board at which a row is."""
    return Key(sort_value(board.order, standing.value), standing.reached_at, standing.player_id)


def _key(key: Key) -> tuple[int, int, bytes]:
    return key.sort, key.reached_at, key.player_id.encode()
