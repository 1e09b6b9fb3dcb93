"""`leaderboard import`: a history into a new log, each record at its own time; then the broker's clock is the log's.

What is to be imported is a fixed sequence of records for each partition, so the log itself says how far an import got:
its records are the first ones of that sequence, or they are somebody else's and nothing is done (ADR 26).
"""

import asyncio
import heapq
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from itertools import islice
from typing import NamedTuple, Protocol, TypeAlias

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient

from analysis.mapping import Item
from leaderboard.counting import Count
from leaderboard.creating import create, create_topics, name_log, open_admin, own_settings, set_up
from projector.reading import Part, read_part
from shared.appender import Appender, Delivery, acknowledgement, open_appender
from shared.incarnation import read_incarnation, read_incarnations
from shared.log import LogUnavailable, Reader, open_reader
from shared.postgres import open_connection
from shared.settings import KafkaSettings, NamingSettings, PostgresSettings
from shared.topics import BY_THE_BROKER, Place, Topic, TopicName, topic_name, topics

NAME = "import"
AT_A_TIME = 2_000
"""Records that are handed over before those before them are waited for."""
APPEND_TIMEOUT = 60.0
BY_THE_WRITER = {"message.timestamp.type": "CreateTime", "segment.ms": str(100 * 365 * 24 * 3600 * 1000)}
"""While importing: records keep the times that they come with, and a segment may hold years of them."""
TIMED: tuple[TopicName, ...] = ("boards", "events")
"""Topics whose records have times that count."""
FILLED: tuple[TopicName, ...] = (*TIMED, "players")
"""In this order: events name offsets of the boards topic."""
ALIVE = 'select count(*) from "{schema}".projectors where alive_until > now()'
LOOKS = 50
LOOK_EVERY = 0.1
EMPTY: Mapping[str, str] = {}

Sent: TypeAlias = tuple[Delivery, Place, int]
"""A record on its way, its partition, and the offset that it is to have."""


class NotImported(Exception):
    """The log was not written to, or not to its end; the message says why and what to do."""


class Source(Protocol):
    """What is to be imported: for each topic and partition a sequence of records, the same each time."""

    @property
    def partitions(self) -> int:
        """Of the events topic."""

    def since(self, topic: TopicName, partition: int) -> int | None:
        """The time of a partition's first record, `LogCreated`; None: that of writing it."""

    def count(self, topic: TopicName, partition: int) -> int:
        """How many records there are, without `LogCreated`."""

    def items(self, topic: TopicName, partition: int) -> Iterator[Item]:
        """These records, in order."""


class Imported(NamedTuple):
    """What was done."""

    appended: int
    there: int
    """Records that an earlier run had appended."""
    incarnation: str


@dataclass(frozen=True, slots=True)
class Target:
    """The log that is imported into."""

    kafka: KafkaSettings
    naming: NamingSettings
    postgres: PostgresSettings

    def name(self, topic: TopicName) -> str:
        """The name of a topic on the broker."""
        return topic_name(self.naming.prefix, topic)


async def import_all(target: Target, source: Source, say: Callable[[str], None], count: Count) -> Imported:
    """Append what is not there yet. Raises NotImported, LogUnavailable, LogNotCreated, LogDamaged."""
    await _require_nobody(target)
    wanted = {each.name: each for each in topics(source.partitions, target.kafka.erase_within_ms)}
    every = [(topic, number) for topic in FILLED for number in range(wanted[topic].partitions)]
    total = sum(source.count(*place) for place in every)
    async with open_admin(target.kafka) as admin:
        new = await create_topics(admin, target.kafka, target.naming, map(_timed, wanted.values()))
        there = dict.fromkeys(every, 0)
        for topic in FILLED:  # all of it before anything is written
            if target.name(topic) not in new:
                await _require_settings(admin, target.name(topic))
                there |= await _held(target, source, wanted[topic])
        done = sum(there.values())
        async with _by_the_writer(admin, target, new), _open(target) as (reader, appender):
            for topic in FILLED:
                since = {number: source.since(topic, number) for number in range(wanted[topic].partitions)}
                await name_log(target.kafka, target.naming, reader, appender, wanted[topic], since)
                async for appended in _append(appender, source, wanted[topic], there):
                    done += appended
                    count(done, total)
    await create(target.kafka, target.postgres, target.naming, say)
    incarnation = await read_incarnation(target.kafka, target.naming, NAME, "events")
    return Imported(total - sum(there.values()), sum(there.values()), incarnation)


@asynccontextmanager
async def _open(target: Target) -> AsyncIterator[tuple[Reader, Appender]]:
    async with (
        open_reader(target.kafka, target.naming, NAME) as reader,
        open_appender(target.kafka, target.naming, NAME, 2 * AT_A_TIME) as appender,
    ):
        yield reader, appender


# --- before anything is written ----------------------------------------------------------------


async def _require_nobody(target: Target) -> None:
    """A projector would say of old seasons that they are over, in the middle of them. Raises NotImported."""
    async with open_connection(target.postgres, NAME) as connection:
        try:
            alive = await connection.fetchval(ALIVE.format(schema=target.naming.schema_name))
        except asyncpg.UndefinedTableError:
            alive = 0
    if alive:
        raise NotImported(f"{alive} projectors run here: stop the system, or import under another LEADERBOARD_PREFIX")


async def _require_settings(admin: AIOKafkaAdminClient, name: str) -> None:
    found = await own_settings(admin, name)
    wrong = [f"{key}={found.get(key)}" for key in ("retention.ms", "retention.bytes") if found.get(key) != "-1"]
    if wrong:
        raise NotImported(f"topic {name} would delete what is old ({', '.join(wrong)}): it has to be kept for ever")


async def _held(target: Target, source: Source, topic: Topic) -> dict[Place, int]:
    """How many of the records are in the log already, by partition. Raises NotImported where others are."""
    named = await read_incarnations(target.kafka, target.naming, NAME, topic.name)
    async with open_reader(target.kafka, target.naming, NAME) as reader:
        end = await reader.end(topic.name)
    if len(end) != topic.partitions:
        raise NotImported(f"topic {target.name(topic.name)} has {len(end)} partitions, {topic.partitions} are needed")
    held = dict[Place, int]()
    for partition, incarnation in named.items():
        if incarnation is not None:
            part = Part(topic=topic.name, partition=partition, end=end[partition])
            await _recognize(target, source, incarnation, part)
        held[topic.name, partition] = max(0, end[partition] - 1)
    return held


async def _recognize(target: Target, source: Source, incarnation: str, part: Part) -> None:
    """See that a partition begins with what is imported, and holds no more than that."""
    items, since = source.items(*part.place), source.since(*part.place)
    async for records in read_part(target.kafka, target.naming, NAME, incarnation, part):
        for record in records:
            if record.offset == 0:
                if since is not None and record.timestamp > since:
                    raise _foreign(target, part, "its log was created after the first record to be imported")
                continue
            item = next(items, None)
            if item is None or (record.key, record.value) != (item.key, item.value):
                raise _foreign(target, part, f"offset {record.offset} holds something else than this import")
            if since is not None and record.timestamp != item.at:
                raise _foreign(target, part, f"offset {record.offset} has another time than it was given")


def _foreign(target: Target, part: Part, why: str) -> NotImported:
    name = f"{target.name(part.topic)}/{part.partition}"
    return NotImported(f"{name}: {why}; import into a new log: under another LEADERBOARD_PREFIX")


# --- writing -----------------------------------------------------------------------------------


def _timed(topic: Topic) -> Topic:
    return replace(topic, config=topic.config | BY_THE_WRITER, renewed={}) if topic.name in TIMED else topic


@asynccontextmanager
async def _by_the_writer(admin: AIOKafkaAdminClient, target: Target, new: Collection[str]) -> AsyncIterator[None]:
    """Records keep the times that they come with; afterwards, whatever happens, the broker's time counts again."""
    for name in {target.name(topic) for topic in TIMED}.difference(new):  # new ones are made so
        await _set_up(admin, name, BY_THE_WRITER)
    try:
        yield
    finally:
        for topic in TIMED:
            await _set_up(admin, target.name(topic), BY_THE_BROKER, without=BY_THE_WRITER)


async def _set_up(
    admin: AIOKafkaAdminClient, name: str, settings: Mapping[str, str], without: Mapping[str, str] = EMPTY
) -> None:
    """Change settings of a topic and wait until the broker has them. Raises LogUnavailable."""
    found = await own_settings(admin, name)
    wanted = {**{key: value for key, value in found.items() if key not in without}, **settings}
    if wanted == found:
        return
    await set_up(admin, name, wanted)
    for _ in range(LOOKS):
        if await own_settings(admin, name) == wanted:
            return
        await asyncio.sleep(LOOK_EVERY)
    raise LogUnavailable(f"topic {name} does not take {settings}")


async def _append(appender: Appender, source: Source, topic: Topic, there: Mapping[Place, int]) -> AsyncIterator[int]:
    """Append what is missing in a topic, oldest first; how many were acknowledged each time."""
    sequences = [_missing(source, (topic.name, number), there) for number in range(topic.partitions)]
    merged = heapq.merge(*sequences, key=lambda each: each[1].at)
    before = list[Sent]()
    while chunk := list(islice(merged, AT_A_TIME)):
        sent = [await _begin(appender, topic, *each) for each in chunk]
        yield await _acknowledge(appender, topic, before)
        before = sent
    yield await _acknowledge(appender, topic, before)


def _missing(source: Source, place: Place, there: Mapping[Place, int]) -> Iterator[tuple[Place, Item, int]]:
    """Place, record, and the offset that it is to have."""
    first = there[place]
    for number, item in enumerate(islice(source.items(*place), first, None), first + 1):
        yield place, item, number


async def _begin(appender: Appender, topic: Topic, place: Place, item: Item, offset: int) -> Sent:
    at = item.at if topic.name in TIMED else None
    delivery = await appender.begin(topic.name, item.key, item.value, timeout=APPEND_TIMEOUT, partition=place[1], at=at)
    return delivery, place, offset


async def _acknowledge(appender: Appender, topic: Topic, sent: Sequence[Sent]) -> int:
    """See that all lie where they are to. Raises NotImported where somebody else writes, too; LogUnavailable."""
    for delivery, place, offset in sent:
        if not delivery.batch.done():
            await appender.acknowledged(delivery, APPEND_TIMEOUT)
        appended = acknowledgement(delivery)
        if isinstance(appended, LogUnavailable):
            raise appended
        if appended.offset != offset or (topic.name in TIMED and appended.timestamp != -1):
            name = f"{topic.name}/{place[1]}"
            raise NotImported(
                f"{name}: a record came to offset {appended.offset} instead of {offset}, or lost its time: somebody"
                " else writes into this log. Import into a new one: under another LEADERBOARD_PREFIX"
            )
    return len(sent)
