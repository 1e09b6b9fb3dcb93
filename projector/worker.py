"""The loop: fetch, fold, commit, then Redis, then the feed. Whatever fails, start again from the tables."""

import asyncio
import time
from dataclasses import dataclass, field

import structlog

from projector.batch import (
    Batch,
    BoardChange,
    BoardSeason,
    Versions,
    board_changes,
    decode_batch,
    keys_of,
    newest_profiles,
    profile_outcomes,
)
from projector.feed import Publisher, outcome_lines
from projector.ranks import RanksUnknown, RankWriter
from projector.store import CheckpointMoved, Place, Store
from shared.catalogue import Catalogue
from shared.catalogue_log import CatalogueLog
from shared.feed import BoardLines, RankChanges
from shared.fold.fold import fold_all
from shared.fold.state import Outcome, Partition, State
from shared.log import LogUnavailable, Reader
from shared.positions import Position
from shared.postgres import DOWN

LARGEST_BATCH = 500
"""Records a transaction: about 10 ms of folding, so that a waiting submission is not held up."""
IDLE_MS = 500
"""How long to wait for records before looking whether Redis is still whole."""
RETRY_AFTER = 0.5
"""Seconds between attempts after Redis, Postgres or Kafka were away."""
COMMIT_EVERY = 2.0
"""Seconds between hints to Kafka about how far we are."""

log = structlog.get_logger()


@dataclass(slots=True)
class Progress:
    """What the worker holds in memory; dropped and read again from the tables after any failure."""

    catalogue: Catalogue = field(default_factory=Catalogue)
    next_offsets: dict[Place, int] = field(default_factory=dict)
    versions: Versions = field(default_factory=dict)
    ranks_known: bool = False
    """Whether Redis holds everything that is committed."""
    repair_at: float = 0.0
    committed_at: float = 0.0


class Worker:
    """Projects every partition of the events and players topics."""

    def __init__(
        self,
        reader: Reader,
        catalogue_log: CatalogueLog,
        store: Store,
        ranks: RankWriter,
        publisher: Publisher,
        incarnations: dict[str, str],
    ) -> None:
        self._reader = reader
        self._catalogue_log = catalogue_log
        self._store = store
        self._ranks = ranks
        self._publisher = publisher
        self._incarnations = incarnations
        self._progress = Progress()
        self._finishing: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Project for ever. Raises what no retry can mend: a foreign log, an unknown event type, a bug."""
        while True:
            try:
                await self._begin()
                while True:
                    await self._turn()
            except (CheckpointMoved, LogUnavailable, *DOWN) as error:
                log.warning("projection_interrupted", error=repr(error))
                await asyncio.sleep(RETRY_AFTER)

    async def _begin(self) -> None:
        """Start from the tables, whatever happened before."""
        await self._finish()
        progress = Progress(catalogue=await self._catalogue_log.read(Catalogue()))
        await self._store.save_boards(progress.catalogue)
        for topic in ("events", "players"):
            partitions = await self._reader.partitions(topic)
            for number, at in (await self._store.checkpoints(topic, self._incarnations[topic], partitions)).items():
                progress.next_offsets[topic, number] = at.next_offset
        progress.versions = await self._store.versions()
        self._progress = progress
        self._reader.assign(progress.next_offsets)
        await self._mend()
        log.info("projecting", position=str(self._position()))

    async def _turn(self) -> None:
        fetched = await self._reader.read(limit=LARGEST_BATCH, wait_ms=IDLE_MS)
        if fetched:
            await self._project(decode_batch(fetched))
        else:
            await self._finish()
            if self._progress.ranks_known and not await self._ranks.holds(self._position()):
                self._lose_ranks("Redis is not at our position")
        await self._mend()
        await self._hint()

    async def _project(self, batch: Batch) -> None:
        """One batch through the tables, Redis and the feed, in this order."""
        await self._know_catalogue(batch)
        progress, reached = self._progress, batch.next_offsets()
        seen = {place: progress.next_offsets[place] for place in sorted(reached)}
        keys = keys_of(batch, progress.catalogue)
        async with self._store.transaction() as transaction:
            state = await transaction.load(keys, seen)
            steps = fold_all(state, progress.catalogue, batch.events)
            profiles = newest_profiles(batch)
            changes = board_changes(state, steps, progress.versions)
            moved = _moved(changes)
            boards = {board.board_id: board for board in progress.catalogue.boards()}
            await transaction.save(seen, _checkpoints(state, reached), steps, profiles, boards, moved)
        progress.next_offsets |= reached
        for at, versions in moved.items():
            progress.versions.setdefault(at, {}).update(versions)
        await self._finish()
        outcomes = [*(step.outcome for step in steps), *profile_outcomes(batch)]
        self._finishing = asyncio.create_task(self._show(batch, state, outcomes, changes, self._position()))

    async def _show(
        self,
        batch: Batch,
        state: State,
        outcomes: list[Outcome],
        changes: dict[BoardSeason, BoardChange],
        position: Position,
    ) -> None:
        """A committed batch, to Redis and the feed, while the next one is in its transaction."""
        lines = await self._rank(batch, changes, position)
        await self._publisher.publish(self._changes(state, outcomes, lines, position))

    async def _finish(self) -> None:
        """Wait until the batch before is shown: batches are shown in order, one at a time."""
        finishing, self._finishing = self._finishing, None
        if finishing is not None:
            await finishing

    async def _know_catalogue(self, batch: Batch) -> None:
        needed = batch.catalogue_needed()
        if needed > self._progress.catalogue.newest:
            self._progress.catalogue = await self._catalogue_log.read(self._progress.catalogue)
            await self._store.save_boards(self._progress.catalogue)

    async def _rank(
        self, batch: Batch, changes: dict[BoardSeason, BoardChange], position: Position
    ) -> list[BoardLines] | None:
        """Apply a committed batch to Redis; None when Redis did not take it."""
        if not self._progress.ranks_known:
            return None
        lines = []
        try:
            for at, change in changes.items():
                board = self._progress.catalogue.board(at[0])
                assert board is not None, at
                lines.append(await self._ranks.apply(at, board, change))
            if batch.profiles:
                await self._ranks.name(newest_profiles(batch), batch.names_reached())
            await self._ranks.mark_applied(position.offsets)
        except RanksUnknown as error:
            self._lose_ranks(str(error))
            return None
        return lines

    def _changes(
        self, state: State, outcomes: list[Outcome], lines: list[BoardLines] | None, position: Position
    ) -> RankChanges:
        return RankChanges(
            incarnation=self._incarnations["events"],
            clock=max((partition.clock for partition in state.partitions.values()), default=0),
            ranks="unknown" if lines is None else "known",
            positions=dict(position.offsets),
            outcomes=outcome_lines(outcomes),
            boards=lines or [],
        )

    def _lose_ranks(self, reason: str) -> None:
        log.warning("ranks_unknown", reason=reason)
        self._progress.ranks_known = False
        self._progress.repair_at = time.monotonic()

    async def _mend(self) -> None:
        """Bring Redis back to what is committed, if it is not there and it is time to try."""
        progress = self._progress
        if progress.ranks_known or time.monotonic() < progress.repair_at:
            return
        await self._finish()
        try:
            repaired = await self._ranks.repair(self._store, progress.catalogue.boards(), self._position())
        except RanksUnknown as error:
            log.warning("ranks_not_repaired", error=str(error))
            progress.repair_at = time.monotonic() + RETRY_AFTER
            return
        progress.ranks_known = True
        log.info("ranks_known", repaired=repaired)
        await self._publisher.resync(self._changes(State(), [], [], self._position()))

    async def _hint(self) -> None:
        progress = self._progress
        if time.monotonic() - progress.committed_at > COMMIT_EVERY:
            progress.committed_at = time.monotonic()
            await self._reader.commit(progress.next_offsets)

    def _offsets(self, topic: str) -> dict[int, int]:
        return {number: offset for (name, number), offset in self._progress.next_offsets.items() if name == topic}

    def _position(self) -> Position:
        return Position(self._incarnations["events"], self._offsets("events"))


def _moved(changes: dict[BoardSeason, BoardChange]) -> Versions:
    """The new versions that a batch brings about."""
    return {
        at: {partition: new for partition, (_, new) in change.chain.items()}
        for at, change in changes.items()
        if change.chain
    }


def _checkpoints(state: State, reached: dict[Place, int]) -> dict[Place, Partition]:
    """Where the partitions of a batch stand after it. The players topic has nothing but an offset."""
    return {
        place: state.partitions[place[1]] if place[0] == "events" else Partition(next_offset=offset)
        for place, offset in sorted(reached.items())
    }
