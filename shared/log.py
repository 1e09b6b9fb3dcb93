"""The log port over aiokafka: read, position, end (append: `shared.appender`). Every setting is explicit.

aiokafka's defaults lose data (acks=1, auto-commit, reset to latest), so none is relied on.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from ssl import SSLContext
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.conn import collect_hosts, create_conn
from aiokafka.errors import (
    AuthenticationFailedError,
    KafkaError,
    OffsetOutOfRangeError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
from aiokafka.helpers import create_ssl_context

# Without the C extension aiokafka falls back, silently, to Python that is many times slower: fail instead.
from aiokafka.record import _crecords  # noqa: F401

from shared.access import Access
from shared.records import Record
from shared.settings import KafkaSettings, NamingSettings
from shared.topics import LARGEST_RECORD, Place, TopicName, topic_name

REQUEST_TIMEOUT_MS = 10_000
MOST_ASKED = 3
"""Brokers that are asked why they do not let us in."""
STOP_TIMEOUT = 2.0
"""Seconds a client may take to stop: with the broker down, aiokafka's own stop() never returns."""

ACCESS = Access(
    "LEADERBOARD_KAFKA",
    "LEADERBOARD_KAFKA_TLS_CA",
    "LEADERBOARD_KAFKA_SECURITY",
    "LEADERBOARD_KAFKA_USERNAME, LEADERBOARD_KAFKA_PASSWORD and LEADERBOARD_KAFKA_SASL_MECHANISM",
    (AuthenticationFailedError, SaslAuthenticationFailed, UnsupportedSaslMechanismError),
)

log = structlog.get_logger()


class LogUnavailable(Exception):
    """The broker did not answer in time. An append may or may not have happened."""


class LogGone(LogUnavailable):
    """The log has no record any more, or not yet, where a reader stands: no retry helps."""


class LogBusy(Exception):
    """Too many appends are not acknowledged yet. This one did not happen."""


def connection_settings(kafka: KafkaSettings, client_id: str) -> dict[str, Any]:
    """What every aiokafka client is given: address, TLS, SASL, timeouts. Raises LogUnavailable for a useless CA."""
    password = kafka.kafka_password
    return {
        "bootstrap_servers": kafka.bootstrap,
        "client_id": client_id,
        "security_protocol": kafka.kafka_security,
        "sasl_mechanism": kafka.kafka_sasl_mechanism,
        "sasl_plain_username": kafka.kafka_username,
        "sasl_plain_password": password.get_secret_value() if password else None,
        "ssl_context": _tls(kafka.kafka_tls_ca) if kafka.kafka_security in ("SSL", "SASL_SSL") else None,
        "request_timeout_ms": REQUEST_TIMEOUT_MS,
        "metadata_max_age_ms": 60_000,
        "retry_backoff_ms": 100,
        "connections_max_idle_ms": 540_000,
    }


def _tls(authority: Path | None) -> SSLContext:
    try:
        context: SSLContext = create_ssl_context(cafile=str(authority) if authority else None)
    except OSError as error:
        raise LogUnavailable(f"{authority}: {ACCESS.explain(error)}") from error
    return context


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

    async def first_since(self, topic: TopicName, since: int) -> dict[int, int | None]:
        """The first offset in each partition since then, by the broker's clock in milliseconds; None: there is none."""
        asked = {self._at(topic, partition): since for partition in await self.partitions(topic)}
        with _bounded():
            found = await asyncio.wait_for(self._consumer.offsets_for_times(asked), REQUEST_TIMEOUT_MS / 1000)
        return {at.partition: first.offset if first is not None else None for at, first in found.items()}

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
    kafka: KafkaSettings,
    naming: NamingSettings,
    client_id: str,
    group: str | None = None,
    partition_bytes: int = LARGEST_RECORD,
) -> AsyncIterator[Reader]:
    """A reader that is connected; `group` only where offsets are committed as a hint.

    `partition_bytes`: of a partition that are fetched at a time.
    """
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
        max_partition_fetch_bytes=partition_bytes,
    )
    try:
        await start_client(consumer, kafka)
        yield Reader(consumer, naming.prefix)
    finally:
        await stop_client(consumer)


class _bounded:
    """Turns what aiokafka raises into LogUnavailable, LogGone where that says more."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OffsetOutOfRangeError):
            raise LogGone(str(error)) from error
        if isinstance(error, TimeoutError | KafkaError):
            raise LogUnavailable(str(error) or "the broker did not answer") from error


async def start_client(client: Any, kafka: KafkaSettings) -> None:
    """Connect. Raises LogUnavailable, which says what to look at where no broker lets us in."""
    try:
        with _bounded():
            await asyncio.wait_for(client.start(), REQUEST_TIMEOUT_MS / 1000)
    except LogUnavailable as error:
        raise LogUnavailable(await _no_access(kafka) or str(error)) from error


async def _no_access(kafka: KafkaSettings) -> str:
    """Why brokers do not let us in, each by itself: aiokafka says only in its log what each has answered."""
    settings = connection_settings(kafka, "access")
    brokers = collect_hosts(settings.pop("bootstrap_servers"))
    for name in ("metadata_max_age_ms", "retry_backoff_ms", "connections_max_idle_ms"):
        del settings[name]
    reasons = await asyncio.gather(*(_refusal(host, port, settings) for host, port, _ in brokers[:MOST_ASKED]))
    return "; ".join(dict.fromkeys(filter(None, reasons)))


async def _refusal(host: str, port: int, settings: dict[str, Any]) -> str | None:
    try:
        connection = await create_conn(host, port, **settings)
    except (OSError, KafkaError, TimeoutError) as error:
        return f"{host}:{port}: {ACCESS.explain(error)}"
    connection.close()
    return None


async def stop_client(client: Any) -> None:
    """Stop within a bound. aiokafka's stop() may raise CancelledError, which `Exception` would miss."""
    try:
        await asyncio.wait_for(client.stop(), STOP_TIMEOUT)
    except (Exception, asyncio.CancelledError) as error:
        log.warning("kafka_client_dropped", client=type(client).__name__, error=repr(error))
