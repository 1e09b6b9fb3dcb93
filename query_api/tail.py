"""The newest records of the log, over all partitions."""

import asyncio
import heapq
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import NamedTuple

from shared.log import LogUnavailable, Reader
from shared.problems import unavailable
from shared.records import Record

WITHIN = 3.0
"""Seconds for a read, those before it included."""
AT_ONCE = 1_000
"""Records a fetch hands over."""


class Newest(NamedTuple):
    """Records, newest first."""

    records: list[Record]
    before: dict[int, int]
    """Partition → the offset before which those lie that are next older; none where it is all."""


class Tail:
    """Reads what is newest in the events topic, one request after the other: the reader has one place to read from."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._free = asyncio.Lock()

    async def newest(self, count: int, before: Mapping[int, int] | None = None) -> Newest:
        """The newest records by the broker's clock, newest first. Raises Problem (503).

        `before`: partition → the offset that they have to be before; a partition not named has none to show.
        """
        try:
            async with asyncio.timeout(WITHIN), self._free:
                return await self._read(count, before)
        except (LogUnavailable, TimeoutError) as error:
            raise unavailable(f"the log does not answer: {error!r}") from error

    async def _read(self, count: int, before: Mapping[int, int] | None) -> Newest:
        end, begin = await self._reader.end("events"), await self._reader.beginning("events")
        if before is not None:
            end = {partition: min(at, before.get(partition, 0)) for partition, at in end.items()}
        reached = {partition: max(begin[partition], at - count) for partition, at in end.items()}
        reached = {partition: at for partition, at in reached.items() if at < end[partition]}
        self._reader.assign({("events", partition): at for partition, at in reached.items()})
        found: dict[int, list[Record]] = {partition: [] for partition in reached}
        while any(at < end[partition] for partition, at in reached.items()):
            for _, record in await self._reader.read(limit=AT_ONCE, wait_ms=1_000):
                reached[record.partition] = record.offset + 1
                if record.offset < end[record.partition]:
                    found[record.partition].append(record)
        self._reader.assign({})  # or it fetches on, what nobody asks for
        records = newest_of(found.values(), count)
        rest = end | {record.partition: record.offset for record in records}
        return Newest(records, {partition: at for partition, at in rest.items() if at > begin[partition]})


def newest_of(partitions: Iterable[list[Record]], count: int) -> list[Record]:
    """The newest records of partitions that are each in order, newest first.

    What is taken of a partition is its end, without a gap, also where the broker's clock went back.
    """
    ends = (reversed(records) for records in partitions)
    return list(islice(heapq.merge(*ends, key=lambda record: -record.timestamp), count))
