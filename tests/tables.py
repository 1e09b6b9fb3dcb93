"""What tests read in Postgres, and the topics they damage."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient

from tests.stack import System, present


async def select(system: System, sql: str, *arguments: Any) -> list[tuple[Any, ...]]:
    """The rows of a query on the system's tables."""
    connection = await asyncpg.connect(
        present(system.servers.postgres).url, server_settings={"search_path": f'"{system.prefix}v1"'}
    )
    try:
        return [tuple(row) for row in await connection.fetch(sql, *arguments)]
    finally:
        await connection.close()


async def owners(system: System) -> dict[int, str | None]:
    """Partition → who holds a living lease on it."""
    sql = "select partition, owner from checkpoints where topic = 'events' and lease_until > now()"
    return {row[0]: row[1] for row in await select(system, sql)}


async def checkpoints(system: System) -> dict[int, int]:
    """Partition of the events topic → next offset."""
    sql = "select partition, next_offset from checkpoints where topic = 'events'"
    return {row[0]: row[1] for row in await select(system, sql)}


@asynccontextmanager
async def admin(system: System) -> AsyncIterator[AIOKafkaAdminClient]:
    """A client that may damage topics."""
    client = AIOKafkaAdminClient(bootstrap_servers=present(system.servers.kafka).url)
    await client.start()
    try:
        yield client
    finally:
        await client.close()
