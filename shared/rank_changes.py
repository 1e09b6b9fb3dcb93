"""Records of `rank-changes`: what a projected batch did. Pure.

Derived and lossy by right: whoever misses a record re-reads the ranks.
"""

from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from shared.fold.state import Credit, Kind


class OutcomeLine(NamedTuple):
    """The outcome of one event; see shared.fold.state.Outcome."""

    attempt: str
    kind: Kind
    reason: str | None
    player_id: str
    event_id: str
    partition: int
    offset: int
    first: Kind | None
    credits: tuple[Credit, ...] = ()


class RankLine(NamedTuple):
    """Where a player stood before and after the batch; None: not ranked."""

    player_id: str
    old_rank: int | None
    new_rank: int | None
    value: int | None
    gap: int | None = None
    """How far the value is from that of the next better rank; None at the top."""


class BoardLines(BaseModel):
    """What the batch did to one season of a board: everyone in it whom an event named."""

    model_config = ConfigDict(frozen=True)

    board_id: str
    season: str
    total: int
    rows: list[RankLine]
    version: dict[int, int] = {}
    """The board's version after the batch: of two records, the one that has not the other's is the older."""


class RankChanges(BaseModel):
    """One record of the feed."""

    model_config = ConfigDict(frozen=True)

    version: Literal[1] = 1
    incarnation: str
    clock: int = 0
    """The newest fold clock in the batch, milliseconds."""
    ranks: Literal["known", "unknown"] = "known"
    """unknown: Redis was away, so the batch has outcomes and no ranks."""
    positions: dict[int, int] = {}
    """Partition → next offset that the read models have reached, of the partitions of this projector."""
    outcomes: list[OutcomeLine] = []
    boards: list[BoardLines] = []
    resync: bool = False
    """Readers have to drop what they hold of every board and re-read: they may have missed records."""
