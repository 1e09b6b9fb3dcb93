"""`leaderboard reset`: throw away what is derived, so that it is made anew: all of it, or the rank index alone."""

from projector.schema import migrate
from shared.postgres import open_connection
from shared.redis import open_redis
from shared.settings import NamingSettings, PostgresSettings, RedisSettings

NAME = "reset"


async def reset(postgres: PostgresSettings, redis: RedisSettings, naming: NamingSettings) -> str:
    """Make the tables anew, empty, and delete the rank index; what was done. Raises what Postgres or Redis raise."""
    async with open_connection(postgres, NAME) as connection:
        await connection.execute(f'drop schema if exists "{naming.schema_name}" cascade')
    await migrate(postgres, naming)
    keys = await _delete_index(redis, naming)
    return f"schema {naming.schema_name} is empty, {keys} keys are gone: projectors begin at offset 0"


async def reset_ranks(redis: RedisSettings, naming: NamingSettings) -> str:
    """Delete the rank index; what was done. Projectors find it missing within a second, and fill it from the tables.

    Raises what Redis raises.
    """
    keys = await _delete_index(redis, naming)
    return f"{keys} keys are gone: projectors put the ranks in again, and Postgres answers meanwhile"


async def _delete_index(redis: RedisSettings, naming: NamingSettings) -> int:
    async with open_redis(redis, NAME) as client:
        keys = [key async for key in client.scan_iter(match=f"{naming.prefix}lb:*", count=1_000)]
        for key in keys:
            await client.unlink(key)
    return len(keys)
