"""From the feed to the sockets: movers at once, displaced players after one read of their ranks."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress

import structlog

from notifier.hub import Hub, Watcher
from shared.boards import Board
from shared.catalogue_log import LiveCatalogue
from shared.clock import now
from shared.feed import BoardLines, RankChanges
from shared.questions import Places
from shared.ranks import Ranks
from shared.seasons import season_at
from shared.standings import Standings, StandingsUnavailable

RETRY_AFTER = 0.5
LOOK_EVERY = 1.0
"""Seconds between looks whether a season has ended."""

log = structlog.get_logger()


class Following:
    """Keeps the hub up to date with the feed.

    Displaced players are gathered and read together, one read a board at a time: what the feed
    brings meanwhile waits for the next read. So there is no queue.
    """

    def __init__(
        self,
        hub: Hub,
        catalogue: LiveCatalogue,
        ranks: Ranks,
        standings: Standings,
        wake: Callable[[Iterable[Watcher]], None],
    ) -> None:
        self._hub = hub
        self._catalogue = catalogue
        self._ranks = ranks
        self._standings = standings
        self._wake = wake
        self._stale: dict[str, set[str]] = {}
        self._any_stale = asyncio.Event()
        self._reading = False
        self._seen: dict[tuple[str, str], dict[int, int]] = {}
        self._seasons: dict[str, str] = {}
        """Board → the season that its watchers are told of."""

    def receive(self, changes: RankChanges) -> None:
        """Take in one record of the feed."""
        for lines in changes.boards:
            if lines.season != self._season(lines.board_id):
                continue  # a past season that was corrected; or one that has just begun, which `_turn_over` notices
            overtaken = self._overtaken(lines)
            if not overtaken:
                self._wake(self._hub.move(lines))
            self._ask(lines.board_id, self._hub.displaced(lines))
            if self._reading or overtaken:
                # The read that is under way may have seen them before this move, or a later move of another
                # projector came before: neither must have the last word.
                self._ask(lines.board_id, self._hub.watched_movers(lines))
        if changes.resync:
            self._seen.clear()
        if changes.resync or changes.ranks == "unknown":
            for board_id in list(self._hub.watchers):
                self._ask(board_id, self._hub.users(board_id))

    def _overtaken(self, lines: BoardLines) -> bool:
        """Whether a record of a later version of the board came before: several projectors write the feed."""
        seen = self._seen.setdefault((lines.board_id, lines.season), {})
        older = any(lines.version.get(partition, -1) < offset for partition, offset in seen.items())
        if not older:
            seen.update(lines.version)
        return older

    async def read(self, board: Board, player_ids: list[str]) -> dict[str, int]:
        """The present ranks of those who are ranked. Raises StandingsUnavailable."""
        season = season_at(board, now()).name
        questions = [Places(player_ids)]
        answer = await self._ranks.ask(board, season, questions)
        if answer is None:
            answer = await self._standings.ask(board, season, questions)
        return {row.standing.player_id: row.rank for row in answer.parts[0].rows}

    async def run(self) -> None:
        """Read the ranks that the feed put in doubt, for ever."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._any_stale.wait(), LOOK_EVERY)
            self._any_stale.clear()
            self._turn_over()
            stale, self._stale = self._stale, {}
            for board_id, players in stale.items():
                await self._refresh(board_id, sorted(players))

    def _season(self, board_id: str) -> str | None:
        """The season that the watchers of a board are told of: the present one, as of the last look."""
        if board_id not in self._seasons:
            board = self._catalogue.now.board(board_id)
            if board is None:
                return None
            self._seasons[board_id] = season_at(board, now()).name
        return self._seasons[board_id]

    def _turn_over(self) -> None:
        """A new season begins with nobody ranked: those who watch a board have to be told."""
        for board_id, before in list(self._seasons.items()):
            del self._seasons[board_id]
            if board_id in self._hub.watchers and self._season(board_id) != before:
                self._seen.pop((board_id, before), None)
                self._ask(board_id, self._hub.users(board_id))

    async def _refresh(self, board_id: str, players: list[str]) -> None:
        board = self._catalogue.now.board(board_id)
        if board is None:
            return
        self._reading = True
        try:
            ranks = await self.read(board, players)
        except StandingsUnavailable as error:
            log.warning("ranks_not_read", board=board_id, error=str(error))
            await asyncio.sleep(RETRY_AFTER)
            self._ask(board_id, players)
            return
        finally:
            self._reading = False
        self._wake(self._hub.place(board_id, ranks, players))

    def _ask(self, board_id: str, players: Iterable[str]) -> None:
        stale = self._stale.setdefault(board_id, set())
        stale.update(players)
        if stale:
            self._any_stale.set()
