"""From the hub to the sockets: the same bytes to everyone, a millisecond at a time, and nothing queued."""

import asyncio
import time
from collections.abc import Iterable

import structlog

from notifier.frames import text_frame
from notifier.hub import Hub
from notifier.messages import CLOSE_SLOW
from notifier.sessions import Session, Top
from notifier.streams import NOTHING, Stream
from notifier.watchers import Watcher
from shared.clock import now as clock
from shared.histogram import Histogram

SLICE = 0.001
"""Seconds of writing after which the loop gets a turn, so that nothing else waits for a sweep."""
SLICE_LOOK = 16
"""Writes between looks at the clock."""
FASTEST, SLOWEST = 0.1, 1.0
"""Seconds between ticks."""
BUDGET = 0.5
"""The part of a core that may go into streams."""
FIRST_COST = 15e-6
"""Seconds a write, until it has been measured."""
LEARN = 0.2
PERSONAL_EVERY = 0.2
"""Seconds between messages about a player on a socket of lb.v1 ..."""
PERSONAL_BURST = 5
"""... but so many at once where it is the player's own score that has changed, and not only that of others."""
SLOW_AFTER = 10.0
"""Seconds for which a socket may not take what it is sent."""
LOOK_EVERY = 0.05
"""Seconds between looks at those who have to wait."""
AGES = (5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 10_000)
"""Milliseconds: how old news is when it is written, up to which it is counted together."""

log = structlog.get_logger()


class Fanout:
    """Writes to sockets what the hub has for them.

    A socket that has not taken what it was sent is skipped: its channels go on from what it has when it takes more.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._ready: dict[Session, None] = {}
        self._again: asyncio.Handle | None = None
        self._late: dict[Session, None] = {}
        self._early: dict[Session, None] = {}
        self.cost = FIRST_COST
        """Seconds that a write of a stream takes, as measured."""
        self.board_ages, self.personal_ages = Histogram(AGES), Histogram(AGES)
        """Writes by how old their news was, milliseconds from the log's clock, which is the broker's, to the write."""

    @property
    def tick(self) -> float:
        """Seconds between ticks: as many as the budget allows."""
        viewers = sum(len(tops) for each in self._hub.boards.values() for tops in each.tops.values())
        return min(SLOWEST, max(FASTEST, viewers * self.cost / BUDGET))

    def flush(self) -> None:
        """Write what there is about players, for a while; the rest in the next turn of the loop."""
        if self._hub.waiting:
            self._ready |= self._hub.waiting
            self._hub.waiting.clear()
        if self._again is None:
            self._flush()

    def serve(self, session: Session) -> None:
        """Write everything that there is for one socket."""
        if self.is_free(session) and (data := session.take()) is not None:
            session.outlet.write(data)

    async def sweep(self) -> None:
        """Write what is new of every stream, and the movers of the top."""
        for watched in list(self._hub.boards.values()):
            for stream, tops in [(watched.streams[size], tops) for size, tops in watched.tops.items()]:
                await self._sweep(stream, list(tops.items()))
            if watched.movers:
                movers, watched.movers = watched.movers, {}
                await self._tell(movers, list(watched.watchers.items()))

    async def run(self) -> None:
        """Look after those who have to wait, for ever."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            self._catch_up()

    def _flush(self) -> None:
        self._again = None
        began = time.perf_counter()
        while self._ready:
            session = next(iter(self._ready))
            del self._ready[session]
            self._deliver(session)
            if self._ready and time.perf_counter() - began > SLICE:
                self._again = asyncio.get_running_loop().call_soon(self._flush)
                return

    def _deliver(self, session: Session) -> None:
        now = time.monotonic()
        burst = PERSONAL_BURST if session.own_news() else 1
        if session.watcher is None and now < session.personal - (burst - 1) * PERSONAL_EVERY:
            self._early[session] = None
        elif self.is_free(session):
            shown = session.news_clock()
            if (data := session.take_personal()) is not None:
                session.personal = max(session.personal, now) + PERSONAL_EVERY
                session.outlet.write(data)
                if shown is not None:
                    self.personal_ages.add(clock() - shown)

    def is_free(self, session: Session) -> bool:
        """Whether a socket takes something now; else it is looked at again."""
        if session.closed:
            return False
        if session.lagging or session.outlet.buffered():
            session.lagging = session.lagging or time.monotonic()
            self._late[session] = None
            return False
        return True

    async def _sweep(self, stream: Stream, tops: Iterable[tuple[Top, Session]]) -> None:
        began = spent = time.perf_counter()
        busy, written, news = 0.0, 0, 0
        for top, session in tops:
            if not top.ready() or not self.is_free(session):
                continue
            if top.asked is None:
                news += top.at != NOTHING
                data, top.at = stream.frame_since(top.at), stream.sequence
            else:
                data = text_frame(b"\n".join(top.take()))
            session.outlet.write(data)
            written += 1
            if written % SLICE_LOOK == 0 and (spent := time.perf_counter()) - began > SLICE:
                busy += spent - began
                await asyncio.sleep(0)
                began = time.perf_counter()
        busy += time.perf_counter() - began
        if news:
            self.board_ages.add(clock() - stream.state.clock, news)
        if written >= SLICE_LOOK:
            self.cost += LEARN * (busy / written - self.cost)

    async def _tell(self, movers: dict[str, int | None], watchers: list[tuple[Watcher, Session]]) -> None:
        """Tell those of `/ws/leaderboard/…` of the movers; of their own player they hear at once."""
        began = time.perf_counter()
        for watcher, session in watchers:
            for player_id, rank in movers.items():
                if player_id != watcher.user_id:
                    watcher.tell(player_id, rank)
            if watcher.pending and self.is_free(session) and (data := session.take()) is not None:
                session.outlet.write(data)
            if time.perf_counter() - began > SLICE:
                await asyncio.sleep(0)
                began = time.perf_counter()

    def _catch_up(self) -> None:
        """Those who take again get everything at once; those who have not for too long are given up."""
        now = time.monotonic()
        for session in list(self._late):
            if session.closed:
                del self._late[session]
            elif not session.outlet.buffered():
                del self._late[session]
                session.lagging = 0.0
                self.serve(session)
            elif now - session.lagging > SLOW_AFTER:
                del self._late[session]
                session.close(CLOSE_SLOW, "events are not taken")
                log.info("socket_closed", code=CLOSE_SLOW, socket=session.number)
        early, self._early = self._early, {}
        for session in early:
            self._deliver(session)
