"""The loop: fetch, fold, commit, then Redis, then the feed. Whatever fails or changes, start again from the tables."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import structlog

from projector.applying import Stand, apply_batch
from projector.batch import Batch, BoardChange, Mark, decode_batch
from projector.continuity import Continuity, LogDamaged
from projector.feed import Publisher, outcome_lines
from projector.leases import Leases
from projector.progress import Progress
from projector.ranks import Held, RanksUnknown, RankWriter, held_of
from projector.store import Fenced, Store
from shared.catalogue_log import CatalogueLog, LiveCatalogue
from shared.fold.players import Profile
from shared.fold.state import BoardSeason, Outcome, State
from shared.fold.unfoldable import Unfoldable
from shared.log import LogUnavailable, Reader
from shared.positions import Position
from shared.postgres import BUSY, DOWN
from shared.rank_changes import BoardLines, RankChanges
from shared.records import Record
from shared.topics import Place, TopicName
from shared.watchdog import Watchdog

LARGEST_BATCH = 500
"""Records a transaction: about 10 ms of folding, so that a waiting submission is not held up."""
FETCH_MS = 500
"""How long to wait for records before looking at what else is to be done."""
RETRY_AFTER = 0.5
"""Seconds between attempts after Redis, Postgres or Kafka were away."""
LOOK_EVERY = 1.0
"""Seconds between looks whether Redis and the log are still whole."""
SHOW_WITHIN = 2.0
"""Seconds for what is committed to be shown when a stint ends; else the next one mends it."""
STALLED_AFTER = 10.0
"""Seconds without a record although the log has more, after which the reader is given up."""

Fetched: TypeAlias = list[tuple[TopicName, Record]]
OpenReader: TypeAlias = Callable[[], AbstractAsyncContextManager[Reader]]

log = structlog.get_logger()


@dataclass(slots=True, kw_only=True)
class Stint(Stand):
    """The time for which this projector holds the same partitions: what it knows of them, dropped after any failure.

    `versions`: of the seasons that Redis has to hold.
    """

    reader: Reader
    surveyor: Reader
    """Asks for the ends of the log, on a connection of its own: a long poll holds up what comes behind it."""
    continuity: Continuity
    ranks_known: bool = False
    """Whether Redis holds everything that is committed."""
    repair_at: float = 0.0
    look_at: float = 0.0
    waiting: dict[tuple[Place, int], float] = field(default_factory=dict)
    """Partitions of which the log has more: where they stand, and since when they have been seen to stand there."""
    surveying: asyncio.Task[None] | None = None

    def held(self) -> Held:
        """What Redis has to hold."""
        return held_of(self.versions, {place: mark.next_offset for place, mark in self.marks.items()})


class Worker:
    """Projects the partitions that it holds leases on."""

    def __init__(
        self,
        open_reader: OpenReader,
        catalogue: LiveCatalogue,
        catalogue_log: CatalogueLog,
        leases: Leases,
        store: Store,
        ranks: RankWriter,
        publisher: Publisher,
        incarnations: Mapping[TopicName, str],
        partitions: Mapping[TopicName, list[int]],
        watchdog: Watchdog,
        progress: Progress,
    ) -> None:
        self._open_reader = open_reader
        self._catalogue = catalogue
        self._catalogue_log = catalogue_log
        self._leases = leases
        self._store = store
        self._ranks = ranks
        self._publisher = publisher
        self._incarnations = incarnations
        self._unopened = list(partitions.items())
        """Topics whose checkpoints have not been made sure of: once a process, so that a new one sees a new log."""
        self._watchdog = watchdog
        self._progress = progress
        self._stopped: dict[Place, tuple[int, str]] = {}
        """Partitions that do not go on: before which offset they are still projected, and why."""
        self._finishing: asyncio.Task[None] | None = None

    async def run(self, stopping: asyncio.Event) -> None:
        """Project until told to stop, then finish what is begun. Raises what no retry can mend: a bug."""
        while not stopping.is_set():
            self._watchdog.beat()
            try:
                await self._project_stint(stopping)
            except (Unfoldable, LogDamaged) as error:
                self._stop_partition(error)
            except (Fenced, LogUnavailable, *DOWN, *BUSY) as error:
                log.warning("projection_interrupted", error=repr(error))
                await _wait(stopping, RETRY_AFTER)

    async def _project_stint(self, stopping: asyncio.Event) -> None:
        """Project until the partitions change hands, or something fails."""
        while self._unopened:
            topic, partitions = self._unopened[-1]
            await self._store.open(topic, self._incarnations[topic], partitions)
            self._unopened.pop()
        held = await self._leases.settle()
        if not held:
            await _wait(self._leases.due, LOOK_EVERY)
            return
        async with self._begin(held) as stint:
            while not stopping.is_set() and not self._leases.due.is_set():
                await self._turn(stint)
                self._watchdog.beat()

    @asynccontextmanager
    async def _begin(self, epochs: Mapping[Place, int]) -> AsyncIterator[Stint]:
        """Start from the tables, whatever happened before; at the end, show what is committed."""
        # To the end, not only to where it is followed: the tables may have rows of a board that is new.
        catalogue = await self._catalogue_log.read(self._catalogue.now)
        await self._store.save_boards(catalogue)
        marks = await self._store.marks(epochs)
        async with self._open_reader() as reader, self._open_reader() as surveyor:
            stops = self._stops(marks)
            await self._store.stops(epochs, {place: reason for place, (_, reason) in stops.items()})
            continuity = Continuity(dict(marks), self._incarnations, {at: offset for at, (offset, _) in stops.items()})
            await self._check_ends(surveyor, continuity)
            versions = await self._store.versions(self._ranks.kept_since())
            partitions = await self._store.partitions(epochs)
            stand = epochs, marks, partitions, catalogue, versions
            stint = Stint(*stand, reader=reader, surveyor=surveyor, continuity=continuity)
            reader.assign(continuity.begin())
            self._progress.held = len(epochs)
            try:
                await self._mend(stint)
                log.info("projecting", position=str(self._position(stint)))
                yield stint
            finally:
                self._progress.held, self._progress.ranks_known = 0, False
                if stint.surveying is not None:
                    stint.surveying.cancel()
                    await asyncio.wait({stint.surveying})
                with suppress(TimeoutError):
                    async with asyncio.timeout(SHOW_WITHIN):
                        await self._finish()

    async def _turn(self, stint: Stint) -> None:
        fetched = await stint.reader.read(limit=LARGEST_BATCH, wait_ms=FETCH_MS)
        if fetched:
            await self._project(stint, decode_batch(stint.continuity.follow(fetched)))
        else:
            await self._finish()
        await self._look(stint)
        await self._mend(stint)

    async def _project(self, stint: Stint, batch: Batch) -> None:
        """One batch through the tables, Redis and the feed, in this order."""
        await self._know_catalogue(stint, batch)
        if not batch.reached():
            return
        with self._progress.batch(len(batch.events) + len(batch.profiles)):
            done = await apply_batch(self._store, stint, batch)
        kept = self._ranks.kept(stint.boards(), done.changes)
        for at in kept & done.moved.keys():
            stint.versions.setdefault(at, {}).update(done.moved[at])
        await self._finish()
        changes = {at: done.changes[at] for at in sorted(kept)}
        shown = Shown(done.state, done.outcomes, changes, done.profiles, done.moves, self._position(stint))
        self._finishing = asyncio.create_task(self._show(stint, shown))

    async def _show(self, stint: Stint, shown: "Shown") -> None:
        """A committed batch, to Redis and the feed, while the next one is loaded, folded and saved."""
        lines = await self._rank(stint, shown)
        known = lines is not None and len(lines) == len(shown.changes)
        publishing = self._publisher.publish(self._changes(shown, lines or [], known=known))
        if lines is None:
            await publishing
        else:  # nobody who waits for the outcome has to wait for the mark, too
            await asyncio.gather(self._mark(stint, shown), publishing)

    async def _finish(self) -> None:
        """Wait until the batch before is shown: batches are shown in order, one at a time."""
        finishing, self._finishing = self._finishing, None
        if finishing is not None:
            await finishing

    async def _know_catalogue(self, stint: Stint, batch: Batch) -> None:
        if batch.catalogue_needed() > stint.catalogue.newest:
            stint.catalogue = await self._catalogue_log.read(stint.catalogue)
            await self._store.save_boards(stint.catalogue)

    async def _notice_catalogue(self, stint: Stint) -> None:
        """Boards that no event has named yet: those who ask in SQL see them soon, too."""
        if self._catalogue.now.newest > stint.catalogue.newest:
            stint.catalogue = self._catalogue.now
            await self._store.save_boards(stint.catalogue)

    async def _rank(self, stint: Stint, shown: "Shown") -> list[BoardLines] | None:
        """Apply a committed batch to Redis, those boards whose ranks it can tell; None when Redis did not take it."""
        if not stint.ranks_known:
            return None
        try:
            lines = await self._ranks.apply(stint.boards(), shown.changes)
            if names := shown.moves_of("players"):
                await self._ranks.name(shown.profiles, names)
        except RanksUnknown as error:
            self._lose_ranks(stint, str(error))
            return None
        return lines

    async def _mark(self, stint: Stint, shown: "Shown") -> None:
        """Say in Redis how far all boards are now."""
        try:
            if events := shown.moves_of("events"):
                await self._ranks.mark_applied(events)
        except RanksUnknown as error:
            self._lose_ranks(stint, str(error))

    def _changes(self, shown: "Shown", lines: list[BoardLines], *, known: bool) -> RankChanges:
        return RankChanges(
            incarnation=self._incarnations["events"],
            clock=max((partition.clock for partition in shown.state.partitions.values()), default=0),
            ranks="known" if known else "unknown",
            positions=dict(shown.position.offsets),
            outcomes=outcome_lines(shown.outcomes),
            boards=lines,
        )

    def _lose_ranks(self, stint: Stint, reason: str) -> None:
        log.warning("ranks_unknown", reason=reason)
        stint.ranks_known = self._progress.ranks_known = False
        stint.repair_at = time.monotonic()

    async def _look(self, stint: Stint) -> None:
        """Once a second: are the tables, Redis and the log still where we think they are? Raises Fenced."""
        now = time.monotonic()
        if now < stint.look_at:
            return
        stint.look_at = now + LOOK_EVERY
        await self._finish()
        await self._notice_catalogue(stint)
        kept = self._ranks.kept(stint.boards(), stint.versions)
        stint.versions = {at: stint.versions[at] for at in kept}
        await self._store.require(stint.epochs, stint.held().offsets)
        if stint.ranks_known and not await self._ranks.holds(stint.held()):
            self._lose_ranks(stint, "Redis is not at our position")
        if stint.surveying is None or stint.surveying.done():
            await self._survey(stint)
        if self._stopped:
            await self._pass_voided(stint)

    async def _survey(self, stint: Stint) -> None:
        """See what the last look at the log came to, and look again, beside the loop."""
        if stint.surveying is not None:
            await stint.surveying
        stint.surveying = asyncio.create_task(self._check_flow(stint))

    async def _check_flow(self, stint: Stint) -> None:
        """Raises LogUnavailable when the log has more and the reader does not bring it, or seems to have less.

        Tells Kafka how far we are, too: a hint for tools that show lag.
        """
        before = replace(stint.continuity, marks=dict(stint.continuity.marks))  # the log goes on while it is asked
        try:
            behind = before.behind(await self._offsets(stint.surveyor.end))
        except LogDamaged as error:  # the next stint looks again, three times, before it believes it
            raise LogUnavailable(str(error)) from error
        now = time.monotonic()
        waiting = [(at, before.marks[at].next_offset) for at in behind]
        stint.waiting = {each: stint.waiting.get(each, now) for each in waiting}
        if any(now - since > STALLED_AFTER for since in stint.waiting.values()):
            raise LogUnavailable(f"no records of {waiting} for {STALLED_AFTER:g} s although there are some")
        await stint.reader.commit({at: before.marks[at].next_offset for at in before.begin()})

    async def _mend(self, stint: Stint) -> None:
        """Bring Redis back to what is committed, if it is not there and it is time to try."""
        if stint.ranks_known or time.monotonic() < stint.repair_at:
            return
        await self._finish()
        try:
            repaired = await self._ranks.repair(self._store, stint.epochs, stint.boards(), stint.held())
        except RanksUnknown as error:
            log.warning("ranks_not_repaired", error=str(error))
            stint.repair_at = time.monotonic() + RETRY_AFTER
            return
        stint.ranks_known = self._progress.ranks_known = True
        log.info("ranks_known", repaired=repaired)
        nothing = Shown(State(), [], {}, [], {}, self._position(stint))
        await self._publisher.resync(self._changes(nothing, [], known=True))

    async def _check_ends(self, reader: Reader, continuity: Continuity) -> None:
        """Compare the tables with both ends of the log. Raises LogDamaged, after asking again: leaders may be new."""
        for pause in (RETRY_AFTER, 2 * RETRY_AFTER):
            try:
                await self._check_ends_once(reader, continuity)
            except LogDamaged:
                await asyncio.sleep(pause)
            else:
                return
        await self._check_ends_once(reader, continuity)

    async def _check_ends_once(self, reader: Reader, continuity: Continuity) -> None:
        first, end = await asyncio.gather(self._offsets(reader.beginning), self._offsets(reader.end))
        continuity.check_ends(first, end)

    async def _offsets(self, ask: Callable[[TopicName], Awaitable[dict[int, int]]]) -> dict[Place, int]:
        """What the broker says of each partition of our topics."""
        topics = list(self._incarnations)
        answers = zip(topics, await asyncio.gather(*map(ask, topics)), strict=True)
        return {(topic, number): offset for topic, offsets in answers for number, offset in offsets.items()}

    def _stop_partition(self, error: Unfoldable | LogDamaged) -> None:
        """Project this partition no further than here; the others go on."""
        place, offset = error.place, error.offset
        log.critical("partition_stopped", topic=place[0], partition=place[1], offset=offset, reason=error.reason)
        damaged = isinstance(error, LogDamaged)
        self._stopped[place] = offset, f"log damaged: {error.reason}" if damaged else f"offset {offset}: {error.reason}"

    def _stops(self, marks: Mapping[Place, Mark]) -> dict[Place, tuple[int, str]]:
        """What is stopped of what is held, without what somebody else has passed meanwhile."""
        self._stopped = {
            at: stop for at, stop in self._stopped.items() if at in marks and marks[at].next_offset <= stop[0]
        }
        return self._stopped

    async def _pass_voided(self, stint: Stint) -> None:
        """Keep saying what is stopped, and go on where an operator has voided the record."""
        await self._store.stops(stint.epochs, {place: reason for place, (_, reason) in self._stopped.items()})
        passed = [at for at, (offset, _) in self._stopped.items() if (at, offset) in stint.catalogue.voided]
        for place in passed:
            log.info("partition_passes_voided_record", topic=place[0], partition=place[1])
            del self._stopped[place]
        if passed:
            self._leases.due.set()

    def _position(self, stint: Stint) -> Position:
        return Position(self._incarnations["events"], stint.offsets("events"))


@dataclass(frozen=True, slots=True)
class Shown:
    """A committed batch, on its way to Redis and the feed."""

    state: State
    outcomes: list[Outcome]
    changes: dict[BoardSeason, BoardChange]
    """Of the seasons that Redis has to hold."""
    profiles: list[Profile]
    moves: dict[Place, tuple[int, int]]
    """From and to which offset each partition was projected."""
    position: Position

    def moves_of(self, topic: TopicName) -> dict[int, tuple[int, int]]:
        """The moves of the partitions of a topic."""
        return {number: move for (name, number), move in self.moves.items() if name == topic}


async def _wait(event: asyncio.Event, timeout: float) -> None:
    """Until the event is set, at most `timeout` seconds."""
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), timeout)
