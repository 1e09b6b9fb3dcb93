"""One record of a topic, as the log port hands it to the pure code. Pure."""

import zlib
from typing import NamedTuple

from shared.events import Event, Undecodable, UnknownEventType, decode


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
    unknown: str | None = None
    """The `leaderboard.*` type that this build does not know: its writer is newer, and nobody here may judge it."""


def receive(record: Record) -> Received:
    """Decode a record."""
    try:
        return Received(record, decode(record.value))
    except Undecodable:
        return Received(record, None)
    except UnknownEventType as error:
        return Received(record, None, str(error))


def checksum(record: Record) -> int:
    """CRC-32 over all that a record is but its place: tells whether the log still holds it."""
    head = f"{record.timestamp} {-1 if record.key is None else len(record.key)}".encode()
    return zlib.crc32(record.value or b"", zlib.crc32(record.key or b"", zlib.crc32(head)))
