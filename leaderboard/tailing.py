"""`leaderboard log tail`: the newest facts, as they lie in the log."""

from collections.abc import Callable
from datetime import UTC, datetime

from shared.log import Reader, open_reader
from shared.records import Record
from shared.settings import KafkaSettings, NamingSettings

NAME = "log-tail"


async def tail(
    kafka: KafkaSettings, naming: NamingSettings, count: int, follow: bool, show: Callable[[str], None]
) -> None:
    """Show the last `count` records of the events topic, then, with `follow`, all that come."""
    async with open_reader(kafka, naming, NAME) as reader:
        end = await reader.end("events")
        for record in await _newest(reader, end, count):
            show(line(record))
        if not follow:
            return
        reader.assign({("events", partition): offset for partition, offset in end.items()})
        while True:
            for _, record in await reader.read(limit=500, wait_ms=1_000):
                show(line(record))


def line(record: Record) -> str:
    """One record: where, when by the broker's clock, and its JSON as it is."""
    when = datetime.fromtimestamp(record.timestamp / 1000, UTC).isoformat(timespec="milliseconds")
    value = (record.value or b"null").decode(errors="replace").replace("\n", " ")
    return f"{record.partition}/{record.offset} {when} {value}"


async def _newest(reader: Reader, end: dict[int, int], count: int) -> list[Record]:
    """The newest `count` records over all partitions, by the broker's clock."""
    beginning = await reader.beginning("events")
    reader.assign({("events", partition): max(beginning[partition], at - count) for partition, at in end.items()})
    reached = {partition: max(beginning[partition], at - count) for partition, at in end.items()}
    found: list[Record] = []
    while count and any(reached[partition] < at for partition, at in end.items()):
        for _, record in await reader.read(limit=1_000, wait_ms=1_000):
            reached[record.partition] = record.offset + 1
            found.append(record)
    found.sort(key=lambda record: (record.timestamp, record.partition, record.offset))
    return found[-count:] if count else []
