"""One batch through the tables: load, fold, save. Redis and the feed are told of it by the worker."""

from collections.abc import Mapping
from dataclasses import dataclass

from projector.batch import (
    Batch,
    BoardChange,
    Mark,
    Versions,
    board_changes,
    decode_batch,
    entry_keys,
    fold_profiles,
    keys_of,
    submissions,
)
from projector.continuity import Continuity
from projector.store import Seen, Store
from shared.boards import Board
from shared.catalogue import Catalogue
from shared.catalogue_log import CatalogueLog
from shared.fold.fold import fold_all
from shared.fold.players import Profile
from shared.fold.state import BoardSeason, Outcome, Partition, State
from shared.log import LogUnavailable, Reader
from shared.seasons import is_over, season_of
from shared.topics import Place, TopicName

AT_A_TIME = 2_000
"""Records a batch of `catch_up`: nobody waits for one of them."""
SILENT_READS = 10
"""Reads of a second without a record although there are some, after which the log counts as unavailable."""


@dataclass(slots=True)
class Stand:
    """What is known of the tables: where their partitions stand, under which epochs."""

    epochs: Mapping[Place, int]
    marks: dict[Place, Mark]
    partitions: dict[int, Partition]
    """Of the events topic, as far as they are in the tables."""
    catalogue: Catalogue
    versions: Versions
    """Of the seasons that are known to be in the tables."""

    def offsets(self, topic: TopicName) -> dict[int, int]:
        """Where each partition of a topic stands."""
        return {number: mark.next_offset for (name, number), mark in self.marks.items() if name == topic}

    def boards(self) -> dict[str, Board]:
        """Every board, by its id."""
        return {board.board_id: board for board in self.catalogue.boards()}


@dataclass(frozen=True, slots=True)
class Applied:
    """What a batch did to the tables."""

    state: State
    outcomes: list[Outcome]
    changes: dict[BoardSeason, BoardChange]
    moved: Versions
    """The new versions that it brought about."""
    profiles: list[Profile]
    moves: dict[Place, tuple[int, int]]
    """From and to which offset each partition was projected."""


async def apply_batch(store: Store, stand: Stand, batch: Batch) -> Applied:
    """Fold a batch into the tables and move the stand, but for `versions`. Raises Fenced, Unfoldable."""
    reached = batch.reached()
    seen = {at: Seen(stand.epochs[at], stand.marks[at].next_offset) for at in sorted(reached)}
    state = await _load(store, stand, batch, seen)
    steps = fold_all(state, stand.catalogue, batch.events)
    profiles, renamed = fold_profiles(batch, stand.catalogue)
    changes = board_changes(steps, stand.versions)
    moved, boards = _moved(changes), stand.boards()
    new = moved.keys() - stand.versions.keys()
    to = _checkpoints(state, reached)
    await store.save(seen, to, steps, profiles, boards, moved, new, _over(boards, moved, state))
    stand.partitions |= state.partitions
    moves = {at: (seen[at].next_offset, mark.next_offset) for at, mark in reached.items()}
    stand.marks |= reached
    return Applied(state, [*(step.outcome for step in steps), *renamed], changes, moved, profiles, moves)


async def catch_up(
    store: Store,
    stand: Stand,
    reader: Reader,
    catalogue_log: CatalogueLog,
    incarnations: Mapping[TopicName, str],
    target: Mapping[Place, int],
) -> None:
    """Bring the tables to where `target` says, in all of their partitions; nobody else may do so.

    Raises Unfoldable, LogDamaged, LogUnavailable.
    """
    continuity = Continuity(dict(stand.marks), incarnations, target)
    begin, silent = continuity.begin(), 0
    waiting = set(begin)
    reader.assign(begin)
    while waiting:
        fetched = await reader.read(limit=AT_A_TIME, wait_ms=1_000)
        silent = 0 if fetched else silent + 1
        if silent > SILENT_READS:
            raise LogUnavailable(f"no record of {sorted(waiting)} although there are some")
        batch = decode_batch(continuity.follow(fetched))
        if batch.catalogue_needed() > stand.catalogue.newest:
            stand.catalogue = await catalogue_log.read(stand.catalogue)
        if batch.reached():
            done = await apply_batch(store, stand, batch)
            for at, moved in done.moved.items():
                stand.versions.setdefault(at, {}).update(moved)
        reached = {(topic, record.partition): record.offset + 1 for topic, record in fetched}
        waiting -= {place for place, offset in reached.items() if offset >= target[place]}


async def _load(store: Store, stand: Stand, batch: Batch, seen: Mapping[Place, Seen]) -> State:
    """What the fold of a batch needs. Raises Fenced."""
    state = State({number: stand.partitions[number].copy() for topic, number in seen if topic == "events"})
    found = submissions(batch, stand.catalogue, state.partitions)
    entries = entry_keys(found, stand.catalogue, {})
    await store.load(state, seen, keys_of(batch), entries)
    if state.sessions:  # what a repetition was judged by at first may be other boards, or past seasons
        others = set(entry_keys(found, stand.catalogue, state.sessions)) - set(entries)
        await store.load_entries(state, sorted(others))
    return state


def _moved(changes: dict[BoardSeason, BoardChange]) -> Versions:
    return {
        at: {partition: new for partition, (_, new) in change.chain.items()}
        for at, change in changes.items()
        if change.chain
    }


def _over(boards: Mapping[str, Board], moved: Versions, state: State) -> list[BoardSeason]:
    """Seasons that a batch changed although they were over, as a ruling may: their results are to be corrected."""
    clock = max(partition.clock for partition in state.partitions.values()) if state.partitions else 0
    return [at for at in moved if is_over(season_of(boards[at[0]], at[1]), clock)]


def _checkpoints(state: State, reached: dict[Place, Mark]) -> dict[Place, tuple[Partition, int | None]]:
    """Where the partitions of a batch stand after it. The players topic has nothing but an offset."""
    return {
        place: (state.partitions[place[1]] if place[0] == "events" else Partition(mark.next_offset), mark.crc)
        for place, mark in sorted(reached.items())
    }
