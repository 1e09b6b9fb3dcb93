"""A partition of the log from its beginning to before an offset: every record, or an error."""

from collections.abc import AsyncIterator

from pydantic import BaseModel

from projector.applying import SILENT_READS
from projector.batch import Mark
from projector.continuity import Continuity
from shared.log import LogUnavailable, open_reader
from shared.records import Record
from shared.settings import KafkaSettings, NamingSettings
from shared.topics import Place, TopicName

FETCHED = 8 * 1024 * 1024
"""Bytes of a partition a fetch."""
AT_A_TIME = 5_000
"""Records between two looks at whoever waits."""


class Part(BaseModel):
    """A partition, and before which offset it ends."""

    topic: TopicName
    partition: int
    end: int

    @property
    def place(self) -> Place:
        """Topic and partition."""
        return self.topic, self.partition


async def read_part(
    kafka: KafkaSettings, naming: NamingSettings, client_id: str, incarnation: str, part: Part
) -> AsyncIterator[list[Record]]:
    """All records of a partition before its end, some at a time. Raises LogDamaged, LogUnavailable.

    `incarnation` of the topic: which log it has to be.
    """
    continuity = Continuity({part.place: Mark(0)}, {part.topic: incarnation}, {part.place: part.end})
    reached, silent = 0, 0
    async with open_reader(kafka, naming, client_id, partition_bytes=FETCHED) as reader:
        reader.assign(continuity.begin())
        while reached < part.end:
            fetched = await reader.read(limit=AT_A_TIME, wait_ms=1_000)
            silent = 0 if fetched else silent + 1
            if silent > SILENT_READS:
                raise LogUnavailable(f"{part.topic}/{part.partition}: no record from {reached} on, before {part.end}")
            yield [record for _, record in continuity.follow(fetched)]
            reached = max([reached, *(record.offset + 1 for _, record in fetched[-1:])])
