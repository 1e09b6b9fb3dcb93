"""The feed: records of `rank-changes`, one a projected batch, and their reader.

Derived and lossy by right: whoever misses a record re-reads the ranks. So readers start at the end.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Literal, NamedTuple, TypeAlias

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from shared.fold.state import Credit, Kind
from shared.log import LogUnavailable, Reader, open_reader
from shared.settings import KafkaSettings, NamingSettings
from shared.watchdog import stop_process

PARTITION = 0
"""Where every projector writes. Nobody reads the others: each that is read costs work with every fetch."""

log = structlog.get_logger()


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


Subscriber: TypeAlias = Callable[[RankChanges], None]


class Feed:
    """Hands every record of the feed to its subscribers, which must not block."""

    def __init__(self) -> None:
        self._subscribers: list[Subscriber] = []

    def subscribe(self, subscriber: Subscriber) -> None:
        """Call `subscriber` with every record from now on."""
        self._subscribers.append(subscriber)

    def publish(self, value: bytes | None) -> None:
        """Decode one record and hand it on; what is not ours is left alone."""
        try:
            changes = RankChanges.model_validate_json(value or b"")
        except ValidationError:
            return
        for subscriber in self._subscribers:
            subscriber(changes)

    async def follow(self, reader: Reader) -> None:
        """Hand on what is read, for ever."""
        while True:
            try:
                records = await reader.read(limit=500, wait_ms=1_000)
            except LogUnavailable as error:
                log.warning("feed_unavailable", error=str(error))
                await asyncio.sleep(0.5)
                continue
            for _, record in records:
                self.publish(record.value)


@asynccontextmanager
async def open_feed(kafka: KafkaSettings, naming: NamingSettings, client_id: str) -> AsyncIterator[Feed]:
    """A feed that is being followed from its present end. Raises LogUnavailable when no broker answers."""
    feed = Feed()
    async with open_reader(kafka, naming, f"{client_id}-feed") as reader:
        end = await reader.end("rank-changes")
        reader.assign({("rank-changes", PARTITION): end[PARTITION]})
        following = asyncio.create_task(feed.follow(reader))
        following.add_done_callback(stop_process)
        try:
            yield feed
        finally:
            following.remove_done_callback(stop_process)
            following.cancel()
