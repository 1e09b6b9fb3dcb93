"""What `leaderboard import` takes: a file of scores, or a log that was exported."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from analysis.exported import ExportedLog, files_of, open_exported, read_rows, record_at, rows_in
from analysis.importing import FILLED, TIMED
from analysis.mapping import ACTOR, SOURCE, Bad, Item, Profile, Reading, Rules
from analysis.staging import Staging
from analysis.tabular import Count, read_lines
from shared.appender import partition_of
from shared.boards import Board
from shared.catalogue import Catalogue, Revision
from shared.events import BoardDefined, encode, wrap
from shared.identity import event_id_of
from shared.topics import Place, TopicName

OWN = b"$"
"""Begins the keys of records that are about no player: no id has it."""


class TooManyBad(Exception):
    """More rows than allowed are no scores; nothing is imported."""

    def __init__(self, bad: Sequence[Bad]) -> None:
        super().__init__(f"more than {len(bad) - 1} rows are no scores: nothing is imported")
        self.bad = bad


@dataclass(slots=True)
class Rows:
    """A file, read and judged; nothing of it is imported yet."""

    partitions: int
    boards: Sequence[Board]
    staging: Staging
    profiles: dict[int, list[Item]] = field(default_factory=dict)
    """By partition of the players topic."""
    bad: list[Bad] = field(default_factory=list)
    good: int = 0
    players: int = 0

    def since(self, topic: TopicName, partition: int) -> int | None:
        """The log is as old as its first score."""
        del partition
        return self.staging.first if topic != "players" else None

    def count(self, topic: TopicName, partition: int) -> int:
        """How many records there are."""
        match topic:
            case "boards":
                return len(self.boards)
            case "players":
                return len(self.profiles.get(partition, ()))
            case _:
                return self.staging.counts.get(partition, 0)

    def items(self, topic: TopicName, partition: int) -> Iterator[Item]:
        """These records, in order."""
        match topic:
            case "boards":
                return (_defined(board, self.staging.first or 0) for board in self.boards)
            case "players":
                return iter(self.profiles.get(partition, ()))
            case _:
                return self.staging.items(partition)


def read_history(rows: Rows, file: Path, rules: Rules, latest: int, most: int, count: Count) -> None:
    """Read and judge all rows of a file. Raises UnreadableFile, and TooManyBad after `most` bad ones.

    `latest`: of the times, in milliseconds.
    """
    reading, named = Reading(rules, catalogue_of(rows.boards), latest), dict[str, tuple[int, Profile]]()
    players = set[bytes]()
    for line, row in read_lines(file, count):
        found = reading.read(line, row)
        if isinstance(found, Bad):
            rows.bad.append(found)
            if len(rows.bad) > most:
                raise TooManyBad(rows.bad)
            continue
        item, profile = found
        assert item.key is not None
        rows.staging.put(partition_of(item.key, rows.partitions), line, item)
        rows.good += 1
        players.add(item.key)
        if profile is not None and item.at >= named.get(profile.player_id, (0, profile))[0]:
            named[profile.player_id] = item.at, profile
    rows.staging.sort()
    rows.players = len(players)
    for _, (_, profile) in sorted(named.items()):
        at = partition_of(profile.player_id.encode(), rows.partitions)
        rows.profiles.setdefault(at, []).append(reading.profile(profile))


def catalogue_of(boards: Sequence[Board]) -> Catalogue:
    """The catalogue once these boards are defined in a new log, behind its `LogCreated`."""
    return Catalogue(len(boards), tuple(Revision(offset, board) for offset, board in enumerate(boards, 1)))


def _defined(board: Board, at: int) -> Item:
    event = wrap(
        BoardDefined(board=board),
        event_id=event_id_of(board.board_id, "import:define"),
        subject=board.board_id,
        source=SOURCE,
        actor=ACTOR,
        time=datetime.fromtimestamp(at / 1000, UTC),
    )
    return Item(board.board_id.encode(), encode(event), at)


@dataclass(frozen=True, slots=True)
class Exported:
    """An exported log: the same records go to the same partitions and offsets."""

    log: ExportedLog
    files: Mapping[TopicName, Mapping[int, list[Path]]]
    firsts: Mapping[Place, int]
    """The time of the first record of each partition."""
    called: int
    """Profiles in it."""

    @property
    def partitions(self) -> int:
        """As many as the log had."""
        return len(self.files["events"])

    def since(self, topic: TopicName, partition: int) -> int | None:
        """As it was."""
        return self.firsts[topic, partition] if topic != "players" else None

    def count(self, topic: TopicName, partition: int) -> int:
        """How many records there are."""
        if topic == "players":
            return sum(1 for _ in self.items(topic, partition))
        return max(0, rows_in(self.files[topic].get(partition, [])) - 1)

    def items(self, topic: TopicName, partition: int) -> Iterator[Item]:
        """These records, in order; of profiles, those of players."""
        for rows in read_rows(self.files[topic].get(partition, [])):
            for record in map(record_at, rows):
                if record.offset and (topic != "players" or not (record.key or b"").startswith(OWN)):
                    yield Item(record.key, record.value, record.timestamp)

    def positions(self, incarnation: str) -> Iterator["Moved"]:
        """Where every record of the old log is in the new one."""
        for partition, end in sorted(self.log.end.offsets.items()):
            yield Moved(self.log.end.incarnation, partition, 0, end, incarnation, partition, 0)


class Moved(NamedTuple):
    """Offsets of a partition, from one up to before another, and where the first of them is now."""

    old_incarnation: str
    old_partition: int
    old_first: int
    old_end: int
    new_incarnation: str
    new_partition: int
    new_first: int


def exported_history(folder: Path) -> Exported:
    """A log that was exported whole. Raises NotReplayed."""
    log = open_exported(folder)
    files = {topic: files_of(folder, topic) for topic in FILLED}
    firsts = {
        (topic, partition): next(read_rows(held, 1))[0]["recorded_at"]
        for topic in TIMED
        for partition, held in files[topic].items()
    }
    return Exported(log, files, firsts, sum(rows_in(held) for held in files["players"].values()))
