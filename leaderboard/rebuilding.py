"""`leaderboard rebuild`: the tables anew from the log, beside the live ones; then they change places (ADR 22)."""

import asyncio
import contextlib
import os
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

import asyncpg

from leaderboard.comparing import TABLES, Differences, compare
from leaderboard.crew import WorkerFailed, deal, together, work
from projector.applying import Stand, catch_up
from projector.building import Order
from projector.closing import conclude
from projector.continuity import LogDamaged
from projector.leases import give_back, take_all
from projector.ranks import RanksUnknown, RankWriter
from projector.reading import Part
from projector.schema import drop_indexes, migrate_schema, require_made
from projector.store import Fenced, Store
from projector.swapping import StillRead, await_snapshots, swap
from shared.catalogue import Catalogue
from shared.catalogue_log import CatalogueLog
from shared.fold.players import Profile
from shared.fold.unfoldable import Unfoldable
from shared.incarnation import read_incarnation
from shared.log import Reader, open_reader
from shared.postgres import BUSY, DOWN, Pool, Within, open_connection, open_pool, set_codecs
from shared.redis import open_redis
from shared.seasons import season_named
from shared.settings import KafkaSettings, NamingSettings, PostgresSettings, RedisSettings
from shared.topics import Place, TopicName

NAME = "rebuild"
TOPICS: tuple[TopicName, ...] = ("events", "players")
BULK = ("players", "profiles", "game_sessions", "leaderboard_entries", "entry_history")
"""Tables that get their keys and indexes after their rows."""
MEMORY = {"work_mem": "128MB", "maintenance_work_mem": "256MB", "jit": "off", "synchronous_commit": "off"}
FEW = 500
"""Records that may be left when the projectors are stopped: they are folded in some 50 ms."""
ROUNDS = 20
"""Of catching up before that."""
ATTEMPTS = 20
PAUSE = 3.0
"""Seconds between two attempts to hand over."""
LONG_READS = 10.0
"""Seconds to wait, beforehand, for whoever holds a snapshot for long."""
SHORT_READS = 2.0
"""The same while the projectors are stopped."""
TAKEN_WITHIN = 15.0
LOOK_EVERY = 0.05
CHECKPOINTS = 'select topic, partition, incarnation, next_offset from "{live}".checkpoints'
LEFT_OVER = "select nspname from pg_namespace where starts_with(nspname, $1) or starts_with(nspname, $2)"
PROFILES = 'select player_id, username, attributes, partition, "offset" from profiles where player_id = any($1::text[])'
ALIVE = "select count(*) from projectors where alive_until > now()"
UNOWNED = "select count(*) from checkpoints where owner is null"

Say = Callable[[str], None]
Progress = Callable[[int, int], None]
"""Told how many records are folded, of how many."""


class NotRebuilt(Exception):
    """The live tables are as they were; the message says why."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is asked for."""

    dry_run: bool = False
    """Build and compare only."""
    shown: int = 20
    """Rows that differ, to be printed."""
    processes: int = 2
    """That fold at once."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What was done."""

    records: int
    seconds: float
    folding: float
    """Of those, seconds until all records were folded and their rows written."""
    paused: float | None
    """Seconds for which nothing was projected; None where it was not handed over, or nobody has gone on yet."""
    differences: Differences
    emptied: int
    """Seasons that Redis has to be given anew."""
    handed_over: bool

    def line(self) -> str:
        """For people."""
        what = f"{self.records:,} records in {self.seconds:.1f} s"
        if not self.handed_over:
            return f"{what}; dry run: the live tables are as they were"
        redis = f"; {self.emptied} seasons are put into Redis anew" if self.emptied else ""
        pause = "no projector has gone on yet" if self.paused is None else f"projection paused for {self.paused:.1f} s"
        return f"{what}; the new tables are live, {pause}{redis}"


@dataclass(slots=True)
class Anew:
    """The tables that are built, and what is known of them and of the live ones."""

    control: "asyncpg.Connection[asyncpg.Record]"
    """In the new schema; holds the lock that lets one rebuild run at a time."""
    live: str
    schema: str
    away: str
    owner: str
    incarnations: dict[TopicName, str]
    catalogue_log: CatalogueLog
    stand: Stand = field(default_factory=lambda: Stand({}, {}, {}, Catalogue(), {}))
    end: dict[Place, int] = field(default_factory=dict)
    """Of the log: how far to go where the live tables are empty, and so say nothing."""

    async def wanted(self) -> dict[Place, int]:
        """Where the live tables are. Raises NotRebuilt when they are not empty any more."""
        rows = await self.control.fetch(CHECKPOINTS.format(live=self.live))
        if rows and self.end:
            raise NotRebuilt("a projector has come up meanwhile, and folds the log: let it; or stop it, and reset")
        return self.end or {(row["topic"], row["partition"]): row["next_offset"] for row in rows}

    async def now(self) -> datetime:
        """By the database's clock."""
        return cast(datetime, await self.control.fetchval("select clock_timestamp()"))


async def rebuild(
    kafka: KafkaSettings,
    postgres: PostgresSettings,
    redis: RedisSettings,
    naming: NamingSettings,
    wishes: Wishes,
    say: Say,
    progress: Progress,
) -> Rebuilt:
    """Build, compare and, unless it is a dry run, hand over. Raises NotRebuilt, LogUnavailable, LogNotCreated."""
    began = time.monotonic()
    async with _explained(), _beside(kafka, postgres, naming) as anew:
        parts = await _parts(kafka, naming, anew)
        again = await drop_indexes(anew.control, anew.schema, BULK)
        await _build(anew, parts, wishes.processes, progress)
        records, folding = sum(part.end for part in parts), time.monotonic() - began
        say(f"{records:,} records folded in {folding:.1f} s, {records / folding:,.0f} a second")
        async with (
            open_pool(postgres, naming, NAME, durable=False, timeout=600, schema=anew.schema) as pool,
            open_pool(postgres, naming, NAME) as live_pool,
        ):
            await _index(pool, again)
            await _begin(anew, Store(pool))
            say(f"keys and indexes made after {time.monotonic() - began:.1f} s")
            differences = await _compare(kafka, naming, anew, wishes.shown)
            for line in differences.lines():
                say(line)
            paused, emptied = None, 0
            if not wishes.dry_run:
                healing = _Healing(redis, naming, anew, differences)
                paused = await _change_places(kafka, naming, anew, Store(pool), live_pool, healing, say)
                emptied = healing.emptied
        return Rebuilt(records, time.monotonic() - began, folding, paused, differences, emptied, not wishes.dry_run)


@asynccontextmanager
async def _explained() -> AsyncIterator[None]:
    """What the log and Postgres raise, said as a reason. Raises NotRebuilt."""
    try:
        yield
    except WorkerFailed as error:
        raise NotRebuilt(str(error)) from error
    except (Unfoldable, LogDamaged) as error:
        raise NotRebuilt(f"the log cannot be folded up to where the live tables are: {error}") from error
    except DOWN as error:
        raise NotRebuilt(f"Postgres: {error!r}") from error


# --- the schema beside -----------------------------------------------------------------------


@asynccontextmanager
async def _beside(kafka: KafkaSettings, postgres: PostgresSettings, naming: NamingSettings) -> AsyncIterator[Anew]:
    """Empty tables in a schema of their own, gone at the end unless they have become the live ones."""
    live, token = naming.schema_name, secrets.token_hex(4)
    incarnations = {topic: await read_incarnation(kafka, naming, NAME, topic) for topic in TOPICS}
    async with open_connection(postgres, NAME, timeout=None, **MEMORY) as control:
        await set_codecs(control)
        if not await control.fetchval("select pg_try_advisory_lock(hashtextextended($1, 0))", f"{live} {NAME}"):
            raise NotRebuilt("another rebuild of these tables is running")
        await require_made(control, live)
        for row in await control.fetch(LEFT_OVER, f"{live}_anew_", f"{live}_away_"):
            await control.execute(f'drop schema "{row[0]}" cascade')
        names = f"{live}_anew_{token}", f"{live}_away_{token}"
        owner = f"{NAME}:{os.getpid()}:{token}"
        anew = Anew(control, live, *names, owner, incarnations, CatalogueLog(kafka, naming, NAME))
        try:
            await migrate_schema(control, anew.schema)
            yield anew
        finally:
            for schema in names:
                await _drop(control, schema)


async def _drop(control: "asyncpg.Connection[asyncpg.Record]", schema: str) -> None:
    """Drop a schema, as soon as nobody reads it; or leave it to the next rebuild."""
    for _ in range(10):
        with contextlib.suppress(*DOWN, *BUSY):
            await control.execute(f"set lock_timeout = '2s'; drop schema if exists \"{schema}\" cascade")
            return
        await asyncio.sleep(LOOK_EVERY)


async def _parts(kafka: KafkaSettings, naming: NamingSettings, anew: Anew) -> list[Part]:
    """Each partition up to where the live tables are, or to its end where they are empty."""
    rows = await anew.control.fetch(CHECKPOINTS.format(live=anew.live))
    foreign = {(row["topic"], row["incarnation"]) for row in rows} - set(anew.incarnations.items())
    if foreign:
        raise NotRebuilt(f"the live tables are of another log: {sorted(foreign)}; restore it, or `leaderboard reset`")
    async with open_reader(kafka, naming, NAME) as reader:
        ends = {(topic, number): end for topic in TOPICS for number, end in (await reader.end(topic)).items()}
    if not rows:
        anew.end = ends
        return [Part(topic=topic, partition=partition, end=end) for (topic, partition), end in ends.items()]
    for topic, partition, _, offset in rows:
        if ends.get((topic, partition), 0) < offset:
            raise NotRebuilt(f"{topic}/{partition}: the log ends before {offset}: restore it, or `leaderboard reset`")
    return [Part(topic=topic, partition=partition, end=offset) for topic, partition, _, offset in rows]


# --- building --------------------------------------------------------------------------------


async def _build(anew: Anew, parts: Sequence[Part], processes: int, progress: Progress) -> None:
    """Let processes fold all partitions, each some of them."""
    total, done = sum(part.end for part in parts), 0

    def heard(line: bytes) -> None:
        nonlocal done
        done += int(line)
        progress(min(done, total), total)

    hands = deal(parts, processes, lambda part: part.end)
    orders = [Order(schema_name=anew.schema, incarnations=anew.incarnations, parts=hand) for hand in hands]
    await together(work("projector.building", order.model_dump_json(), heard) for order in orders)


async def _index(pool: Pool, again: Sequence[str]) -> None:
    """Make keys and indexes, of a table each at a time; and let the planner know what is in them."""
    free = asyncio.Semaphore(2)

    async def make(statements: str) -> None:
        async with free:
            await pool.execute(f"set maintenance_work_mem = '{MEMORY['maintenance_work_mem']}'; {statements}")

    await together(make(statements) for statements in again)
    await pool.execute(f"analyze {', '.join(each.name for each in TABLES)}")


async def _begin(anew: Anew, store: Store) -> None:
    """Where the new tables stand."""
    epochs = dict.fromkeys(await anew.wanted(), 0)
    catalogue = await anew.catalogue_log.read(Catalogue())
    await store.save_boards(catalogue)
    marks, partitions = await store.marks(epochs), await store.partitions(epochs)
    anew.stand = Stand(epochs, marks, partitions, catalogue, await store.versions(0))


async def _compare(kafka: KafkaSettings, naming: NamingSettings, anew: Anew, most: int) -> Differences:
    """In one snapshot: bring the new tables to where it has the live ones, and compare, unless those are empty."""
    if anew.end:
        return Differences()
    async with (
        open_reader(kafka, naming, NAME) as reader,
        anew.control.transaction(isolation="repeatable_read"),
    ):
        store = Store(cast(Pool, Within(anew.control)))
        await _catch_up(anew, store, reader, await anew.wanted())
        await store.save_boards(anew.stand.catalogue)
        await _conclude(anew)
        return await compare(anew.control, anew.live, anew.schema, most)


async def _catch_up(anew: Anew, store: Store, reader: Reader, target: Mapping[Place, int]) -> int:
    """How many records that was."""
    left = sum(target[place] - mark.next_offset for place, mark in anew.stand.marks.items())
    await catch_up(store, anew.stand, reader, anew.catalogue_log, anew.incarnations, target)
    return left


async def _conclude(anew: Anew) -> None:
    partitions = sum(topic == "events" for topic, _ in anew.stand.marks)
    await conclude(anew.control, anew.stand.boards(), partitions)


# --- handing over ----------------------------------------------------------------------------


@dataclass(slots=True)
class _Healing:
    """What Redis must not go on to hold, where rows differ at the same version."""

    redis: RedisSettings
    naming: NamingSettings
    anew: Anew
    differences: Differences
    emptied: int = 0

    async def heal(self) -> None:
        """Empty seasons that differ, so that they are put in again, and put names right. Raises NotRebuilt."""
        if not self.differences.total:
            return
        stand = self.anew.stand
        boards = stand.boards()
        counts = {topic: len(stand.offsets(topic)) for topic in TOPICS}
        seasons = {*self.differences.seasons, *(stand.versions if self.differences.anywhere else ())}
        known = [at for at in seasons if at[0] in boards and season_named(boards[at[0]], at[1]) is not None]
        rows = await self.anew.control.fetch(PROFILES, self.differences.names)
        gone = sorted({*self.differences.names} - {row["player_id"] for row in rows})
        profiles = [*(Profile(*row) for row in rows), *(Profile(player, None, {}, 0, -1) for player in gone)]
        incarnations, keep = self.anew.incarnations, self.redis.keep_ms
        try:
            async with open_redis(self.redis, NAME) as client:
                ranks = RankWriter(client, self.naming.prefix, incarnations, counts, lambda: None, keep)
                kept = sorted(ranks.kept(boards, known))
                for at in kept:
                    await ranks.empty(boards[at[0]], at)
                await ranks.rename(profiles)
        except RanksUnknown as error:
            raise NotRebuilt(f"rows differ that Redis holds, and Redis does not answer: {error}") from error
        self.emptied = len(kept)


async def _change_places(
    kafka: KafkaSettings,
    naming: NamingSettings,
    anew: Anew,
    store: Store,
    live_pool: Pool,
    healing: _Healing,
    say: Say,
) -> float | None:
    """Hand over, trying again while somebody reads for long; how long nothing was projected. Raises NotRebuilt."""
    alive = await live_pool.fetchval(ALIVE)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            for _ in range(ROUNDS):
                async with open_reader(kafka, naming, NAME) as reader:
                    if await _catch_up(anew, store, reader, await anew.wanted()) < FEW:
                        break
            await await_snapshots(anew.control, await anew.now(), LONG_READS)
            async with open_reader(kafka, naming, NAME) as reader:
                began = time.monotonic()
                await _hand_over(anew, store, live_pool, reader, healing)
        except (StillRead, Fenced, *BUSY) as error:
            say(f"attempt {attempt} to hand over: {error}; the live tables go on")
            await asyncio.sleep(PAUSE)
        else:
            return time.monotonic() - began if alive and await _taken_up(live_pool) else None
    raise NotRebuilt(f"could not hand over in {ATTEMPTS} attempts")


async def _hand_over(anew: Anew, store: Store, live_pool: Pool, reader: Reader, healing: _Healing) -> None:
    """From here on nobody projects, until projectors take up what is free again: in the new tables, or the old ones."""
    epochs = await take_all(live_pool, anew.owner)
    try:
        await _catch_up(anew, store, reader, await anew.wanted())
        async with anew.control.transaction(isolation="repeatable_read"):
            await _conclude(anew)
        await await_snapshots(anew.control, await anew.now(), SHORT_READS)
        await healing.heal()
        await swap(anew.control, anew.live, anew.schema, anew.away, epochs)
    except BaseException:
        with contextlib.suppress(*DOWN, *BUSY):
            await give_back(live_pool, anew.owner)
        raise


async def _taken_up(live_pool: Pool) -> bool:
    """Whether projectors have gone on in time."""
    deadline = time.monotonic() + TAKEN_WITHIN
    while await live_pool.fetchval(UNOWNED):
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(LOOK_EVERY)
    return True
