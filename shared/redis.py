"""Redis: a client with bounded waits, and scripts that survive a restarted server."""

import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib import resources
from typing import Any, TypeAlias

import hiredis
from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection, ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, AuthorizationError, NoScriptError, RedisError, ResponseError

from shared.access import Access, NoAccess
from shared.settings import RedisSettings

Client: TypeAlias = Redis
DOWN = (RedisError, OSError, TimeoutError)
"""What redis-py raises while Redis is away, loading or too slow."""
ACCESS = Access(
    "LEADERBOARD_REDIS",
    "ssl_ca_certs in LEADERBOARD_REDIS",
    "rediss:// or redis:// in LEADERBOARD_REDIS",
    "user and password in LEADERBOARD_REDIS",
    (AuthenticationError, AuthorizationError),
)


class Script:
    """A Lua script beside the module that uses it."""

    def __init__(self, package: str, *names: str) -> None:
        """The files, one after the other, as one script."""
        self.source = "\n".join(resources.files(package).joinpath(name).read_text() for name in names)
        self.sha = hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest()

    async def run_each(self, client: Client, calls: Sequence[tuple[Sequence[str], Sequence[str | int]]]) -> list[Any]:
        """Run it once for each (keys, arguments), one after the other, in one round trip."""
        commands = [("EVALSHA", self.sha, len(keys), *keys, *arguments) for keys, arguments in calls]
        try:
            return await round_trip(client, commands)
        except NoScriptError:  # said of all of them: none has run
            await client.script_load(self.source)
            return await round_trip(client, commands)

    async def run(self, client: Client, keys: Sequence[str], arguments: Sequence[str | int]) -> Any:
        """Run it, loading it first into a server that does not know it (any more)."""
        try:
            return await client.evalsha(self.sha, len(keys), *keys, *arguments)
        except NoScriptError:
            return await client.eval(self.source, len(keys), *keys, *arguments)


async def round_trip(client: Client, commands: Sequence[tuple[str | int, ...]]) -> list[Any]:
    """The replies to commands that are sent together, as they come. Raises DOWN, or the first error that is a reply.

    A pipeline of redis-py does the same, but its own work is half of what a hot read costs.
    """
    packed = b"".join(hiredis.pack_command(command) for command in commands)  # type: ignore[arg-type] # any tuple
    connection: AbstractConnection = await client.connection_pool.get_connection()  # type: ignore[no-untyped-call]
    try:
        # Whatever interrupts these disconnects, so that nobody gets a reply that was meant for another.
        await connection.send_packed_command(packed)
        replies = [await _reply(connection) for _ in commands]
    finally:
        await client.connection_pool.release(connection)
    error = next((reply for reply in replies if isinstance(reply, ResponseError)), None)
    if error is not None:
        raise error
    return replies


async def _reply(connection: AbstractConnection) -> Any:
    """A reply, also where it is an error: those behind it have to be read, too."""
    try:
        return await connection.read_response()
    except ResponseError as error:
        return error


class Connections(ConnectionPool):
    """redis-py's pool, whose errors say what to look at."""

    async def ensure_connection(self, connection: AbstractConnection) -> None:
        """As redis-py's. Raises NoAccess."""
        try:
            await super().ensure_connection(connection)
        except DOWN as error:
            raise NoAccess(ACCESS.explain(error)) from error


@asynccontextmanager
async def open_redis(settings: RedisSettings, application: str) -> AsyncIterator[Client]:
    """A client that connects when first used, so that a service starts while Redis is away."""
    timeout = settings.redis_timeout_ms / 1000
    pool = Connections.from_url(
        settings.redis.get_secret_value(),
        decode_responses=True,
        client_name=f"leaderboard-{application}",
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        retry=Retry(NoBackoff(), 0),
    )
    client = Redis.from_pool(pool)
    try:
        yield client
    finally:
        await client.aclose()
