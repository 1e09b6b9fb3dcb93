"""Forward-only migrations: the SQL files beside this module, in order of their names."""

from importlib import resources

import asyncpg

from shared.settings import NamingSettings, PostgresSettings

MIGRATIONS = """
create table if not exists migrations (name text primary key, applied_at timestamptz not null default now())
"""
LOCK = 7_201_986_000
"""Any number: the advisory lock that lets one migration run at a time."""


async def migrate(postgres: PostgresSettings, naming: NamingSettings) -> list[str]:
    """Apply what is missing, each file in a transaction of its own; the names applied."""
    connection = await asyncpg.connect(postgres.postgres.get_secret_value(), timeout=10, command_timeout=60)
    try:
        await connection.execute("select pg_advisory_lock($1)", LOCK)
        await connection.execute(f'create schema if not exists "{naming.schema_name}"')
        await connection.execute(f'set search_path to "{naming.schema_name}"')
        await connection.execute(MIGRATIONS)
        done = {row["name"] for row in await connection.fetch("select name from migrations")}
        names = [name for name in migration_names() if name not in done]
        for name in names:
            await _apply(connection, name)
        return names
    finally:
        await connection.close(timeout=5)


def migration_names() -> list[str]:
    """Every migration of this build, in order."""
    files = resources.files("projector").joinpath("migrations").iterdir()
    return sorted(file.name for file in files if file.name.endswith(".sql"))


async def _apply(connection: "asyncpg.Connection[asyncpg.Record]", name: str) -> None:
    sql = resources.files("projector").joinpath("migrations", name).read_text()
    async with connection.transaction():
        await connection.execute(sql)
        await connection.execute("insert into migrations (name) values ($1)", name)
