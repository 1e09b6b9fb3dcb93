"""Who watches what, and what each socket has to be told. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from shared.feed import BoardLines

TOP = 100
"""Movers whose old or new rank is at least this good are told to everyone who watches the board."""
MOST_DELIVERED = 2_000
"""Players whose last delivered rank a socket remembers; the one delivered longest ago is forgotten."""


@dataclass(eq=False, slots=True)
class Watcher:
    """One socket: the player it is for, what it was told, and what it has still to be told.

    Conflated: at most one pending rank a player. Chained: `old_rank` of an event is the last rank
    of that player delivered on this socket.
    """

    user_id: str
    board_id: str
    pending: dict[str, int | None] = field(default_factory=dict)
    delivered: dict[str, int | None] = field(default_factory=dict)

    def tell(self, user_id: str, rank: int | None) -> bool:
        """A player's rank is now this; whether there is anything to send."""
        if self.pending.get(user_id, self.delivered.get(user_id)) == rank:
            return False
        self.pending[user_id] = rank
        return True

    def take(self) -> tuple[str, int | None, int | None] | None:
        """The next event to send (player, new rank, old rank), or None; it counts as delivered."""
        while self.pending:
            user_id = next(iter(self.pending))
            rank = self.pending.pop(user_id)
            old = self.delivered.pop(user_id, None)
            self.delivered[user_id] = rank
            if len(self.delivered) > MOST_DELIVERED:
                self.delivered.pop(next(key for key in self.delivered if key != self.user_id))
            if rank != old:
                return user_id, rank, old
        return None


@dataclass(slots=True)
class Hub:
    """The watchers of every board."""

    watchers: dict[str, set[Watcher]] = field(default_factory=dict)

    def add(self, watcher: Watcher) -> None:
        """Watch a board."""
        self.watchers.setdefault(watcher.board_id, set()).add(watcher)

    def remove(self, watcher: Watcher) -> None:
        """Watch no more."""
        watching = self.watchers.get(watcher.board_id)
        if watching is not None:
            watching.discard(watcher)
            if not watching:
                del self.watchers[watcher.board_id]

    def move(self, lines: BoardLines) -> set[Watcher]:
        """Tell of the movers of a batch; the watchers who have something to send."""
        watching = self.watchers.get(lines.board_id, set())
        woken: set[Watcher] = set()
        for row in lines.rows:
            if row.old_rank == row.new_rank:
                continue
            best = min(rank for rank in (row.old_rank, row.new_rank) if rank is not None)
            concerned = watching if best <= TOP else {each for each in watching if each.user_id == row.player_id}
            woken |= {watcher for watcher in concerned if watcher.tell(row.player_id, row.new_rank)}
        return woken

    def displaced(self, lines: BoardLines) -> list[str]:
        """Players watched for whose rank may have changed without an event of their own."""
        moved = moved_range(lines)
        if moved is None:
            return []
        first, last = moved
        movers = {row.player_id for row in lines.rows}
        return sorted(
            {
                watcher.user_id
                for watcher in self.watchers.get(lines.board_id, ())
                if watcher.user_id not in movers and _within(watcher, first, last)
            }
        )

    def watched_movers(self, lines: BoardLines) -> list[str]:
        """Players of a batch's rows whom a socket of the board is for."""
        users = set(self.users(lines.board_id))
        return [row.player_id for row in lines.rows if row.player_id in users]

    def users(self, board_id: str) -> list[str]:
        """Every player whom a socket of the board is for."""
        return sorted({watcher.user_id for watcher in self.watchers.get(board_id, ())})

    def place(self, board_id: str, ranks: dict[str, int], asked: Iterable[str]) -> set[Watcher]:
        """Tell of ranks that were read: `asked` players who have none are not ranked."""
        named = set(asked)
        watching = {each for each in self.watchers.get(board_id, ()) if each.user_id in named}
        return {each for each in watching if each.tell(each.user_id, ranks.get(each.user_id))}


def moved_range(lines: BoardLines) -> tuple[int, int] | None:
    """The ranks, first and last, between which a batch may have moved everyone."""
    moves = [row for row in lines.rows if row.old_rank != row.new_rank]
    if not moves:
        return None
    ends = [rank if rank is not None else lines.total for row in moves for rank in (row.old_rank, row.new_rank)]
    return min(ends), max(ends)


def _within(watcher: Watcher, first: int, last: int) -> bool:
    known = watcher.pending.get(watcher.user_id, watcher.delivered.get(watcher.user_id))
    return known is not None and first <= known <= last
