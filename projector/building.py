"""New tables from the log: each partition is folded in memory from its beginning, and written by COPY.

Run as a process (`python -m projector.building`) it reads an Order from its arguments and says on standard output, line
by line, how many records it has folded: when nobody reads that any more, it ends.
"""

import asyncio
import gc
import sys
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import asyncpg
from pydantic import BaseModel

from projector.continuity import LogDamaged
from projector.reading import Part, read_part
from projector.store import (
    SAVE_ENDED,
    SAVE_ENTRIES,
    SAVE_HISTORY,
    SAVE_PLAYERS,
    SAVE_PROFILES,
    SAVE_RULINGS,
    SAVE_SEASONS,
    SAVE_SESSIONS,
    SAVE_VERSIONS,
    copy,
    entry_row,
    history_row,
)
from shared.catalogue import Catalogue
from shared.catalogue_log import CatalogueLog
from shared.fold.folding import Folding
from shared.fold.players import Profile, fold_profile
from shared.fold.state import BoardSeason, Partition
from shared.fold.unfoldable import Unfoldable
from shared.log import LogUnavailable
from shared.postgres import Pool, open_pool
from shared.records import Received, Record, checksum, receive
from shared.seasons import season_of
from shared.settings import KafkaSettings, NamingSettings, PostgresSettings
from shared.topics import TopicName

NAME = "building"
HISTORY_ROWS = 50_000
"""Kept until they are written: of all rows these are the most, and they never change."""
SAVE_CHECKPOINT = """
insert into checkpoints (topic, partition, incarnation, next_offset, crc, clock, catalogue, applied, duplicate,
    conflict, refused, voided)
"""

Told = Callable[[int], None]
"""Told how many records were folded, since the last time."""


class Order(BaseModel):
    """What one process is to build, into which schema; `incarnations` names the log of each topic."""

    schema_name: str
    incarnations: dict[TopicName, str]
    parts: list[Part]


@dataclass(slots=True)
class Built:
    """The fold of one partition of the events topic, and what it comes to besides what is folded."""

    folding: Folding
    versions: dict[BoardSeason, int] = field(default_factory=dict)
    history: list[tuple[Any, ...]] = field(default_factory=list)
    """Rows that were not written yet."""

    def take(self, received: Received) -> None:
        """Fold a record. Raises Unfoldable."""
        step = self.folding.take(received)
        for entry in step.entries if step is not None else ():
            self.history.append(history_row(entry))
            self.versions[entry.board_id, entry.season] = entry.offset


async def build(
    kafka: KafkaSettings, postgres: PostgresSettings, naming: NamingSettings, order: Order, told: Told
) -> None:
    """Write the rows of these partitions, and their checkpoints. Raises Unfoldable, LogDamaged, LogUnavailable."""
    catalogue = await CatalogueLog(kafka, naming, NAME).read(Catalogue())
    async with open_pool(postgres, naming, NAME, durable=False, schema=order.schema_name) as pool:
        for part in order.parts:
            records = read_part(kafka, naming, NAME, order.incarnations[part.topic], part)
            work = _build_events if part.topic == "events" else _build_profiles
            await work(pool, catalogue, order, part, _telling(records, told))


async def _telling(records: AsyncIterator[list[Record]], told: Told) -> AsyncIterator[list[Record]]:
    async for each in records:
        yield each
        told(len(each))


async def _build_events(
    pool: Pool, catalogue: Catalogue, order: Order, part: Part, records: AsyncIterator[list[Record]]
) -> None:
    built, last = Built(Folding(catalogue)), None
    folding = built.folding
    async with pool.acquire() as connection:
        async for each in records:
            for last in each:
                built.take(receive(last))
            if len(built.history) >= HISTORY_ROWS:
                await copy(connection, SAVE_HISTORY, built.history)
                built.history.clear()
        boards = {board.board_id: board for board in catalogue.boards()}
        at = part.partition
        await copy(connection, SAVE_HISTORY, built.history)
        await copy(connection, SAVE_PLAYERS, folding.rows("players"))
        await copy(connection, SAVE_SESSIONS, folding.rows("sessions"))
        await copy(connection, SAVE_RULINGS, folding.rows("rulings"))
        await copy(connection, SAVE_ENDED, folding.ended.values())
        await copy(connection, SAVE_ENTRIES, (entry_row(entry, boards) for entry in folding.rows("entries")))
        await copy(connection, SAVE_VERSIONS, ((*season, at, offset) for season, offset in built.versions.items()))
        seasons = sorted((board_id, *season_of(boards[board_id], name)) for board_id, name in built.versions)
        if seasons:  # which the other partitions have, too
            await connection.execute(SAVE_SEASONS, *map(list, zip(*seasons, strict=True)))
        await _save_checkpoint(connection, order, part, folding.partitions.get(at, Partition()), last)


async def _build_profiles(
    pool: Pool, catalogue: Catalogue, order: Order, part: Part, records: AsyncIterator[list[Record]]
) -> None:
    profiles, last = dict[str, Profile](), None
    async for each in records:
        for last in each:
            profile = fold_profile(catalogue, receive(last))
            if profile is not None:
                profiles[profile.player_id] = profile
    async with pool.acquire() as connection:
        await copy(connection, SAVE_PROFILES, profiles.values())
        await _save_checkpoint(connection, order, part, Partition(), last)


async def _save_checkpoint(connection: Any, order: Order, part: Part, reached: Partition, last: Record | None) -> None:
    """Where a partition stands. The last record before the end may be gone from a compacted topic."""
    crc = checksum(last) if last is not None and last.offset == part.end - 1 else None
    head = part.topic, part.partition, order.incarnations[part.topic], part.end, crc
    await copy(connection, SAVE_CHECKPOINT, [(*head, reached.clock, reached.catalogue, *reached.counts.values())])


def _say(count: int) -> None:
    print(count, flush=True)  # noqa: T201 - this is how it is told


def main(arguments: Iterable[str]) -> int:
    """Build what the order says; an error is one line on standard error."""
    [order] = arguments
    gc.disable()  # what is folded has no cycles, and looking for them among millions of rows takes half of the time
    settings = KafkaSettings(), PostgresSettings(), NamingSettings()
    try:
        asyncio.run(build(*settings, Order.model_validate_json(order), _say))
    except BrokenPipeError:
        return 1
    except (Unfoldable, LogDamaged, LogUnavailable, OSError, asyncpg.PostgresError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
