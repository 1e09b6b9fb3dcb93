"""Redis: a client with bounded waits, and scripts that survive a restarted server."""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
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
from shared.redis_cluster import Cluster, Command
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
        """Run it once for each (keys, arguments), one after the other, in one round trip to each node."""
        commands = [("EVALSHA", self.sha, len(keys), *keys, *arguments) for keys, arguments in calls]
        return await on_each(client, commands, self._run_there)

    async def _run_there(self, node: Client, commands: Sequence[Command]) -> list[Any]:
        try:
            return await round_trip(node, commands)
        except NoScriptError:  # said of all of them: none has run
            await node.script_load(self.source)
            return await round_trip(node, commands)

    async def run(self, client: Client, keys: Sequence[str], arguments: Sequence[str | int]) -> Any:
        """Run it, loading it first into a server that does not know it (any more)."""
        try:
            return await client.evalsha(self.sha, len(keys), *keys, *arguments)
        except NoScriptError:
            return await client.eval(self.source, len(keys), *keys, *arguments)


async def on_each(
    client: Client, commands: Sequence[Command], send: Callable[[Client, Sequence[Command]], Awaitable[list[Any]]]
) -> list[Any]:
    """What `send` gets for commands from the node that holds their keys, or each of the nodes."""
    return await (client.on_each(commands, send) if isinstance(client, Cluster) else send(client, commands))


async def node_of(client: Client, key: str) -> Client:
    """The node that holds a key: itself, where there is no cluster."""
    return await client.node_of(key) if isinstance(client, Cluster) else client


async def round_trip(client: Client, commands: Sequence[Command]) -> list[Any]:
    """The replies to commands that are sent together, as they come. Raises DOWN, or the first error that is a reply.

    To a cluster they are sent one node after the other. A pipeline of redis-py does the same for a single server, but
    its own work is half of what a hot read costs.
    """
    return await on_each(client, commands, _round_trip)


async def _round_trip(client: Client, commands: Sequence[Command]) -> list[Any]:
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


def as_map(reply: dict[Any, Any] | list[Any]) -> dict[Any, Any]:
    """The reply to HGETALL: a map in RESP3, pairs in RESP2, as the URL says, or the version of redis-py."""
    return dict(reply) if isinstance(reply, dict) else dict(zip(reply[0::2], reply[1::2], strict=True))


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
    options = {
        "decode_responses": True,
        "client_name": f"leaderboard-{application}",
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "retry": Retry(NoBackoff(), 0),
    }
    client = _client(settings, options)
    try:
        yield client
    finally:
        await client.aclose()


def _client(settings: RedisSettings, options: Mapping[str, Any]) -> Client:
    url = settings.redis.get_secret_value()
    if settings.redis_cluster:
        return Cluster.from_url(url, **options)
    return Redis.from_pool(Connections.from_url(url, **options))
