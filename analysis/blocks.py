"""Partitions of the log to files, a block of records at a time: what a file holds follows from the log alone.

A block is so many records of one day by the fold's clock, which never goes back: a file, named by its first offset.
Where a block goes on in a later run, its file is written anew, with what it held before; so a run that was broken off
leaves nothing that the next does not replace.

Run as a process (`python -m analysis.blocks`) it reads an Order from its arguments and says on standard output, a line
of JSON each, which blocks have their file: when nobody reads that any more, it ends.
"""

import asyncio
import gc
import sys
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from analysis.bookmark import Reached, settle
from analysis.columns import Row, row_of
from analysis.formats import SCHEMA, batch_of, read, write
from analysis.orders import NAME, Order, Part, Told, Written
from analysis.wishes import EVERYTHING, Format, Sieve
from shared.log import LogUnavailable, open_reader
from shared.records import Record
from shared.settings import KafkaSettings, NamingSettings
from shared.topics import TopicName

BLOCK = 65_536
"""Records."""
BLOCK_SIZE = 64 * 1024 * 1024
"""Bytes of records after which a block ends all the same: it is in memory until it is written."""
FETCHED = 8 * 1024 * 1024
"""Bytes of a partition a fetch."""
AT_A_TIME = 4_096
SILENT_READS = 30
"""Of a second, before a partition that should have more is given up."""
DAY = 86_400_000


async def export(kafka: KafkaSettings, naming: NamingSettings, order: Order, told: Told) -> None:
    """Write the files of these partitions. Raises LogUnavailable, OSError."""
    for part in order.parts:
        sieve = order.sieve if part.begin.topic == "events" else EVERYTHING
        block = _Block(order, sieve, part.begin)
        async for records in _read(kafka, naming, part):
            while records:
                records = block.take(records)
                if records or block.full:
                    told(block.write(over=True))
        if block.records:
            told(block.write(over=False))


async def _read(kafka: KafkaSettings, naming: NamingSettings, part: Part) -> AsyncIterator[list[Record]]:
    """All records of a part. Raises LogUnavailable."""
    topic, partition = part.begin.place
    offset, silent = part.begin.offset, 0
    async with open_reader(kafka, naming, NAME, partition_bytes=FETCHED) as reader:
        reader.assign({(topic, partition): offset})
        while offset < part.end:
            records = [record for _, record in await reader.read(limit=AT_A_TIME, wait_ms=1_000)]
            silent = 0 if records else silent + 1
            if silent > SILENT_READS:
                raise LogUnavailable(f"{topic}/{partition}: no record from {offset} on, before {part.end}")
            if records:
                offset = records[-1].offset + 1
                yield [record for record in records if record.offset < part.end]


class _Block:
    """The records of a block that are not in its file yet."""

    def __init__(self, order: Order, sieve: Sieve, begin: Reached) -> None:
        self._order = order
        self._sieve = sieve
        self._begin = self._reached = begin
        self._batches: list[pa.RecordBatch] = []
        self.records = 0

    @property
    def full(self) -> bool:
        """Whether it has its size."""
        return self._reached.records >= BLOCK or self._reached.size >= BLOCK_SIZE

    def take(self, records: list[Record]) -> list[Record]:
        """Take records in; those that are for the next block, which begins at the same record in every run."""
        at, rows, taken = self._reached, list[Row](), 0
        clock, size, day = at.clock, at.size, at.clock // DAY if at.records else None
        for record in records[: BLOCK - at.records]:
            now = max(clock, record.timestamp)
            if size >= BLOCK_SIZE or day not in (None, now // DAY):
                break
            clock, day, size, taken = now, now // DAY, size + len(record.value or b""), taken + 1
            row = row_of(at.topic, record, clock)
            if self._sieve.open or self._sieve.takes(row):
                rows.append(row)
        if rows:
            self._batches.append(batch_of(rows))
        if taken:
            moved = {"offset": records[taken - 1].offset + 1, "records": at.records + taken}
            self._reached = at.model_copy(update={**moved, "clock": clock, "size": size})
        self.records += taken
        return records[taken:]

    def write(self, *, over: bool) -> Written:
        """Write the file, and go on behind it: with the next block when this one is over."""
        table, records, at = pa.Table.from_batches(self._batches, SCHEMA), self.records, self._reached
        if table.num_rows:
            self._write(table)
        if over:
            at = at.model_copy(update={"first": at.offset, "records": 0, "size": 0})
        self._begin = self._reached = at
        self._batches, self.records = [], 0
        gc.collect()
        return Written(reached=at, records=records, rows=table.num_rows)

    def _write(self, rows: pa.Table) -> None:
        form, begin = self._order.form, self._begin
        path = self._order.folder / path_of(begin.topic, begin.partition, begin.first, self._reached.clock, form)
        if begin.records and path.exists():
            before = read(path, form)
            rows = pa.concat_tables([before.filter(pc.less(before["offset"], begin.offset)), rows])
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(f".{path.name}.tmp")
        write(rows, new, form)
        settle(new, path)


def path_of(topic: TopicName, partition: int, first: int, clock: int, form: Format) -> Path:
    """Where in the folder the block of a partition is that begins at an offset, of the day of this clock."""
    day = datetime.fromtimestamp(clock // 1000, UTC).date().isoformat()
    return Path(topic, f"day={day}", f"{partition}-{first:015d}.{form}")


def _say(written: Written) -> None:
    print(written.model_dump_json(), flush=True)  # noqa: T201 - this is how it is told


def main(arguments: Iterable[str]) -> int:
    """Export what the order says; an error is one line on standard error."""
    [order] = arguments
    gc.disable()  # rows have no cycles, and looking for them takes its time; once a block is enough for all else
    try:
        asyncio.run(export(KafkaSettings(), NamingSettings(), Order.model_validate_json(order), _say))
    except BrokenPipeError:
        return 1
    except (LogUnavailable, OSError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
