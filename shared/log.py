"""The log port over aiokafka: append, read, position, end. Every setting is explicit.

aiokafka's defaults lose data (acks=1, auto-commit, reset to latest), so none is relied on.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple, TypeAlias

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.helpers import create_ssl_context

# Without the C extension aiokafka falls back, silently, to Python that is many times slower: fail instead.
from aiokafka.record import _crecords  # noqa: F401
from aiokafka.structs import RecordMetadata

from shared.records import Record
from shared.settings import KafkaSettings, NamingSettings
from shared.topics import LARGEST_RECORD, Place, TopicName, topic_name

REQUEST_TIMEOUT_MS = 10_000
STOP_TIMEOUT = 2.0
"""Seconds a client may take to stop: with the broker down, aiokafka's own stop() never returns."""
RECONNECT_AFTER = 0.5
LARGEST_VALUE = LARGEST_RECORD - 16 * 1024
"""Bytes of key and value. A record that the broker rejects would break the idempotent producer for good."""
HEADERS = [("content-type", b"application/cloudevents+json")]

log = structlog.get_logger()


class LogUnavailable(Exception):
    """The broker did not answer in time. An append may or may not have happened."""


class LogBusy(Exception):
    """Too many appends are not acknowledged yet. This one did not happen."""


class Appended(NamedTuple):
    """Where an acknowledged record lies; `timestamp` is the broker's, milliseconds."""

    partition: int
    offset: int
    timestamp: int


Delivery: TypeAlias = asyncio.Future[RecordMetadata]
"""A record on its way."""


def acknowledgement(delivery: Delivery) -> "Appended | LogUnavailable":
    """What has become of a record by now; LogUnavailable when that is unknown."""
    if not delivery.done():
        return LogUnavailable("no acknowledgement in time")
    if delivery.cancelled():
        return LogUnavailable("the producer was replaced before the acknowledgement")
    error = delivery.exception()
    if error is not None:
        return LogUnavailable(str(error))
    sent = delivery.result()
    return Appended(sent.partition, sent.offset, sent.timestamp)


def connection_settings(kafka: KafkaSettings, client_id: str) -> dict[str, Any]:
    """What every aiokafka client is given: address, TLS, SASL, timeouts."""
    password = kafka.kafka_password
    secure = kafka.kafka_security in ("SSL", "SASL_SSL")
    ca = str(kafka.kafka_tls_ca) if kafka.kafka_tls_ca else None
    return {
        "bootstrap_servers": kafka.bootstrap,
        "client_id": client_id,
        "security_protocol": kafka.kafka_security,
        "sasl_mechanism": kafka.kafka_sasl_mechanism,
        "sasl_plain_username": kafka.kafka_username,
        "sasl_plain_password": password.get_secret_value() if password else None,
        "ssl_context": create_ssl_context(cafile=ca) if secure else None,
        "request_timeout_ms": REQUEST_TIMEOUT_MS,
        "metadata_max_age_ms": 60_000,
        "retry_backoff_ms": 100,
        "connections_max_idle_ms": 540_000,
    }


Connect: TypeAlias = Callable[[], AIOKafkaProducer]


class Appender:
    """An idempotent producer with `acks=all`, a bound on what is not acknowledged, and a fuse.

    The fuse: after one batch that the broker rejects, every later one of that partition is out of sequence, for ever
    (aiokafka never rolls a sequence number back). So any error of a send replaces the producer; what it had in flight
    is unknown.
    """

    def __init__(self, connect: Connect, prefix: str, limit: int) -> None:
        self._connect = connect
        self._prefix = prefix
        self._limit = limit
        self._beginning = 0
        self._sending: dict[Delivery, asyncio.Future[AIOKafkaProducer]] = {}
        """What the broker has not acknowledged yet, and by which producer it goes."""
        self._producer = asyncio.ensure_future(self._start())

    async def connected(self) -> None:
        """Wait for the first connection. Raises LogUnavailable."""
        await self._producer

    async def append(
        self, topic: TopicName, key: bytes | None, value: bytes | None, *, timeout: float, partition: int | None = None
    ) -> Appended:
        """Append a record and wait until every in-sync replica has it; `timeout` in seconds.

        A value of None is a tombstone: in a compacted topic, what was said of the key before is forgotten.
        Raises LogBusy when nothing was done, and LogUnavailable when the outcome is unknown: the
        record may still arrive later, so a retry has to carry the same id.
        """
        began = time.monotonic()
        delivery = await self.begin(topic, key, value, timeout=timeout, partition=partition)
        return await self.acknowledged(delivery, began + timeout - time.monotonic())

    async def begin(
        self, topic: TopicName, key: bytes | None, value: bytes | None, *, timeout: float, partition: int | None = None
    ) -> Delivery:
        """Hand a record over to be appended, as `append` does, without waiting for it.

        Raises LogBusy and LogUnavailable as that does; later errors are those of the delivery (see `acknowledgement`).
        """
        if len(self._sending) + self._beginning >= self._limit:
            raise LogBusy(f"{self._limit} appends are not acknowledged yet")
        if value is not None and len(value) > LARGEST_VALUE:
            raise ValueError(f"a record of {len(value)} bytes; at most {LARGEST_VALUE} fit")
        using = self._producer
        self._beginning += 1
        try:
            async with asyncio.timeout(timeout):
                producer = using.result() if using.done() else await asyncio.shield(using)
                name = topic_name(self._prefix, topic)
                delivery: Delivery = await producer.send(name, value, key, partition, headers=HEADERS)
        except (TimeoutError, KafkaError) as error:
            self._blow(using, error)
            raise LogUnavailable(str(error) or f"not sent within {timeout:g} s") from error
        finally:
            self._beginning -= 1
        self._sending[delivery] = using
        delivery.add_done_callback(self._delivered)
        return delivery

    async def acknowledged(self, delivery: Delivery, timeout: float) -> Appended:
        """Wait until every in-sync replica has it; `timeout` in seconds. Raises LogUnavailable: outcome unknown."""
        # Giving up waiting must not cancel it: it keeps its slot for as long as the record is on its way.
        await asyncio.wait({delivery}, timeout=timeout)
        appended = acknowledgement(delivery)
        if isinstance(appended, LogUnavailable):
            raise appended
        return appended

    async def close(self) -> None:
        """Stop, within a bound; what is not acknowledged by then is unknown."""
        if not self._producer.done():
            self._producer.cancel()
        elif not self._producer.cancelled() and self._producer.exception() is None:
            await _stop(self._producer.result())

    def _delivered(self, delivery: Delivery) -> None:
        using = self._sending.pop(delivery)
        if not delivery.cancelled() and (error := delivery.exception()) is not None:
            self._blow(using, error)

    def _blow(self, using: "asyncio.Future[AIOKafkaProducer]", error: BaseException) -> None:
        """After an error of Kafka, the producer is given up."""
        if isinstance(error, KafkaError) and self._producer is using and using.done():
            log.error("producer_replaced", reason=repr(error))
            self._producer = asyncio.ensure_future(self._replace(using))

    async def _replace(self, old: "asyncio.Future[AIOKafkaProducer]") -> AIOKafkaProducer:
        """A new producer, as soon as a broker lets it in; the old one's records are given up within a bound."""
        ending = asyncio.ensure_future(_stop(old.result()))
        ending.add_done_callback(lambda _: [each.cancel() for each, by in list(self._sending.items()) if by is old])
        while True:
            try:
                return await self._start()
            except LogUnavailable as error:
                log.warning("producer_not_connected", reason=str(error))
                await asyncio.sleep(RECONNECT_AFTER)

    async def _start(self) -> AIOKafkaProducer:
        producer = self._connect()
        try:
            await _start(producer)
        except BaseException:
            await _stop(producer)
            raise
        return producer


@asynccontextmanager
async def open_appender(
    kafka: KafkaSettings, naming: NamingSettings, client_id: str, limit: int = 1_000
) -> AsyncIterator[Appender]:
    """An appender that is connected. Raises LogUnavailable when no broker answers."""

    def connect() -> AIOKafkaProducer:
        return AIOKafkaProducer(
            **connection_settings(kafka, client_id),
            acks="all",
            enable_idempotence=True,
            linger_ms=0,
            max_batch_size=256 * 1024,
            max_request_size=LARGEST_RECORD,
            compression_type=None,
        )

    appender = Appender(connect, naming.prefix, limit)
    try:
        await appender.connected()
        yield appender
    finally:
        await appender.close()


class Reader:
    """A consumer of given partitions from given offsets; Kafka's group has no say in either."""

    def __init__(self, consumer: AIOKafkaConsumer, prefix: str) -> None:
        self._consumer = consumer
        self._prefix = prefix
        self._topics: dict[str, TopicName] = {}

    async def partitions(self, topic: TopicName) -> list[int]:
        """The partitions of a topic. Raises LogUnavailable when it does not exist or no broker answers."""
        with _bounded():
            # The consumer's own partitions_for_topic() knows only topics that it is subscribed to.
            cluster = await asyncio.wait_for(self._consumer._client.fetch_all_metadata(), REQUEST_TIMEOUT_MS / 1000)
        found = cluster.partitions_for_topic(topic_name(self._prefix, topic))
        if not found:
            raise LogUnavailable(f"there is no topic {topic_name(self._prefix, topic)}; run `leaderboard init`")
        return sorted(found)

    async def end(self, topic: TopicName) -> dict[int, int]:
        """The next offset to be written in each partition."""
        return await self._offsets(topic, self._consumer.end_offsets)

    async def beginning(self, topic: TopicName) -> dict[int, int]:
        """The first offset that is still kept in each partition."""
        return await self._offsets(topic, self._consumer.beginning_offsets)

    async def silent(self, topic: TopicName, since: int) -> list[int]:
        """The partitions of a topic that have no record since then, by the broker's clock in milliseconds."""
        asked = {self._at(topic, partition): since for partition in await self.partitions(topic)}
        with _bounded():
            found = await asyncio.wait_for(self._consumer.offsets_for_times(asked), REQUEST_TIMEOUT_MS / 1000)
        return sorted(at.partition for at, first in found.items() if first is None)

    def assign(self, positions: Mapping[Place, int]) -> None:
        """Read these partitions, from these offsets, and no others."""
        at = {self._at(topic, partition): offset for (topic, partition), offset in positions.items()}
        self._consumer.assign(list(at))
        for partition, offset in at.items():
            self._consumer.seek(partition, offset)

    async def read(self, *, limit: int, wait_ms: int) -> list[tuple[TopicName, Record]]:
        """Up to `limit` records, each partition's in order; empty after `wait_ms` without any."""
        with _bounded():
            fetched = await self._consumer.getmany(timeout_ms=wait_ms, max_records=limit)
        return [
            (self._topics[at.topic], Record(at.partition, each.offset, each.timestamp, each.key, each.value))
            for at, records in fetched.items()
            for each in records
        ]

    async def commit(self, positions: Mapping[Place, int]) -> None:
        """Tell Kafka how far we are: a hint for tools that show lag, which nothing here reads."""
        offsets = {self._at(topic, partition): offset for (topic, partition), offset in positions.items()}
        with suppress(KafkaError, TimeoutError):
            await asyncio.wait_for(self._consumer.commit(offsets), STOP_TIMEOUT)

    def _at(self, topic: TopicName, partition: int) -> TopicPartition:
        name = topic_name(self._prefix, topic)
        self._topics[name] = topic
        return TopicPartition(name, partition)

    async def _offsets(self, topic: TopicName, ask: Any) -> dict[int, int]:
        partitions = [self._at(topic, partition) for partition in await self.partitions(topic)]
        with _bounded():
            offsets = await asyncio.wait_for(ask(partitions), REQUEST_TIMEOUT_MS / 1000)
        return {at.partition: offset for at, offset in offsets.items()}


@asynccontextmanager
async def open_reader(
    kafka: KafkaSettings, naming: NamingSettings, client_id: str, group: str | None = None
) -> AsyncIterator[Reader]:
    """A reader that is connected; `group` only where offsets are committed as a hint."""
    consumer = AIOKafkaConsumer(
        **connection_settings(kafka, client_id),
        group_id=f"{naming.prefix}{group}" if group else None,
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level="read_uncommitted",
        check_crcs=True,
        fetch_min_bytes=1,
        fetch_max_wait_ms=500,
        fetch_max_bytes=16 * 1024 * 1024,
        max_partition_fetch_bytes=LARGEST_RECORD,
    )
    try:
        await _start(consumer)
        yield Reader(consumer, naming.prefix)
    finally:
        await _stop(consumer)


class _bounded:
    """Turns what aiokafka raises into LogUnavailable."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, TimeoutError | KafkaError):
            raise LogUnavailable(str(error) or "the broker did not answer") from error


async def _start(client: Any) -> None:
    with _bounded():
        await asyncio.wait_for(client.start(), REQUEST_TIMEOUT_MS / 1000)


async def _stop(client: Any) -> None:
    """Stop within a bound. aiokafka's stop() may raise CancelledError, which `Exception` would miss."""
    try:
        await asyncio.wait_for(client.stop(), STOP_TIMEOUT)
    except (Exception, asyncio.CancelledError) as error:
        log.warning("kafka_client_dropped", client=type(client).__name__, error=repr(error))
