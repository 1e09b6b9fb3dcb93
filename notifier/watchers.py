"""What one socket has to be told of players: their ranks and the rows around them. Pure."""

from dataclasses import dataclass, field
from typing import NamedTuple

from notifier import messages
from notifier.rows import WindowRow

MOST_DELIVERED = 2_000
"""Players whose last delivered rank a socket remembers; the one delivered longest ago is forgotten."""


@dataclass(eq=False, slots=True)
class Watcher:
    """A socket of `/ws/leaderboard/{user_id}`: the player it is for, what it was told, and what it has to be told.

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


class Place(NamedTuple):
    """Where a player stands in a season; no rank and no score: not ranked."""

    season: str
    clock: int
    """The log's clock that this reflects, milliseconds."""
    rank: int | None
    score: int | None
    total: int


class Window(NamedTuple):
    """The rows around a player; none: not ranked."""

    season: str
    clock: int
    rank: int | None
    total: int
    rows: tuple[WindowRow, ...]


@dataclass(eq=False, slots=True)
class Me:
    """A channel with a player's rank: the last one counts, and `old` is what was sent before."""

    board_id: str
    player_id: str
    sent: Place | None = None
    news: Place | None = None

    @property
    def channel(self) -> str:
        """Its name on the wire."""
        return me_channel(self.board_id, self.player_id)

    def tell(self, place: Place) -> bool:
        """The player stands here now; whether there is anything to send."""
        last = self.news or self.sent
        if last is not None and (last.season, last.rank, last.score) == (place.season, place.rank, place.score):
            return False
        self.news = place
        return True

    def is_own(self) -> bool:
        """Whether the player's own score is what has changed: others' moves change the rank alone."""
        return self.news is not None and (self.sent is None or self.sent.score != self.news.score)

    def take(self) -> bytes | None:
        """What to send; it counts as sent."""
        place, before, self.news = self.news, self.sent, None
        if place is None:
            return None
        self.sent = place
        old = before.rank if before is not None else None
        return messages.me(self.channel, place.season, place.clock, place.rank, old, place.score, place.total)


@dataclass(eq=False, slots=True)
class Around:
    """A channel with the rows around a player: the last window counts."""

    board_id: str
    player_id: str
    k: int
    sent: Window | None = None
    news: Window | None = None

    @property
    def channel(self) -> str:
        """Its name on the wire."""
        return around_channel(self.board_id, self.player_id, self.k)

    def tell(self, window: Window) -> bool:
        """The window is this now; whether there is anything to send."""
        last = self.news or self.sent
        if last is not None and (last.season, last.rank, last.rows) == (window.season, window.rank, window.rows):
            return False
        self.news = window
        return True

    def take(self) -> bytes | None:
        """What to send; it counts as sent."""
        window, self.news = self.news, None
        if window is None:
            return None
        self.sent = window
        return messages.around(self.channel, window.season, window.clock, window.rank, window.total, window.rows)


def me_channel(board_id: str, player_id: str) -> str:
    """What the channel with a player's rank is called."""
    return f"me:{board_id}:{player_id}"


def around_channel(board_id: str, player_id: str, k: int) -> str:
    """What the channel with the rows around a player is called."""
    return f"around:{k}:{board_id}:{player_id}"
