"""One batch, from records to what changes: pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from shared.catalogue import Catalogue
from shared.events import (
    PlayerBanned,
    PlayerErased,
    PlayerReinstated,
    ScoreRestored,
    ScoreRevoked,
    ScoreSubmittedEvent,
    SeasonEndedEvent,
)
from shared.fold.players import Profile, fold_profile
from shared.fold.state import BoardSeason, Entry, EntryKey, Outcome, Partition, SeasonEndKey, Session, SessionKey, Step
from shared.records import Received, Record, checksum, receive
from shared.seasons import season_at
from shared.topics import Place, TopicName

RULINGS = (ScoreRevoked, ScoreRestored, PlayerBanned, PlayerReinstated, PlayerErased)
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
    """What has to be loaded before a batch can be folded; then `entry_keys` of the sessions that were there."""

    players: list[str]
    sessions: list[SessionKey]
    histories: list[str]
    """Players about whom there is a ruling: all that they have is needed."""
    ended: list[SeasonEndKey]


class Submission(NamedTuple):
    """A submission in a batch: the clock and the catalogue at which the fold will judge it."""

    event: ScoreSubmittedEvent
    clock: int
    catalogue: int

    @property
    def key(self) -> SessionKey:
        """The identity of the submission."""
        return self.event.data.player_id, self.event.id


def keys_of(batch: Batch) -> Keys:
    """The keys of what the fold of a batch may look at, sorted, but for entries."""
    players, sessions = set[str](), set[SessionKey]()
    histories, ended = set[str](), set[SeasonEndKey]()
    for record, event, _ in batch.events:
        match event:
            case None:
                continue
            case ScoreSubmittedEvent(data=fact):
                sessions.add((fact.player_id, event.id))
            case SeasonEndedEvent(data=fact):
                ended.add((fact.board_id, fact.season, record.partition))
                continue
            case _ if isinstance(event.data, RULINGS):
                histories.add(event.data.player_id)
        players.add(getattr(event.data, "player_id", event.subject))
    return Keys(sorted(players), sorted(sessions), sorted(histories), sorted(ended))


def submissions(batch: Batch, catalogue: Catalogue, partitions: Mapping[int, Partition]) -> list[Submission]:
    """The submissions of a batch; `partitions`: where each stands before it."""
    clocks = {number: partition.clock for number, partition in partitions.items()}
    offsets = {number: partition.catalogue for number, partition in partitions.items()}
    found = list[Submission]()
    for record, event, _ in batch.events:
        at = record.partition
        clocks[at] = max(clocks.get(at, 0), record.timestamp)
        if event is None or (("events", at), record.offset) in catalogue.voided:
            continue
        offsets[at] = max(offsets.get(at, -1), event.catalogue)
        if isinstance(event, ScoreSubmittedEvent):
            found.append(Submission(event, clocks[at], offsets[at]))
    return found


def entry_keys(
    found: Iterable[Submission], catalogue: Catalogue, sessions: Mapping[SessionKey, Session]
) -> list[EntryKey]:
    """The entries that submissions may change, or, of one that is in the tables already, whose player it is about."""
    keys = set[EntryKey]()
    for each in found:
        first = sessions.get(each.key)
        clock, at = (first.clock, first.catalogue) if first is not None else (each.clock, each.catalogue)
        mode = first.game_mode if first is not None else each.event.data.game_mode
        for board in catalogue.feeding(at, mode):
            keys.add((board.board_id, season_at(board, clock).name, each.event.data.player_id))
    return sorted(keys)


def fold_profiles(batch: Batch, catalogue: Catalogue) -> tuple[list[Profile], list[Outcome]]:
    """The last profile that the batch sets for each player, by player, and what became of each record that sets one.

    Raises Unfoldable.
    """
    profiles, outcomes = dict[str, Profile](), list[Outcome]()
    for each in batch.profiles:
        profile, event = fold_profile(catalogue, each), each.event
        if profile is None:
            continue
        profiles[profile.player_id] = profile
        if event is not None:
            at = profile.partition, profile.offset
            outcomes.append(Outcome("applied", None, *at, event.subject, event.id, event.attempt))
    return [profiles[player_id] for player_id in sorted(profiles)], outcomes


class BoardChange(NamedTuple):
    """What a batch does to one season of a board."""

    chain: dict[int, tuple[int, int]]
    """Partition → (previous version, new version); only partitions that touched it."""
    written: dict[str, Entry]
    """Player → entry as the batch leaves it."""
    asked: set[str]
    """Players whose entry did not change and whose rank somebody waits for."""


def board_changes(steps: Iterable[Step], versions: Versions) -> dict[BoardSeason, BoardChange]:
    """Group a folded batch by board and season; `versions` are those from before it."""
    steps = list(steps)
    changes: dict[BoardSeason, BoardChange] = {}
    for entry in (entry for step in steps for entry in step.entries):
        at = entry.board_id, entry.season
        change = changes.setdefault(at, BoardChange({}, {}, set()))
        change.written[entry.player_id] = entry
        previous, reached = change.chain.get(entry.partition, (versions.get(at, {}).get(entry.partition, -1), -1))
        change.chain[entry.partition] = previous, max(reached, entry.offset)
    for outcome in (step.outcome for step in steps if step.outcome.attempt is not None):
        for credit in outcome.credits:
            at = credit.board_id, credit.season
            if at not in changes and outcome.partition not in versions.get(at, {}):
                continue  # nobody of the partition was ever there, and Redis may not know such a season
            change = changes.setdefault(at, BoardChange({}, {}, set()))
            if outcome.player_id is not None and outcome.player_id not in change.written:
                change.asked.add(outcome.player_id)
    return changes
