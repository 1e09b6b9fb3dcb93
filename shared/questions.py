"""What may be asked of a season of a board, and how answers become ranks. Pure.

Redis and Postgres answer alike: with slices, rows that follow each other in the order of the board, and what is before
the first of them. From that the rank of each row is counted, by the board's way with ties.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from shared.boards import Board, Ties
from shared.positions import Position
from shared.ranking import CLOCK_WIDTH, Standing, order_key, sort_value

AFTER_EQUALS = 16**CLOCK_WIDTH
"""Later than every clock: a key with it stands behind all rows of its value."""


@dataclass(frozen=True, slots=True)
class Range:
    """Rows by their place in the order, from 0."""

    first: int
    limit: int


@dataclass(frozen=True, slots=True)
class FromRank:
    """Rows from the first one on whose rank is at least this: with ties, a rank says no place."""

    rank: int
    limit: int


@dataclass(frozen=True, slots=True)
class Around:
    """A player's row with those above and below; nothing for a player who is not ranked."""

    player_id: str
    above: int
    below: int


@dataclass(frozen=True, slots=True)
class AroundScore:
    """Rows above and below where a value would stand, behind its equals."""

    value: int
    above: int
    below: int


class Key(NamedTuple):
    """A point in the order of a board, whether a row is there or not; `sort` as in shared.ranking.sort_value."""

    sort: int
    reached_at: int
    player_id: str


@dataclass(frozen=True, slots=True)
class After:
    """Rows strictly after a point."""

    key: Key
    limit: int


@dataclass(frozen=True, slots=True)
class Before:
    """The last rows strictly before a point."""

    key: Key
    limit: int


@dataclass(frozen=True, slots=True)
class Places:
    """The rows of these players, of those who are ranked."""

    player_ids: Sequence[str]


@dataclass(frozen=True, slots=True)
class WouldRank:
    """The rank that a value would get, if it were reached now."""

    value: int


@dataclass(frozen=True, slots=True)
class AtPercentile:
    """A row with the worst value whose percentile is still at least this, in hundredths of a percent (0 to 10,000)."""

    hundredths: int


Question: TypeAlias = Range | FromRank | Around | AroundScore | After | Before | Places | WouldRank | AtPercentile


class Asked(NamedTuple):
    """Questions about a season of a board."""

    board: Board
    season: str
    questions: Sequence[Question]


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


def place_at(hundredths: int, total: int) -> int:
    """The place of the row that answers AtPercentile; -1 without rows. In integers: 99.9 % of 1,000 is 999."""
    return min(total - 1, total * (10_000 - hundredths) // 10_000)


def rank_among(ties: Ties, rows: Iterable[Ranked]) -> list[tuple[int, Ranked]]:
    """Players ranked among themselves, by the board's way with ties: best first, each with the rank in this group."""
    ordered = sorted(rows, key=lambda row: row.place)
    ranks = [row.rank for row in ordered]
    return [(_rank_of(ties, ranks, number), row) for number, row in enumerate(ordered)]


def answer(board: Board, standings: Iterable[Standing], question: Question) -> Part:  # noqa: C901 - a case each
    """What a board of these rows has to answer: the definition that both stores are tested against."""
    rows = sorted(standings, key=lambda each: order_key(board.order, each))
    sorts = [sort_value(board.order, each.value) for each in rows]
    ranked = [_ranked(board, rows, sorts, place) for place in range(len(rows))]
    places = {each.player_id: place for place, each in enumerate(rows)}
    keys = [order_key(board.order, each) for each in rows]

    def cut(first: int, end: int) -> Part:
        return Part(ranked[max(0, first) : max(0, end)])

    match question:
        case Range(first, count):
            return cut(first, first + count)
        case FromRank(rank, count):
            return Part([each for each in ranked if each.rank >= rank][:count])
        case Around(player_id, above, below):
            place = places.get(player_id)
            return Part([]) if place is None else cut(place - above, place + below + 1)
        case AroundScore(value, above, below):
            place = bisect_right(sorts, sort_value(board.order, value))
            return cut(place - above, place + below)
        case After(key, count):
            place = bisect_right(keys, _bytewise(key))
            return cut(place, place + count)
        case Before(key, count):
            place = bisect_left(keys, _bytewise(key))
            return cut(place - count, place)
        case Places(player_ids):
            return Part([ranked[places[name]] for name in player_ids if name in places])
        case WouldRank(value):
            sort = sort_value(board.order, value)
            mine = bisect_right(sorts, sort)
            return Part([], _rank_of(board.ties, [*sorts[:mine], sort], mine))
        case AtPercentile(hundredths):
            place = place_at(hundredths, len(rows))
            return cut(place, place + 1)


def _ranked(board: Board, rows: Sequence[Standing], sorts: Sequence[int], place: int) -> Ranked:
    """A row by what ranks mean: who is strictly ahead of it, and what the last of those stands at."""
    ahead = place if board.ties == "first_to_reach" else bisect_left(sorts, sorts[place])
    gap = abs(rows[place].value - rows[ahead - 1].value) if ahead else None
    return Ranked(_rank_of(board.ties, sorts, place), rows[place], place, ahead, gap)


def _rank_of(ties: Ties, sorts: Sequence[int], place: int) -> int:
    """The rank at a place of rows whose sort values are these, in order."""
    match ties:
        case "first_to_reach":
            return 1 + place
        case "shared":
            return 1 + bisect_left(sorts, sorts[place])
        case "dense":
            return 1 + len(set(sorts[: bisect_left(sorts, sorts[place])]))


def key_of(board: Board, standing: Standing) -> Key:
    """The point in the order of a board at which a row is."""
    return Key(sort_value(board.order, standing.value), standing.reached_at, standing.player_id)


def behind_equals(board: Board, value: int) -> Key:
    """The point behind all rows of a value, where it would stand if it were reached now."""
    return Key(sort_value(board.order, value), AFTER_EQUALS, "")


def _bytewise(key: Key) -> tuple[int, int, bytes]:
    return key.sort, key.reached_at, key.player_id.encode()
