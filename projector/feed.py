"""Publishing what a batch did to `rank-changes`. Derived: what is lost is made good by a resync."""

from collections.abc import Iterable, Iterator

import structlog

from shared.feed import PARTITION
from shared.fold.state import Outcome
from shared.log import Appender, LogBusy, LogUnavailable
from shared.rank_changes import BoardLines, OutcomeLine, RankChanges

LARGEST_RECORD = 512 * 1024
MOST_CREDITS = 1_000
"""Boards and seasons that the outcome of one event names, where they would be too many."""
PUBLISH_TIMEOUT = 5.0
AGAIN_TIMEOUT = 0.5
"""Seconds for a record after one that failed: the feed is a hint and must not hold up the fold."""

log = structlog.get_logger()


def outcome_lines(outcomes: Iterable[Outcome]) -> list[OutcomeLine]:
    """The outcomes that somebody may wait for."""
    return [
        OutcomeLine(
            each.attempt,
            each.kind,
            each.reason,
            each.player_id,
            each.event_id,
            each.partition,
            each.offset,
            each.first,
            each.credits,
        )
        for each in outcomes
        if each.attempt is not None and each.player_id is not None and each.event_id is not None
    ]


def split(changes: RankChanges) -> Iterator[bytes]:
    """The bytes of a record, or of several when it would be too large: the last has the positions.

    Every part has the rows of its own outcomes' players; the last has those of nobody's as well.
    """
    value = changes.model_dump_json().encode()
    if len(value) <= LARGEST_RECORD:
        yield value
        return
    if len(changes.outcomes) < 2:  # one ruling about thousands of seasons: readers have to look for themselves
        outcomes = [line._replace(credits=line.credits[:MOST_CREDITS]) for line in changes.outcomes]
        yield (
            changes.model_copy(update={"outcomes": outcomes, "boards": [], "ranks": "unknown"})
            .model_dump_json()
            .encode()
        )
        return
    half = len(changes.outcomes) // 2
    first, second = changes.outcomes[:half], changes.outcomes[half:]
    players = {line.player_id for line in first}
    others = players - {line.player_id for line in second}
    yield from split(
        changes.model_copy(update={"outcomes": first, "boards": _rows_of(changes, players), "positions": {}})
    )
    yield from split(changes.model_copy(update={"outcomes": second, "boards": _rows_of(changes, others, but=True)}))


def _rows_of(changes: RankChanges, players: set[str], *, but: bool = False) -> list[BoardLines]:
    """The boards with only the rows of these players, or with all but theirs."""
    return [
        board.model_copy(update={"rows": [row for row in board.rows if (row.player_id in players) is not but]})
        for board in changes.boards
    ]


class Publisher:
    """Publishes records in order; a record that could not be published turns into a resync."""

    def __init__(self, appender: Appender) -> None:
        self._appender = appender
        self._missed = True
        """A new projector does not know what the one before it managed to publish."""

    async def resync(self, changes: RankChanges) -> None:
        """Publish, and tell readers to drop what they hold: Redis was behind."""
        self._missed = True
        await self.publish(changes)

    async def publish(self, changes: RankChanges) -> None:
        """Publish, or remember that readers have missed something."""
        timeout = AGAIN_TIMEOUT if self._missed else PUBLISH_TIMEOUT
        if self._missed:
            changes = changes.model_copy(update={"resync": True})
        self._missed = True
        try:
            for value in split(changes):
                await self._appender.append("rank-changes", None, value, timeout=timeout, partition=PARTITION)
            self._missed = False
        except (LogUnavailable, LogBusy) as error:
            log.warning("rank_changes_not_published", error=str(error))
