"""Whether the log goes on where the tables end: a partition is followed without a hole, or not at all. Pure.

aiokafka detects neither a truncated nor a replaced log. So reading begins one record early: the last one that was
applied has to be there still, byte for byte.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from projector.batch import Mark
from shared.events import LogCreatedEvent
from shared.records import Record, checksum, receive
from shared.topics import Place, TopicName

COMPACTED: frozenset[TopicName] = frozenset({"players"})
"""Topics whose offsets have holes: compaction removes records."""


class LogDamaged(Exception):
    """The log is not the one that the tables were built from, or has lost a part: never go on by itself."""

    def __init__(self, place: Place, offset: int, reason: str) -> None:
        self.place = place
        self.offset = offset
        """What is before this in the log may still be projected."""
        self.reason = f"{reason}: restore the log, or `leaderboard reset` folds what is there from its beginning"
        super().__init__(f"{place[0]}/{place[1]} at offset {offset}: {self.reason}")


@dataclass(slots=True)
class Continuity:
    """What each partition has to go on with; `incarnations` names the log of each topic."""

    marks: dict[Place, Mark]
    incarnations: Mapping[TopicName, str]
    stops: Mapping[Place, int]
    """Partitions to be followed only up to before an offset."""

    def begin(self) -> dict[Place, int]:
        """Where to begin reading: at the record applied last, so that `follow` sees it."""
        return {
            place: max(0, mark.next_offset - 1) for place, mark in self.marks.items() if not self._is_at_stop(place)
        }

    def behind(self, end: Mapping[Place, int]) -> list[Place]:
        """The partitions of which there is more to follow. Raises LogDamaged where there is less than was followed."""
        self._check_end(end)
        return [place for place in self.begin() if end[place] > self.marks[place].next_offset]

    def check_ends(self, first: Mapping[Place, int], end: Mapping[Place, int]) -> None:
        """Compare with what the broker says of the log: first offset kept, next to be written. Raises LogDamaged."""
        self._check_end(end)
        for place, start in self.begin().items():
            if first[place] > start:
                raise LogDamaged(
                    place, self.marks[place].next_offset, f"the log begins at {first[place]}, offset {start} is needed"
                )

    def _check_end(self, end: Mapping[Place, int]) -> None:
        for place in self.begin():
            if end[place] < self.marks[place].next_offset:
                known = self.marks[place].next_offset
                raise LogDamaged(place, known, f"the log ends at {end[place]}, {known} were applied")

    def _is_at_stop(self, place: Place) -> bool:
        return place in self.stops and self.marks[place].next_offset >= self.stops[place]

    def follow(self, fetched: Iterable[tuple[TopicName, Record]]) -> Iterator[tuple[TopicName, Record]]:
        """The records that go on where the tables end. Raises LogDamaged at the first that does not."""
        for topic, record in fetched:
            place = topic, record.partition
            mark = self.marks[place]
            if place in self.stops and record.offset >= self.stops[place]:
                continue
            if record.offset == mark.next_offset - 1:
                self._recognize(place, mark, record)
            elif record.offset >= mark.next_offset:
                self._succeed(place, mark, record)
                self.marks[place] = Mark(record.offset + 1)
                yield topic, record

    def _recognize(self, place: Place, mark: Mark, record: Record) -> None:
        if mark.crc is not None and checksum(record) != mark.crc:
            raise LogDamaged(
                place, mark.next_offset, f"offset {record.offset} holds another record than the one that was applied"
            )

    def _succeed(self, place: Place, mark: Mark, record: Record) -> None:
        if record.offset != mark.next_offset and place[0] not in COMPACTED:
            raise LogDamaged(place, mark.next_offset, f"offset {record.offset} follows on {mark.next_offset - 1}")
        if record.offset == 0:
            self._identify(place, record)

    def _identify(self, place: Place, record: Record) -> None:
        event = receive(record).event
        named = event.data.incarnation if isinstance(event, LogCreatedEvent) else None
        if named != self.incarnations[place[0]]:
            raise LogDamaged(place, 0, f"this is log {named}, expected {self.incarnations[place[0]]}")
