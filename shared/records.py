"""One record of a topic, as the log port hands it to the pure code. Pure."""

from typing import NamedTuple

from shared.events import Event, Undecodable, decode


class Record(NamedTuple):
    """Bytes at a place in a partition; `timestamp` in milliseconds, the broker's (LogAppendTime)."""

    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


class Received(NamedTuple):
    """A record and what it says; `event` is None when its bytes are no valid event."""

    record: Record
    event: Event | None


def receive(record: Record) -> Received:
    """Decode a record. Raises UnknownEventType for an own type of a newer build."""
    try:
        return Received(record, decode(record.value))
    except Undecodable:
        return Received(record, None)
