"""Postgres: a pool that knows its schema and tells the DBA who connects."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import asyncpg
import orjson

from shared.access import Access, NoAccess
from shared.settings import NamingSettings, PostgresSettings

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"

JSONB_VERSION = b"\x01"
LOCK_MS = 3_000
IDLE_MS = 5_000
BY_INDEX = dict.fromkeys(("enable_seqscan", "enable_hashjoin", "enable_mergejoin"), "off")
"""A plan that was made while the tables were empty is kept until they are analyzed: let it be one for full tables."""
DOWN = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,
    asyncpg.InternalClientError,  # what it says of a connection that broke in the middle of a statement
    asyncpg.InsufficientResourcesError,  # of disk, memory or connections
)
"""What asyncpg raises while Postgres is away, starting, stopping or full."""
BUSY = (
    asyncpg.LockNotAvailableError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.IdleInTransactionSessionTimeoutError,
)
"""What it raises when somebody else holds what a transaction needs, or this process was asleep inside one."""
DENIED = (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError)
ACCESS = Access(
    "LEADERBOARD_POSTGRES",
    "sslrootcert in LEADERBOARD_POSTGRES",
    "sslmode in LEADERBOARD_POSTGRES",
    "user, password, database and sslmode in LEADERBOARD_POSTGRES, and pg_hba.conf",
    DENIED,
)
NOT_REACHED = (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.PostgresConnectionError)
OPEN_WITHIN = 10.0
"""Seconds for a single connection to open."""
CLOSE_WITHIN = 5.0


@asynccontextmanager
async def open_connection(
    postgres: PostgresSettings, application: str, *, timeout: float | None = 60.0, schema: str = "", **settings: str
) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """One connection, for a command; `timeout` bounds each statement, seconds. `settings` are the server's.

    Raises NoAccess, and what else asyncpg raises.
    """
    connection = await _connect(
        postgres.postgres.get_secret_value(),
        timeout=OPEN_WITHIN,
        command_timeout=timeout,
        server_settings={
            "application_name": f"leaderboard-{application}",
            **({"search_path": f'"{schema}"'} if schema else {}),
            **settings,
        },
    )
    try:
        yield connection
    finally:
        await connection.close(timeout=CLOSE_WITHIN)


async def _connect(*arguments: Any, **options: Any) -> "asyncpg.Connection[asyncpg.Record]":
    """As asyncpg's. Raises NoAccess where what it says is no use without the setting that it is about."""
    try:
        return await asyncpg.connect(*arguments, **options)
    except asyncpg.TooManyConnectionsError as error:
        raise NoAccess(f"{error}: look at LEADERBOARD_POSTGRES_POOL, and max_connections of the server") from error
    except asyncpg.OperatorInterventionError as error:  # it starts, or stops
        raise NoAccess(str(error)) from error
    except (*NOT_REACHED, *DENIED) as error:
        raise NoAccess(ACCESS.explain(error)) from error


@asynccontextmanager
async def open_pool(
    postgres: PostgresSettings,
    naming: NamingSettings,
    application: str,
    *,
    durable: bool = True,
    timeout: float = 5.0,
    schema: str | None = None,
) -> AsyncIterator[Pool]:
    """A pool that connects when first used, so that a service starts while Postgres is away.

    `durable=False` commits without waiting for the disk: right only where the log replays what a
    crash loses. `timeout` bounds each statement, seconds. A process that falls asleep inside a
    transaction loses its connection after `IDLE_MS`, and with it the rows that it had locked.
    `schema`: where that is not the one that is served.
    """
    pool: Pool = asyncpg.create_pool(
        postgres.postgres.get_secret_value(),
        min_size=0,
        max_size=postgres.postgres_pool,
        timeout=timeout,
        command_timeout=timeout,
        connect=_connect,
        init=set_codecs,
        reset=_leave,
        server_settings={
            "application_name": f"leaderboard-{application}",
            "search_path": f'"{schema or naming.schema_name}"',
            "synchronous_commit": "on" if durable else "off",
            "jit": "off",
            "lock_timeout": str(LOCK_MS),
            "idle_in_transaction_session_timeout": str(IDLE_MS),
            # Statements are few and take arrays: planning each anew cost Postgres more than running them.
            "plan_cache_mode": "force_generic_plan",
            **BY_INDEX,
        },
    )
    try:
        async with pool:
            yield pool
    finally:
        pool.terminate()


class Within:
    """What takes the place of a pool where all has to happen on one connection, in the transaction that it is in."""

    def __init__(self, connection: Connection) -> None:
        self.fetch = connection.fetch
        self.fetchrow = connection.fetchrow
        self.execute = connection.execute
        self._connection = connection

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Connection]:
        """The connection."""
        yield self._connection


async def _leave(_: object) -> None:
    """Nothing here changes the state of a session, so there is nothing to reset when a connection goes back."""


async def set_codecs(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """How JSON is sent and received."""
    # Binary, with its version before it: within a record asyncpg gives no other form, whatever a codec asks for.
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        format="binary",
        encoder=lambda value: JSONB_VERSION + orjson.dumps(value),
        decoder=lambda value: json.loads(value.removeprefix(JSONB_VERSION)),
    )
