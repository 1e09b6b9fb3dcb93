"""Who watches what, what has to be read for them, and what each socket has to be told. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple, TypeAlias

from notifier.rows import Row, WindowRow
from notifier.sessions import Session, Top
from notifier.spans import Spans, span_of
from notifier.streams import State, Stream
from notifier.watchers import Around, Me, Place, Watcher, Window, around_channel, me_channel
from shared.boards import Board
from shared.positions import Position
from shared.questions import Around as Around_
from shared.questions import Places, Question, Range, Ranked
from shared.rank_changes import BoardLines

TOP = 100
"""Movers whose old or new rank is at least this good are told to every socket of `/ws/leaderboard/…` on the board."""
MOST_PLACES = 500
MOST_WINDOWS = 50
"""Read at once of a board; more have to wait for the next read."""

Surroundings: TypeAlias = tuple[str, int]
"""A player and how many rows above and below."""


class Needs(NamedTuple):
    """What has to be read of a board."""

    depth: int
    """First rows; 0: none."""
    places: list[str]
    windows: list[Surroundings]
    asking: list[Top]
    """Channels that are answered by this."""

    def __bool__(self) -> bool:
        return bool(self.depth or self.places or self.windows)

    def questions(self) -> list[Question]:
        """As they are asked."""
        first: list[Question] = [Range(0, self.depth)] if self.depth else []
        places: list[Question] = [Places(self.places)] if self.places else []
        return [*first, *places, *(Around_(player_id, k, k) for player_id, k in self.windows)]


class Sight(NamedTuple):
    """What a read has shown of a season of a board, all of one instant."""

    season: str
    total: int
    position: Position
    version: Position | None
    """None: from Postgres, which is asked again when Redis is back."""
    rows: list[Ranked]
    places: list[Ranked]
    windows: list[list[Ranked]]
    """In the order in which they were needed."""
    names: Mapping[str, str]


@dataclass(eq=False, slots=True)
class Followed:
    """A player whose rank somebody wants to know."""

    place: Place | None = None
    """None: not known."""
    listeners: dict[Me | Watcher, Session] = field(default_factory=dict)

    def tell(self, place: Place) -> Iterator[Session]:
        """The player stands here now; the sockets that have something to send."""
        self.place = place
        for listener, session in self.listeners.items():
            if listener.tell(place) if isinstance(listener, Me) else listener.tell(listener.user_id, place.rank):
                yield session


@dataclass(eq=False, slots=True)
class Surrounded:
    """A player the rows around whom somebody wants to see."""

    window: Window | None = None
    listeners: dict[Around, Session] = field(default_factory=dict)

    def tell(self, window: Window) -> Iterator[Session]:
        """The rows are these now; the sockets that have something to send."""
        self.window = window
        return (session for listener, session in self.listeners.items() if listener.tell(window))

    def span(self, k: int) -> tuple[int, int] | None:
        """The ranks that it shows, and where a row that is not there yet would be; None: nobody is ranked."""
        if self.window is None or not self.window.rows:
            return None
        full = len(self.window.rows) == 2 * k + 1
        return self.window.rows[0].rank, self.window.rows[-1].rank if full else self.window.total + 1


@dataclass(eq=False, slots=True)
class Watched:
    """A board that somebody watches."""

    board: Board
    season: str
    streams: dict[int, Stream] = field(default_factory=dict)
    tops: dict[int, dict[Top, Session]] = field(default_factory=dict)
    players: dict[str, Followed] = field(default_factory=dict)
    windows: dict[Surroundings, Surrounded] = field(default_factory=dict)
    watchers: dict[Watcher, Session] = field(default_factory=dict)
    movers: dict[str, int | None] = field(default_factory=dict)
    """Of the top, since the last tick."""
    dirty: bool = False
    """The first rows may be others."""
    doubtful: dict[str, None] = field(default_factory=dict)
    """Players whose rank may be another."""
    stale: dict[Surroundings, None] = field(default_factory=dict)
    """Windows that may be others."""
    version: Position | None = None
    """As of the last read."""
    position: Position | None = None
    """Of the log, what the last read contained."""
    total: int = -1
    clock: int = 0
    _touched: Spans = field(default_factory=Spans)
    asking: dict[Top, None] = field(default_factory=dict)
    """Channels that wait for a read that has not begun, before they are answered."""
    _newest: dict[int, int] = field(default_factory=dict)
    """Partition → newest version that the feed has brought."""
    _looked: dict[int, int] | None = None
    """The version at the last look; the feed has to have brought it by the next one."""
    _told: set[str] = field(default_factory=set)
    """Players of whom the feed has told since the last read was begun."""

    @property
    def depth(self) -> int:
        """How many first rows somebody watches."""
        return max(self.streams, default=0)

    def is_idle(self) -> bool:
        """Whether nobody watches it."""
        return not (self.streams or self.players or self.windows)

    def turn(self, season: str) -> None:
        """A new season has begun, with nobody ranked."""
        self.season, self.version, self.total = season, None, -1
        self.movers.clear()
        self.doubt_everything()

    def doubt_everything(self) -> None:
        """Something may have been missed."""
        self._newest.clear()
        self._looked = None
        self.dirty = True
        self.doubtful |= dict.fromkeys(self.players)  # those who wait already stay in front
        self.stale |= dict.fromkeys(self.windows)

    def move(self, lines: BoardLines, clock: int) -> Iterator[Session]:
        """A batch has moved players; the sockets that have something to send of them."""
        self.clock = max(self.clock, clock)
        overtaken = self._overtaken(lines.version)
        for row in lines.rows:
            span = span_of(row, lines.total, self.board.ties)
            if span is not None:
                self._touched.add(*span)
                self.dirty = self.dirty or span[0] <= self.depth
            followed = self.players.get(row.player_id)
            if followed is not None and overtaken:
                self.doubtful[row.player_id] = None
            elif followed is not None:
                self._told.add(row.player_id)
                yield from followed.tell(Place(self.season, self.clock, row.new_rank, row.value, lines.total))
            if self.watchers and not overtaken and _in_top(row.old_rank, row.new_rank):
                self.movers[row.player_id] = row.new_rank
        self.dirty = self.dirty or overtaken or lines.total != self.total

    def look(self, version: Position | None) -> None:
        """The board's version as a look once in a while shows it; None: nobody can say.

        What it was at the last look, the feed has to have brought by now: else a record was missed. Before the first
        look nobody knows, so everything is read once more.
        """
        if version is None or version != self.version:
            self.dirty = True
        if version is None:
            self.stale |= dict.fromkeys(self.windows)  # they have names, too
            return
        if self._looked is None or any(self._newest.get(at, -1) < n for at, n in self._looked.items()):
            self.doubt_everything()
            self._newest = {**version.offsets}  # what is read after this contains it
        self._looked = {**version.offsets}

    def has_news(self) -> bool:
        """Whether there is something to read or to tell."""
        return bool((self.dirty and self.streams) or self.doubtful or self.stale or self._touched or self.movers)

    def needs(self) -> Needs:
        """What has to be read now; it counts as asked for."""
        self._doubt_touched()
        depth = self.depth if self.dirty else 0
        places, windows = list(islice(self.doubtful, MOST_PLACES)), list(islice(self.stale, MOST_WINDOWS))
        needs = Needs(depth, places, windows, list(self.asking) if depth else [])
        self.dirty = False
        if depth:
            self.asking.clear()
        self._told.clear()
        for player_id in needs.places:
            del self.doubtful[player_id]
        for window in needs.windows:
            del self.stale[window]
        return needs

    def need_again(self, needs: Needs) -> None:
        """It could not be read."""
        self.dirty = self.dirty or needs.depth > 0
        self.doubtful |= dict.fromkeys(each for each in needs.places if each in self.players)
        self.stale |= dict.fromkeys(each for each in needs.windows if each in self.windows)
        self.asking |= dict.fromkeys(each for each in needs.asking if each.asked is not None)

    def see(self, needs: Needs, sight: Sight) -> Iterator[Session]:
        """Take in what was read; the sockets that have something to send of it, besides those of streams."""
        if sight.season != self.season or self._is_older(sight.position):
            self.need_again(needs)
            return
        self.version, self.position, self.total = sight.version, sight.position, sight.total
        for row in (*sight.rows, *sight.places, *(row for rows in sight.windows for row in rows)):
            self.clock = max(self.clock, row.standing.updated_at)
        if needs.depth:
            rows = tuple(_row(each, sight.names) for each in sight.rows)
            state = State(self.season, sight.total, rows, str(sight.position), self.clock)
            for size, stream in self.streams.items():
                if size <= needs.depth:
                    stream.advance(state)
                else:
                    self.dirty = True  # somebody came while it was being read
            for top in needs.asking:
                top.due = True
        yield from self._see_places(needs, sight)
        for at, found in zip(needs.windows, sight.windows, strict=True):
            if (surrounded := self.windows.get(at)) is not None:
                yield from surrounded.tell(self._window(at[0], sight, found))

    def _see_places(self, needs: Needs, sight: Sight) -> Iterator[Session]:
        ranks = {row.standing.player_id: row for row in sight.places}
        for player_id in needs.places:
            followed = self.players.get(player_id)
            if followed is None or player_id in self._told:
                continue  # the feed has told of a batch that this read may not have seen
            row = ranks.get(player_id)
            rank, value = (row.rank, row.standing.value) if row is not None else (None, None)
            yield from followed.tell(Place(self.season, self.clock, rank, value, sight.total))

    def _window(self, player_id: str, sight: Sight, found: list[Ranked]) -> Window:
        rows = tuple(WindowRow(*_row(each, sight.names), each.rank) for each in found)
        rank = next((row.rank for row in rows if row.player_id == player_id), None)
        return Window(self.season, self.clock, rank, sight.total, rows)

    def _is_older(self, position: Position) -> bool:
        """Whether a read went back: a Redis that is behind, until it is repaired, or tables that are folded anew."""
        last = self.position
        return last is not None and last.incarnation == position.incarnation and not position.covers(last)

    def _overtaken(self, version: Mapping[int, int]) -> bool:
        """Whether a record of a later version of the board came before: several projectors write the feed."""
        older = any(version.get(partition, -1) < offset for partition, offset in self._newest.items())
        if not older:
            self._newest.update(version)
        return older

    def _doubt_touched(self) -> None:
        """Those whose rank lies where something has moved."""
        if not self._touched:
            return
        for player_id, followed in self.players.items():
            if followed.place is not None and followed.place.rank is not None:
                rank = followed.place.rank
                if self._touched.meet(rank, rank):
                    self.doubtful[player_id] = None
        for at, surrounded in self.windows.items():
            span = surrounded.span(at[1])
            if span is None or self._touched.meet(*span):
                self.stale[at] = None
        self._touched.clear()


@dataclass(slots=True)
class Hub:
    """The boards that somebody watches, and the sockets that have something to send."""

    boards: dict[str, Watched] = field(default_factory=dict)
    waiting: dict[Session, None] = field(default_factory=dict)
    """Those with news of a player or of the rows around one."""

    def watch(self, board: Board, season: str) -> Watched:
        """A board, as somebody is about to watch it."""
        return self.boards.setdefault(board.board_id, Watched(board, season))

    def add_top(self, session: Session, watched: Watched, size: int, number: int, off: str | None) -> Top:
        """A socket asks to watch the first rows of a board, from a label on."""
        stream = watched.streams.setdefault(size, Stream(watched.board, size))
        held = session.channels.get(stream.channel)
        top = held if isinstance(held, Top) else Top(stream)
        session.channels[top.channel] = top
        watched.tops.setdefault(size, {})[top] = session
        if not top.ask(number, off):
            watched.asking[top] = None
            watched.dirty = True
        return top

    def add_me(self, session: Session, watched: Watched, player_id: str) -> None:
        """A socket watches a player's rank, from anew if it does already."""
        held = session.channels.get(me_channel(watched.board.board_id, player_id))
        me = held if isinstance(held, Me) else Me(watched.board.board_id, player_id)
        me.sent = me.news = None
        session.channels[me.channel] = me
        self._follow(session, watched, player_id, me)

    def add_around(self, session: Session, watched: Watched, player_id: str, k: int) -> None:
        """A socket watches the rows around a player, from anew if it does already."""
        held = session.channels.get(around_channel(watched.board.board_id, player_id, k))
        around = held if isinstance(held, Around) else Around(watched.board.board_id, player_id, k)
        around.sent = around.news = None
        session.channels[around.channel] = around
        surrounded = watched.windows.setdefault((player_id, k), Surrounded())
        surrounded.listeners[around] = session
        if surrounded.window is None:
            watched.stale[player_id, k] = None
        elif around.tell(surrounded.window):
            self.waiting[session] = None

    def add_watcher(self, session: Session, watched: Watched) -> None:
        """A socket of `/ws/leaderboard/{user_id}`."""
        watcher = session.watcher
        assert watcher is not None
        watched.watchers[watcher] = session
        self._follow(session, watched, watcher.user_id, watcher)

    def drop(self, session: Session, channel: str) -> bool:
        """A socket watches a channel no more; whether it did."""
        held = session.channels.pop(channel, None)
        if held is None:
            return False
        watched = self.boards.get(held.stream.board.board_id if isinstance(held, Top) else held.board_id)
        if watched is not None:
            self._drop(watched, held)
        return True

    def leave(self, session: Session) -> None:
        """A socket has ended."""
        for channel in list(session.channels):
            self.drop(session, channel)
        watcher = session.watcher
        if watcher is not None and (watched := self.boards.get(watcher.board_id)) is not None:
            watched.watchers.pop(watcher, None)
            self._drop(watched, watcher)
        self.waiting.pop(session, None)

    def move(self, lines: BoardLines, clock: int) -> None:
        """A batch has moved players."""
        watched = self.boards.get(lines.board_id)
        if watched is not None and watched.season == lines.season:  # a past season may be corrected, too
            self.waiting |= dict.fromkeys(watched.move(lines, clock))

    def see(self, watched: Watched, needs: Needs, sight: Sight) -> None:
        """Take in what was read of a board."""
        self.waiting |= dict.fromkeys(watched.see(needs, sight))

    def doubt_everything(self) -> None:
        """Something may have been missed, of any board."""
        for watched in self.boards.values():
            watched.doubt_everything()

    def _follow(self, session: Session, watched: Watched, player_id: str, listener: Me | Watcher) -> None:
        followed = watched.players.setdefault(player_id, Followed())
        followed.listeners[listener] = session
        if followed.place is None:
            watched.doubtful[player_id] = None
        elif (
            listener.tell(followed.place) if isinstance(listener, Me) else listener.tell(player_id, followed.place.rank)
        ):
            self.waiting[session] = None

    def _drop(self, watched: Watched, held: Top | Me | Around | Watcher) -> None:
        match held:
            case Top():
                size, held.asked, held.at = held.stream.size, None, held.stream.sequence
                watched.asking.pop(held, None)
                if _without(watched.tops, size, held):
                    del watched.streams[size]
            case Around():
                at = held.player_id, held.k
                surrounded = watched.windows[at]
                del surrounded.listeners[held]
                if not surrounded.listeners:
                    del watched.windows[at]
                    watched.stale.pop(at, None)
            case Me() | Watcher():
                player_id = held.player_id if isinstance(held, Me) else held.user_id
                followed = watched.players[player_id]
                del followed.listeners[held]
                if not followed.listeners:
                    del watched.players[player_id]
                    watched.doubtful.pop(player_id, None)
        if watched.is_idle():
            self.boards.pop(watched.board.board_id, None)


def _without(tops: dict[int, dict[Top, Session]], size: int, top: Top) -> bool:
    """Remove a channel; whether it was the last one."""
    del tops[size][top]
    if not tops[size]:
        del tops[size]
    return size not in tops


def _row(ranked: Ranked, names: Mapping[str, str]) -> Row:
    standing = ranked.standing
    return Row(standing.player_id, standing.value, standing.reached_at, names.get(standing.player_id))


def _in_top(old: int | None, new: int | None) -> bool:
    """Whether a move is one that everybody is told of."""
    return old != new and any(rank is not None and rank <= TOP for rank in (old, new))


def players_of(rows: Iterable[Ranked]) -> set[str]:
    """Whose names are needed."""
    return {row.standing.player_id for row in rows}
