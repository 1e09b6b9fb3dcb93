"""From the feed to the hub: movers at once; what the feed puts in doubt is read, all boards together, once a tick."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from typing import NamedTuple

import structlog

from notifier.fanout import Fanout
from notifier.hub import Hub, Needs, Sight, Watched, players_of
from notifier.names import NameBook
from shared.boards import Board
from shared.catalogue_log import LiveCatalogue
from shared.clock import now
from shared.questions import Answer, Asked
from shared.rank_changes import RankChanges
from shared.ranks import Ranks
from shared.seasons import season_at
from shared.standings import Standings, StandingsUnavailable

RETRY_AFTER = 0.5
SUBSCRIBED = 0.1
"""The part of a tick that follows what only somebody new has asked for: the next move shall not wait for the rest."""
LOOK_EVERY = 1.0
"""Seconds between looks whether a season has ended, or a board is another than the feed has told."""
MOST_BOARDS = 32
"""Read in one round trip."""

log = structlog.get_logger()


class Wanted(NamedTuple):
    """A board and what has to be read of it."""

    watched: Watched
    needs: Needs


class Found(NamedTuple):
    """A board and what was read of it."""

    wanted: Wanted
    sight: Sight


class Following:
    """Keeps the hub up to date. There is no queue: what the feed brings during a read waits, merged, for the next."""

    def __init__(self, hub: Hub, catalogue: LiveCatalogue, ranks: Ranks, standings: Standings, fanout: Fanout) -> None:
        self._hub = hub
        self._catalogue = catalogue
        self._ranks = ranks
        self._standings = standings
        self._fanout = fanout
        self._names = NameBook(ranks, standings)
        self._news = asyncio.Event()
        self._looked = 0.0
        self._has_moved = False

    def receive(self, changes: RankChanges) -> None:
        """Take in one record of the feed."""
        for lines in changes.boards:
            self._hub.move(lines, changes.clock)
        if changes.resync or changes.ranks == "unknown":
            self._hub.doubt_everything()
        self._has_moved = True
        self._fanout.flush()
        self.wake()

    def wake(self) -> None:
        """There may be something to read, or to send."""
        if not self._news.is_set() and any(watched.has_news() for watched in self._hub.boards.values()):
            self._news.set()

    def watch(self, board: Board) -> Watched:
        """A board in its present season, as somebody is about to watch it."""
        return self._hub.watch(board, season_at(board, now()).name)

    async def run(self) -> None:
        """Read and tell, once a tick, for ever."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), LOOK_EVERY)
            began = time.monotonic()
            self._news.clear()
            if began - self._looked >= LOOK_EVERY:
                self._looked = began
                self._turn_over()
                await self._look()
            has_moved, self._has_moved = self._has_moved, False
            is_easy = await self._read()
            self._fanout.flush()
            await self._fanout.sweep()
            self.wake()
            tick = self._fanout.tick * (1.0 if has_moved else SUBSCRIBED)
            await asyncio.sleep(max(0.0, tick - (time.monotonic() - began)) if is_easy else RETRY_AFTER)

    def _turn_over(self) -> None:
        """A new season begins with nobody ranked: those who watch a board have to be told."""
        for watched in self._hub.boards.values():
            season = season_at(watched.board, now()).name
            if season != watched.season:
                watched.turn(season)

    async def _look(self) -> None:
        """Find what the feed has not told: a record that was lost, a name, a store that has been rebuilt."""
        boards = list(self._hub.boards.values())
        if not boards:
            return
        look = await self._ranks.look([Asked(each.board, each.season, []) for each in boards], [])
        if look is None or self._names.is_old(look.names):
            for watched in boards:
                watched.look(None)
        if look is not None:
            for watched, seen in zip(boards, look.boards, strict=True):
                watched.look(seen.version if seen is not None else None)

    async def _read(self) -> bool:
        """Read what the hub needs; whether Redis and Postgres are there."""
        wanted = iter([Wanted(each, needs) for each in self._hub.boards.values() if (needs := each.needs())])
        is_easy = True
        while some := list(islice(wanted, MOST_BOARDS)):
            try:
                found, is_quick = await self._found(some)
                for each in found:
                    self._hub.see(*each.wanted, each.sight)
                is_easy = is_easy and is_quick
            except StandingsUnavailable as error:
                log.warning("boards_not_read", boards=len(some), error=str(error))
                is_easy = False
                for one in some:
                    one.watched.need_again(one.needs)
        return is_easy

    async def _found(self, wanted: Sequence[Wanted]) -> tuple[list[Found], bool]:
        """From Redis, and what it cannot say from Postgres; whether Redis is there. Raises StandingsUnavailable."""
        asked = [Asked(each.watched.board, each.watched.season, each.needs.questions()) for each in wanted]
        look = await self._ranks.look(asked, [])
        seen = look.boards if look is not None else [None] * len(wanted)
        missing = [one for one, each in zip(asked, seen, strict=True) if each is None]
        others = iter(await self._standings.ask_each(missing) if missing else [])
        answers = [(each.answer, each.version) if each is not None else (next(others), None) for each in seen]
        sights = [
            _sight(each.needs, one.season, answer)._replace(version=version)
            for each, one, (answer, version) in zip(wanted, asked, answers, strict=True)
        ]
        shown = players_of(row for sight in sights for rows in (sight.rows, *sight.windows) for row in rows)
        names = await self._names.of(shown, look.names if look is not None else None)
        found = [Found(each, sight._replace(names=names)) for each, sight in zip(wanted, sights, strict=True)]
        return found, look is not None


def _sight(needs: Needs, season: str, answer: Answer) -> Sight:
    parts = [part.rows for part in answer.parts]
    rows = parts.pop(0) if needs.depth else []
    places = parts.pop(0) if needs.places else []
    return Sight(season, answer.total, answer.position, None, rows, places, parts, {})
