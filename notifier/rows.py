"""Rows as the stream carries them, their label and their checksum. Pure."""

from base64 import urlsafe_b64encode
from collections.abc import Iterable
from hashlib import blake2b
from typing import NamedTuple
from zlib import crc32

from shared.boards import Board


class Row(NamedTuple):
    """A row with what decides its place: value, then `reached_at`, then the id bytewise."""

    player_id: str
    value: int
    reached_at: int
    name: str | None


class WindowRow(NamedTuple):
    """A row with its rank, where what is ahead of it is not sent."""

    player_id: str
    value: int
    reached_at: int
    name: str | None
    rank: int


def canonical(rows: Iterable[Row]) -> bytes:
    """Rows, in order, as every language can write them."""
    return "".join(f"{player}\t{value}\t{at}\t{name or ''}\n" for player, value, at, name in rows).encode()


def checksum(rows: Iterable[Row]) -> str:
    """By which a client finds that its rows are others."""
    return f"{crc32(canonical(rows)):08x}"


def label(board: Board, season: str, total: int, rows: Iterable[Row]) -> str:
    """The name of a state: equal for equal states on every node, after every restart, from either store."""
    head = f"{board.operator} {board.order} {board.ties} {season} {total}\n".encode()
    return urlsafe_b64encode(blake2b(head + canonical(rows), digest_size=9).digest()).decode()
