"""The identity of the log: read from the `LogCreated` record at offset 0 of every partition."""

from shared.events import LogCreatedEvent, Undecodable, decode
from shared.log import LogUnavailable, Reader, open_reader
from shared.settings import KafkaSettings, NamingSettings
from shared.topics import TopicName


class LogNotCreated(Exception):
    """The topic has no `LogCreated` at offset 0: run `leaderboard init`, or this is not our log."""


async def read_incarnations(
    kafka: KafkaSettings, naming: NamingSettings, client_id: str, topic: TopicName
) -> dict[int, str | None]:
    """The incarnation that each partition names at offset 0; None for an empty partition.

    Raises LogNotCreated when offset 0 holds something else or is gone, and LogUnavailable.
    """
    # A reader of its own: one that is assigned anew waits for the long poll of its last assignment.
    async with open_reader(kafka, naming, f"{client_id}-incarnation") as reader:
        return await _read_first(reader, topic)


async def _read_first(reader: Reader, topic: TopicName) -> dict[int, str | None]:
    beginning, end = await reader.beginning(topic), await reader.end(topic)
    found: dict[int, str | None] = dict.fromkeys(beginning)
    waiting = {partition for partition in beginning if end[partition] > 0}
    if any(beginning[partition] > 0 for partition in waiting):
        raise LogNotCreated(f"{topic}: the beginning of the log is gone (its retention has to be for ever): restore it")
    reader.assign({(topic, partition): 0 for partition in waiting})
    for _ in range(20):
        if not waiting:
            return found
        for _, record in await reader.read(limit=1_000, wait_ms=500):
            if record.offset == 0:
                found[record.partition] = _incarnation(topic, record.value)
                waiting.discard(record.partition)
    raise LogUnavailable(f"{topic}: offset 0 of partitions {sorted(waiting)} could not be read")


async def read_incarnation(kafka: KafkaSettings, naming: NamingSettings, client_id: str, topic: TopicName) -> str:
    """The incarnation of a topic. Raises LogNotCreated when it has none, or not one."""
    named = set((await read_incarnations(kafka, naming, client_id, topic)).values())
    if len(named) != 1 or (incarnation := named.pop()) is None:
        raise LogNotCreated(f"{topic}: partitions name {sorted(map(str, named)) or 'no log'}; run `leaderboard init`")
    return incarnation


def _incarnation(topic: TopicName, value: bytes | None) -> str:
    try:
        event = decode(value)
    except Undecodable as error:
        raise LogNotCreated(f"{topic}: offset 0 is not ours: {error}") from error
    if not isinstance(event, LogCreatedEvent) or event.data.topic != topic:
        raise LogNotCreated(f"{topic}: offset 0 holds {event.type}")
    return event.data.incarnation
