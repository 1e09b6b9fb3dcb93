"""`leaderboard replay`: boards as they were at any position of the log, by the one fold, beside the live system."""

from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from analysis.log import Log
from leaderboard.counting import Count
from shared.boards import Board
from shared.catalogue import Catalogue
from shared.fold.folding import Folding
from shared.fold.results import Results, digest_of, ordered
from shared.positions import InvalidPosition, Position, parse_position
from shared.questions import Ranked, Slice, rank
from shared.ranking import Standing
from shared.seasons import season_at

EVERY_SEASON = "all-seasons"
"""What is asked for instead of one season."""


class NotReplayed(Exception):
    """What was asked for cannot be told from this log; the message says why."""


class Asked(NamedTuple):
    """What of the boards is to be shown."""

    boards: tuple[str, ...] = ()
    """None named: all."""
    season: str | None = None
    """None: the one that the clock falls in."""
    top: int = 10
    players: tuple[str, ...] = ()


class Replayed(NamedTuple):
    """Boards at a position."""

    position: Position
    clock: int
    """Of the partition that is the furthest, or the instant asked for."""
    catalogue: Catalogue
    results: Results

    def seasons(self, wishes: Asked) -> list[tuple[Board, str]]:
        """Which seasons of which boards are meant, in order."""
        boards = [board for board in self.catalogue.boards() if not wishes.boards or board.board_id in wishes.boards]
        held = sorted(self.results.rows)
        return [
            (board, season)
            for board in boards
            for season in _meant(board, [name for board_id, name in held if board_id == board.board_id], self, wishes)
        ]


class Row(NamedTuple):
    """A row of a board, as it is printed."""

    board: str
    season: str
    rank: int
    player_id: str
    value: int
    reached_at: str
    games_played: int
    updated_at: str
    players: int
    """How many are on the board."""


class Digest(NamedTuple):
    """A season of a board in one line; `state`: present, or closed: as it was when it had ended everywhere."""

    board: str
    season: str
    state: str
    players: int
    digest: str


def parse_as_of(text: str) -> Position | int:
    """A position as the API gives it, or an instant with its offset from UTC, in milliseconds. Raises NotReplayed."""
    try:
        return parse_position(text)
    except InvalidPosition:
        pass
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise NotReplayed(f"{text!r}: a position, or an instant such as 2026-11-01T00:00Z, is expected")
    return round(at.timestamp() * 1000)


async def position_at(log: Log, as_of: Position | int | None) -> Position:
    """The position that is meant; None: the end of the log. Raises NotReplayed for one that the log does not have."""
    if as_of is None:
        return log.end
    if isinstance(as_of, int):
        return await log.until(as_of)
    if not log.end.covers(as_of):
        raise NotReplayed(f"{as_of} is not in this log, which goes to {log.end}")
    return as_of


async def replay(log: Log, position: Position, boards: Collection[str], count: Count) -> Replayed:
    """Fold the log up to a position, a partition at a time, and keep the rows of these boards; of all if none is named.

    Raises Unfoldable, LogUnavailable, LogDamaged.
    """
    results, clock, done, total = Results(boards or None), 0, 0, sum(position.offsets.values())
    for partition, end in sorted(position.offsets.items()):
        folding = Folding(log.catalogue)
        async for records in log.read(partition, end):
            for each in records:
                results.take(folding.take(each))
            done += len(records)
            count(done, total)
        clock = max([clock, *(each.clock for each in folding.partitions.values())])
    return Replayed(position, clock, log.catalogue, results)


def rows(replayed: Replayed, wishes: Asked) -> Iterator[Row]:
    """The top of each board, and the players asked for that are not in it."""
    for board, season in replayed.seasons(wishes):
        ranked = ranks(board, replayed.results.standings(board.board_id, season))
        asked = [each for each in ranked[wishes.top :] if each.standing.player_id in wishes.players]
        for each in [*ranked[: wishes.top], *asked]:
            yield _row(board, season, each, len(ranked))


def digests(replayed: Replayed, wishes: Asked, partitions: int) -> Iterator[Digest]:
    """The digest of each season, and of those that have ended in all partitions that as it was closed."""
    for board, season in replayed.seasons(wishes):
        at = board.board_id, season
        yield _digest(board, season, "present", replayed.results.standings(*at))
        if len(replayed.results.ended.get(at, ())) == partitions:
            yield _digest(board, season, "closed", replayed.results.closed(*at))


def ranks(board: Board, standings: Iterable[Standing]) -> list[Ranked]:
    """All rows of a board, best first, with their ranks."""
    return rank(board, Slice(0, 0, 0, None, ordered(board, standings)))


def instant(clock: int) -> str:
    """A clock as people read it, UTC."""
    return datetime.fromtimestamp(clock / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def check_boards(catalogue: Catalogue, boards: Iterable[str]) -> None:
    """Raises NotReplayed for a board that there is not."""
    for board_id in boards:
        if catalogue.board(board_id) is None:
            there = ", ".join(board.board_id for board in catalogue.boards())
            raise NotReplayed(f"--board {board_id}: one of {there or 'none is defined yet'} is expected")


def _meant(board: Board, held: list[str], replayed: Replayed, wishes: Asked) -> Iterable[str]:
    if wishes.season == EVERY_SEASON:
        return held
    wanted = wishes.season or season_at(board, replayed.clock).name
    return [wanted] if wanted in held else []


def _row(board: Board, season: str, each: Ranked, players: int) -> Row:
    at = each.standing
    times = instant(at.reached_at), at.games_played, instant(at.updated_at)
    return Row(board.board_id, season, each.rank, at.player_id, at.value, *times, players)


def _digest(board: Board, season: str, state: str, standings: Iterable[Standing]) -> Digest:
    held = list(standings)
    return Digest(board.board_id, season, state, len(held), digest_of(board, held))
