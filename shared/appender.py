"""The log port over aiokafka, its writing side. Records for a broker gather while those before them are on their way.

So a request is one record when nothing else is going on, and as many as have come meanwhile when much is.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import lru_cache, partial
from typing import NamedTuple, TypeAlias

import structlog
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.partitioner import murmur2
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.structs import RecordMetadata

from shared.log import REQUEST_TIMEOUT_MS, STOP_TIMEOUT, LogUnavailable, connection_settings, start_client, stop_client
from shared.settings import KafkaSettings, NamingSettings
from shared.topics import LARGEST_RECORD, TopicName, topic_name

RECONNECT_AFTER = 0.5
LARGEST_BATCH = 256 * 1024
"""Bytes. A record that is larger goes alone."""
NO_COMPRESSION = 0
"""As the codec is numbered in a batch of records."""
LARGEST_VALUE = LARGEST_RECORD - 16 * 1024
"""Bytes of key and value. A record that the broker rejects would break the idempotent producer for good."""
LONGEST_WAIT = REQUEST_TIMEOUT_MS / 1000
"""Seconds that a record waits for a broker; then it is given up."""
TURNS = 3
"""Of the loop, for which records gather before a request: those of a burst of clients take some to come in."""
LONGEST_ROUND = 0.2
"""Seconds for which the other partitions of a broker wait for one that takes long."""
PACE = 0.002
"""Seconds from one round to the next for each record in it: a round costs everybody behind the log as much as 10 to 20
records do, so one of many is worth waiting for, and one of few is not."""
LONGEST_PACE = 0.02
"""Seconds from one round to the next, however many records it has."""
HEADERS = [("content-type", b"application/cloudevents+json")]

log = structlog.get_logger()


class LogBusy(Exception):
    """Too many appends are not acknowledged yet. This one did not happen."""


class Appended(NamedTuple):
    """Where an acknowledged record lies; `timestamp` is the broker's, milliseconds; -1: the record kept its own."""

    partition: int
    offset: int
    timestamp: int


class Delivery(NamedTuple):
    """A record on its way: what becomes of the batch that it is in, and its place there."""

    batch: "asyncio.Future[RecordMetadata]"
    place: int


def acknowledgement(delivery: Delivery) -> "Appended | LogUnavailable":
    """What has become of a record by now; LogUnavailable when that is unknown."""
    batch, place = delivery
    if not batch.done():
        return LogUnavailable("no acknowledgement in time")
    if batch.cancelled():
        return LogUnavailable("the producer was replaced before the acknowledgement")
    error = batch.exception()
    if error is not None:
        return LogUnavailable(str(error))
    sent = batch.result()
    return Appended(sent.partition, sent.offset + place, sent.timestamp)


@lru_cache(maxsize=65_536)
def partition_of(key: bytes, partitions: int) -> int:
    """The partition of a key, as every client of Kafka computes it."""
    return int(murmur2(key) & 0x7FFFFFFF) % partitions


class Batch:
    """Records of one partition that go together."""

    def __init__(self) -> None:
        self.sent: asyncio.Future[RecordMetadata] = asyncio.get_running_loop().create_future()
        self.builder = BatchBuilder(LARGEST_BATCH, NO_COMPRESSION, is_transactional=False)
        self.began = time.monotonic()

    def add(self, key: bytes | None, value: bytes | None, at: int | None) -> Delivery | None:
        """Put a record behind the others; None when there is no room."""
        if self.builder.append(timestamp=at, key=key, value=value, headers=HEADERS) is None:
            return None
        return Delivery(self.sent, len(self) - 1)

    def __len__(self) -> int:
        """How many records it has."""
        return int(self.builder.record_count())


class Round:
    """Batches that were handed to one broker together; the next ones go when it is over."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.partitions = set[TopicPartition]()
        self.records = 0

    def pace(self) -> float:
        """Seconds until the next one may begin."""
        return self.began + min(LONGEST_PACE, PACE * (self.records - 1)) - time.monotonic()


Connect: TypeAlias = Callable[[], Coroutine[None, None, AIOKafkaProducer]]
Connected: TypeAlias = "asyncio.Future[AIOKafkaProducer]"


class Appender:
    """An idempotent producer with `acks=all`, a bound on what is not acknowledged, and a fuse.

    The fuse: after one batch that the broker rejects, every later one of that partition is out of sequence, for ever
    (aiokafka never rolls a sequence number back). So any error of a send replaces the producer; what it had in flight
    is unknown.
    """

    def __init__(self, connect: Connect, prefix: str, limit: int) -> None:
        """`connect` gives a producer that is connected, or raises LogUnavailable."""
        self._connect = connect
        self._prefix = prefix
        self._limit = limit
        self.unacknowledged = 0
        """Records that are on their way, or wait for it."""
        self._partitions: dict[str, int] = {}
        self._waiting: dict[TopicPartition, deque[Batch]] = {}
        self._on_its_way: dict[TopicPartition, tuple[Batch, Connected]] = {}
        """The batch of each partition that was handed over, and by which producer it goes."""
        self._rounds: dict[int | None, Round] = {}
        """By broker."""
        self._handing: asyncio.Task[None] | None = None
        self._producer: Connected = asyncio.ensure_future(self._connect())

    async def connected(self) -> None:
        """Wait for the first connection. Raises LogUnavailable."""
        await self._producer

    async def append(
        self,
        topic: TopicName,
        key: bytes | None,
        value: bytes | None,
        *,
        timeout: float,
        partition: int | None = None,
        at: int | None = None,
    ) -> Appended:
        """Append a record and wait until every in-sync replica has it; `timeout` in seconds.

        `at`: its timestamp, milliseconds, of which Kafka takes notice only in a topic that is imported into.
        A value of None is a tombstone: in a compacted topic, what was said of the key before is forgotten.
        Raises LogBusy when nothing was done, and LogUnavailable when the outcome is unknown: the
        record may still arrive later, so a retry has to carry the same id.
        """
        began = time.monotonic()
        delivery = await self.begin(topic, key, value, timeout=timeout, partition=partition, at=at)
        return await self.acknowledged(delivery, began + timeout - time.monotonic())

    async def begin(
        self,
        topic: TopicName,
        key: bytes | None,
        value: bytes | None,
        *,
        timeout: float,
        partition: int | None = None,
        at: int | None = None,
    ) -> Delivery:
        """Take a record over to be appended, as `append` does, without waiting for it.

        Raises LogBusy and LogUnavailable as that does; later errors are those of the delivery (see `acknowledgement`).
        """
        if self.unacknowledged >= self._limit:
            raise LogBusy(f"{self._limit} appends are not acknowledged yet")
        if value is not None and len(value) > LARGEST_VALUE:
            raise ValueError(f"a record of {len(value)} bytes; at most {LARGEST_VALUE} fit")
        name = topic_name(self._prefix, topic)
        if partition is None:
            assert key is not None
            partition = partition_of(key, self._partitions.get(name) or await self._count(name, timeout))
        return self._put(TopicPartition(name, partition), key, value, at)

    async def acknowledged(self, delivery: Delivery, timeout: float) -> Appended:
        """Wait until every in-sync replica has it; `timeout` in seconds. Raises LogUnavailable: outcome unknown."""
        # Giving up waiting must not cancel it: it keeps its slot for as long as the record is on its way.
        await asyncio.wait({delivery.batch}, timeout=timeout)
        appended = acknowledgement(delivery)
        if isinstance(appended, LogUnavailable):
            raise appended
        return appended

    async def close(self) -> None:
        """Stop, within a bound; what is not acknowledged by then is unknown."""
        pending = {batch.sent for batches in self._waiting.values() for batch in batches}
        pending |= {batch.sent for batch, _ in self._on_its_way.values()}
        if pending:
            await asyncio.wait(pending, timeout=STOP_TIMEOUT)
        if self._handing is not None:
            self._handing.cancel()
        if not self._producer.done():
            self._producer.cancel()
        elif not self._producer.cancelled() and self._producer.exception() is None:
            await stop_client(self._producer.result())

    async def _count(self, name: str, timeout: float) -> int:
        """How many partitions a topic has: asked once, as that never changes. Raises LogUnavailable."""
        using = self._producer
        try:
            async with asyncio.timeout(timeout):
                producer = await asyncio.shield(using)
                self._partitions[name] = len(await producer.partitions_for(name))
        except (TimeoutError, KafkaError) as error:
            self._blow(using, error)
            raise LogUnavailable(str(error) or f"no broker within {timeout:g} s") from error
        return self._partitions[name]

    def _put(self, at: TopicPartition, key: bytes | None, value: bytes | None, stamp: int | None) -> Delivery:
        batches = self._waiting.setdefault(at, deque())
        delivery = batches[-1].add(key, value, stamp) if batches else None
        if delivery is None:
            batches.append(Batch())
            delivery = batches[-1].add(key, value, stamp)
            assert delivery is not None  # an empty batch takes a record of any size
        self.unacknowledged += 1
        if self._handing is None and self._is_ready(at):
            self._wake()
        return delivery

    def _wake(self) -> None:
        """Hand over what waits, a few turns of the loop later: so that all that comes in these goes together."""
        if self._handing is None:
            self._handing = asyncio.create_task(self._hand_over())

    def _leader(self, at: TopicPartition) -> int | None:
        """The broker that a partition's records go to; None: not known."""
        using = self._producer
        if not using.done() or using.cancelled() or using.exception() is not None:
            return None
        leader: int | None = using.result().client.cluster.leader_for_partition(at)
        return leader

    def _is_ready(self, at: TopicPartition) -> bool:
        """Whether a batch handed over now would leave at once: else it rather grows."""
        return at not in self._on_its_way and self._leader(at) not in self._rounds

    async def _hand_over(self) -> None:
        """Give the producer a batch of each partition whose broker has none of ours on its way."""
        try:
            while any(self._is_ready(at) for at in self._waiting):
                for _ in range(TURNS):
                    await asyncio.sleep(0)
                using = self._producer
                producer = await asyncio.shield(using)
                for at in [at for at in self._waiting if self._is_ready(at)]:
                    if at in self._waiting:  # it may have waited too long meanwhile
                        self._join_round(at)
                        await self._send(at, using, producer)
        finally:
            self._handing = None

    def _join_round(self, at: TopicPartition) -> None:
        leader = self._leader(at)
        if leader not in self._rounds:
            begun = self._rounds[leader] = Round()
            asyncio.get_running_loop().call_later(LONGEST_ROUND, self._end_round, leader, begun)
        self._rounds[leader].partitions.add(at)
        self._rounds[leader].records += len(self._waiting[at][0])

    def _end_round(self, leader: int | None, ended: Round) -> None:
        if self._rounds.get(leader) is ended:
            del self._rounds[leader]
            if self._waiting:
                self._wake()

    def _leave_round(self, at: TopicPartition) -> None:
        """A batch has arrived, or was given up."""
        for leader, each in list(self._rounds.items()):
            if at in each.partitions:
                each.partitions.remove(at)
                if not each.partitions:
                    self._end_in_time(leader, each)
        if self._waiting:  # also what waited for this very partition, beyond the end of its round
            self._wake()

    def _end_in_time(self, leader: int | None, ended: Round) -> None:
        pace = ended.pace()
        if pace <= 0:
            self._end_round(leader, ended)
        else:
            asyncio.get_running_loop().call_later(pace, self._end_round, leader, ended)

    async def _send(self, at: TopicPartition, using: Connected, producer: AIOKafkaProducer) -> None:
        batch = self._waiting[at].popleft()
        if not self._waiting[at]:
            del self._waiting[at]
        self._on_its_way[at] = batch, using
        try:
            sent = await producer.send_batch(batch.builder, at.topic, partition=at.partition)
        except Exception as error:  # whatever it is: the batch must not keep its place for ever
            sent = asyncio.get_running_loop().create_future()
            sent.set_exception(error)
        sent.add_done_callback(partial(self._delivered, at, batch, using))

    def _delivered(
        self, at: TopicPartition, batch: Batch, using: Connected, sent: "asyncio.Future[RecordMetadata]"
    ) -> None:
        """What became of a batch; of one that was given up nobody wants to know any more."""
        error = LogUnavailable("cancelled") if sent.cancelled() else sent.exception()
        if self._on_its_way.get(at) != (batch, using):
            return
        del self._on_its_way[at]
        self._settle(batch, error if error is not None else sent.result())
        if error is not None:
            self._blow(using, error)
        self._leave_round(at)

    def _settle(self, batch: Batch, result: "RecordMetadata | BaseException | None") -> None:
        """Tell who waits for a batch; None: it was given up."""
        self.unacknowledged -= len(batch)
        if result is None:
            batch.sent.cancel()
        elif isinstance(result, BaseException):
            batch.sent.set_exception(result)
            batch.sent.exception()  # nobody has to ask
        else:
            batch.sent.set_result(result)

    def _blow(self, using: Connected, error: BaseException) -> None:
        """After an error of a send, the producer is given up."""
        if not isinstance(error, TimeoutError | LogUnavailable) and self._producer is using and using.done():
            log.error("producer_replaced", reason=repr(error))
            self._producer = asyncio.ensure_future(self._replace(using))

    async def _replace(self, old: Connected) -> AIOKafkaProducer:
        """A new producer, as soon as a broker lets it in; the old one's records are given up within a bound."""
        ending = asyncio.ensure_future(stop_client(old.result()))
        ending.add_done_callback(lambda _: self._give_up(old))
        while True:
            try:
                return await self._connect()
            except Exception as error:
                log.warning("producer_not_connected", reason=repr(error))
                await asyncio.sleep(RECONNECT_AFTER)
            self._expire()

    def _give_up(self, old: Connected) -> None:
        """What a producer had on its way when it ended: nobody will hear of it."""
        for at, (batch, using) in list(self._on_its_way.items()):
            if using is old:
                del self._on_its_way[at]
                self._settle(batch, None)
                self._leave_round(at)

    def _expire(self) -> None:
        """Give up what has waited for a broker too long."""
        for at, batches in list(self._waiting.items()):
            while batches and time.monotonic() - batches[0].began > LONGEST_WAIT:
                self._settle(batches.popleft(), None)
            if not batches:
                del self._waiting[at]


@asynccontextmanager
async def open_appender(
    kafka: KafkaSettings, naming: NamingSettings, client_id: str, limit: int = 1_000
) -> AsyncIterator[Appender]:
    """An appender that is connected. Raises LogUnavailable when no broker answers."""

    async def connect() -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            **connection_settings(kafka, client_id),
            acks="all",
            enable_idempotence=True,
            linger_ms=0,
            max_batch_size=LARGEST_BATCH,
            max_request_size=LARGEST_RECORD,
            compression_type=None,
        )
        try:
            await start_client(producer, kafka)
        except BaseException:
            await stop_client(producer)
            raise
        return producer

    appender = Appender(connect, naming.prefix, limit)
    try:
        await appender.connected()
        yield appender
    finally:
        await appender.close()
