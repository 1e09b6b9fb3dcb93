"""One batch, from records to what changes: pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from shared.boards import season_at
from shared.catalogue import Catalogue
from shared.events import ScoreSubmittedEvent
from shared.fold.players import Profile, fold_profile
from shared.fold.state import Entry, EntryKey, Outcome, SessionKey, State, Step
from shared.records import Received, Record, checksum, receive
from shared.topics import Place, TopicName

BoardSeason: TypeAlias = tuple[str, str]
Versions: TypeAlias = dict[BoardSeason, dict[int, int]]
"""Board and season → partition → last offset that touched it."""


class Mark(NamedTuple):
    """How far a partition is projected, and the CRC-32 of the last record before that; None: not known."""

    next_offset: int
    crc: int | None = None


@dataclass(slots=True)
class Batch:
    """What was fetched: records of the events topic and of the players topic, decoded."""

    events: list[Received] = field(default_factory=list)
    profiles: list[Received] = field(default_factory=list)

    def catalogue_needed(self) -> int:
        """The newest offset of the catalogue that an event names."""
        return max((each.event.catalogue for each in self.events if each.event is not None), default=-1)

    def reached(self) -> dict[Place, Mark]:
        """Where each partition stands after this batch."""
        marks: dict[Place, Mark] = {}
        topics: tuple[tuple[TopicName, list[Received]], ...] = ("events", self.events), ("players", self.profiles)
        for topic, received in topics:
            last = {each.record.partition: each.record for each in received}
            marks |= {(topic, number): Mark(record.offset + 1, checksum(record)) for number, record in last.items()}
        return marks


def decode_batch(fetched: Iterable[tuple[TopicName, Record]]) -> Batch:
    """Decode what was fetched."""
    batch = Batch()
    for topic, record in fetched:
        into = batch.events if topic == "events" else batch.profiles
        into.append(receive(record))
    return batch


class Keys(NamedTuple):
    """What has to be loaded before a batch can be folded."""

    partitions: list[int]
    players: list[str]
    sessions: list[SessionKey]
    entries: list[EntryKey]


def keys_of(batch: Batch, catalogue: Catalogue) -> Keys:
    """The keys of everything that the fold of a batch may look at, sorted."""
    partitions, players = set[int](), set[str]()
    sessions, entries = set[SessionKey](), set[EntryKey]()
    for record, event, _ in batch.events:
        partitions.add(record.partition)
        if event is None:
            continue
        players.add(event.subject)
        if isinstance(event, ScoreSubmittedEvent):
            fact = event.data
            players.add(fact.player_id)
            sessions.add((fact.player_id, event.id))
            for board in catalogue.feeding(catalogue.newest, fact.game_mode):
                entries.add((board.board_id, season_at(board, record.timestamp), fact.player_id))
    return Keys(sorted(partitions), sorted(players), sorted(sessions), sorted(entries))


def fold_profiles(batch: Batch, catalogue: Catalogue) -> tuple[list[Profile], list[Outcome]]:
    """The last profile that the batch sets for each player, by player, and what became of each record that sets one.

    Raises Unfoldable.
    """
    profiles, outcomes = dict[str, Profile](), list[Outcome]()
    for each in batch.profiles:
        profile, event = fold_profile(catalogue, each), each.event
        if profile is not None and event is not None:
            profiles[profile.player_id] = profile
            at = profile.partition, profile.offset
            outcomes.append(Outcome("applied", None, *at, event.subject, event.id, event.attempt))
    return [profiles[player_id] for player_id in sorted(profiles)], outcomes


class BoardChange(NamedTuple):
    """What a batch does to one season of a board."""

    chain: dict[int, tuple[int, int]]
    """Partition → (previous version, new version); only partitions that touched it."""
    written: dict[str, Entry]
    """Player → entry as the batch leaves it."""
    asked: list[Entry]
    """Entries that did not change, whose rank somebody waits for."""


def board_changes(state: State, steps: Iterable[Step], versions: Versions) -> dict[BoardSeason, BoardChange]:
    """Group a folded batch by board and season; `versions` are those from before it."""
    changes: dict[BoardSeason, BoardChange] = {}
    for entry in state.entries.values():
        changes.setdefault((entry.board_id, entry.season), BoardChange({}, {}, []))
    for entry in (entry for step in steps for entry in step.entries):
        at = entry.board_id, entry.season
        change = changes[at]
        change.written[entry.standing.player_id] = entry
        previous, reached = change.chain.get(entry.partition, (versions.get(at, {}).get(entry.partition, -1), -1))
        change.chain[entry.partition] = previous, max(reached, entry.offset)
    for entry in state.entries.values():
        change = changes[entry.board_id, entry.season]
        if entry.standing.player_id not in change.written:
            change.asked.append(entry)
    return changes
