"""The least that reading a log takes: one consumer that reads every partition to its end, and looks at nothing.

A module of its own, run as a process, so that what it loads is no more than what it needs.
"""

import asyncio

from shared.log import open_reader
from shared.settings import KafkaSettings, NamingSettings

NAME = "bench-drain"
FETCHED = 8 * 1024 * 1024
"""Bytes of a partition a fetch, as `export` has it."""
AT_A_TIME = 4_096


async def drain() -> None:
    """Read the events topic."""
    async with open_reader(KafkaSettings(), NamingSettings(), NAME, partition_bytes=FETCHED) as reader:
        left = {partition: end for partition, end in (await reader.end("events")).items() if end}
        reader.assign({("events", partition): 0 for partition in left})
        while left:
            for _, record in await reader.read(limit=AT_A_TIME, wait_ms=1_000):
                if record.offset + 1 >= left.get(record.partition, 0):
                    left.pop(record.partition, None)


if __name__ == "__main__":
    asyncio.run(drain())
