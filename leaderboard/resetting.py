"""`leaderboard reset`: throw away what is derived from the log, so that it is folded anew."""

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
    async with open_redis(redis, NAME) as client:
        keys = [key async for key in client.scan_iter(match=f"{naming.prefix}lb:*", count=1_000)]
        for key in keys:
            await client.unlink(key)
    return f"schema {naming.schema_name} is empty, {len(keys)} keys are gone: projectors begin at offset 0"
