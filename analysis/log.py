"""A log to be folded: which one it is, how far it goes, and its records; here the live one."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from projector.reading import Part, read_part
from shared.catalogue import Catalogue
from shared.catalogue_log import CatalogueLog
from shared.incarnation import read_incarnation
from shared.log import open_reader
from shared.positions import Position
from shared.records import Received, receive
from shared.settings import KafkaSettings, NamingSettings

NAME = "replay"


class Log(Protocol):
    """A log whose events can be folded; nothing is written to it."""

    @property
    def end(self) -> Position:
        """Everything that is in it, as it was when it was opened."""

    @property
    def catalogue(self) -> Catalogue:
        """The boards, as the log has them; as far as any event before the end names them."""

    async def until(self, instant: int) -> Position:
        """The prefix of each partition whose clock is at most this, in milliseconds."""

    def read(self, partition: int, end: int) -> AsyncIterator[list[Received]]:
        """A partition's records before an offset, in order, some at a time. Raises LogUnavailable, LogDamaged."""


@dataclass(frozen=True, slots=True)
class LiveLog:
    """The log in Kafka, up to where it ended when it was opened."""

    kafka: KafkaSettings
    naming: NamingSettings
    end: Position
    catalogue: Catalogue

    async def until(self, instant: int) -> Position:
        """Kafka's own index tells it: the first record that is later ends the prefix, for the clock never goes back."""
        async with open_reader(self.kafka, self.naming, NAME) as reader:
            later = await reader.first_since("events", instant + 1)
        return Position(self.end.incarnation, _earlier(later, self.end.offsets))

    async def read(self, partition: int, end: int) -> AsyncIterator[list[Received]]:
        """From Kafka, a partition at a time."""
        part = Part(topic="events", partition=partition, end=end)
        async for records in read_part(self.kafka, self.naming, NAME, self.end.incarnation, part):
            yield [receive(record) for record in records]


async def open_live(kafka: KafkaSettings, naming: NamingSettings) -> LiveLog:
    """The log as it is now. Raises LogUnavailable, LogNotCreated."""
    incarnation = await read_incarnation(kafka, naming, NAME, "events")
    async with open_reader(kafka, naming, NAME) as reader:
        end = await reader.end("events")
    # The catalogue last: no event before the end names more of it than there was.
    catalogue = await CatalogueLog(kafka, naming, NAME).read(Catalogue())
    return LiveLog(kafka, naming, Position(incarnation, end), catalogue)


def _earlier(later: Mapping[int, int | None], end: Mapping[int, int]) -> dict[int, int]:
    """Partition → the first offset that is later, or its end."""
    found = {partition: later.get(partition) for partition in end}
    return {partition: end[partition] if at is None else min(at, end[partition]) for partition, at in found.items()}
