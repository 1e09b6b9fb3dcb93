"""What readers and sockets were told: one line an answer, one line an event."""

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Row: TypeAlias = tuple[int, str, int, int, str]
"""Rank, player, score, games played, updated at."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One read. `answered` is in seconds since 1970."""

    reader: int
    kind: Literal["top", "rank"]
    mode: str
    answered: float
    url: str
    status: int | None
    """None when no answer came."""
    player: str = ""
    """Of a rank."""
    limit: int = 0
    """Of a top."""
    minimum: str | None = None
    """What the reader sent as X-Min-Position."""
    position: str | None = None
    total: int = 0
    rows: list[Any] = field(default_factory=list)
    error: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """Something that happened on a socket: it was opened, brought an event, was closed."""

    socket: int
    """A number of its own for each connection."""
    watched: str
    mode: str
    at: float
    what: Literal["opened", "event", "closed"]
    user_id: str = ""
    new_rank: int | None = None
    old_rank: int | None = None
