"""Forward-only migrations: the SQL files beside this module, in order of their names."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from importlib import resources

import asyncpg

from shared.postgres import Connection, open_connection
from shared.settings import NamingSettings, PostgresSettings

MIGRATIONS = """
create table if not exists migrations (name text primary key, applied_at timestamptz not null default now())
"""
CONSTRAINTS = """
select c.conname as name, r.relname as table, pg_get_constraintdef(c.oid) as definition
from pg_constraint c join pg_class r on r.oid = c.conrelid
where c.connamespace = $1::regnamespace and c.contype in ('p', 'u') and c.conparentid = 0 and r.relname = any($2)
"""
INDEXES = """
select x.relname as name, r.relname as table, pg_get_indexdef(i.indexrelid) as definition
from pg_index i join pg_class r on r.oid = i.indrelid join pg_class x on x.oid = i.indexrelid
where r.relnamespace = $1::regnamespace and r.relname = any($2)
    and not exists (select from pg_constraint c where c.conindid = i.indexrelid)
"""
MADE = "select name from {schema}migrations"
LOCK = 7_201_986_000
"""Any number: the advisory lock that lets one migration run at a time."""


class OtherTables(Exception):
    """The tables are not those of this build; the message says what to do."""


async def migrate(postgres: PostgresSettings, naming: NamingSettings) -> list[str]:
    """Apply what is missing, each file in a transaction of its own; the names applied. Raises OtherTables."""
    async with open_connection(postgres, "migrate") as connection:
        await connection.execute("select pg_advisory_lock($1)", LOCK)
        return await migrate_schema(connection, naming.schema_name)


async def migrate_schema(connection: "asyncpg.Connection[asyncpg.Record]", schema: str) -> list[str]:
    """The same for one schema, which the connection is in from then on."""
    await connection.execute(f'create schema if not exists "{schema}"')
    await connection.execute(f'set search_path to "{schema}"')
    await connection.execute(MIGRATIONS)
    done = {row["name"] for row in await connection.fetch(MADE.format(schema=""))}
    _refuse_newer(done)
    names = [name for name in migration_names() if name not in done]
    for name in names:
        await _apply(connection, name)
    return names


async def require_made(connection: Connection, schema: str | None = None) -> None:
    """Raises OtherTables unless the tables are those of this build; `schema`: where the connection is not in it."""
    try:
        rows = await connection.fetch(MADE.format(schema=f'"{schema}".' if schema else ""))
    except asyncpg.UndefinedTableError as error:
        raise OtherTables("there are no tables: run `leaderboard init`") from error
    done = {row["name"] for row in rows}
    _refuse_newer(done)
    if missing := sorted({*migration_names()} - done):
        raise OtherTables(f"the tables are of an older build, without {', '.join(missing)}: run `leaderboard init`")


def _refuse_newer(done: AbstractSet[str]) -> None:
    """Migrations go forward only."""
    if newer := sorted(done - {*migration_names()}):
        raise OtherTables(
            f"the tables are of a newer build, with {', '.join(newer)}: upgrade this one, or `leaderboard reset` by it "
            "folds the log into tables of its own"
        )


async def drop_indexes(
    connection: "asyncpg.Connection[asyncpg.Record]", schema: str, tables: Sequence[str]
) -> list[str]:
    """Drop the keys and indexes of tables that are to be filled; the statements that make them again, by table."""
    again: dict[str, list[str]] = {}
    for name, table, definition in await connection.fetch(CONSTRAINTS, f'"{schema}"', tables):
        await connection.execute(f'alter table "{schema}"."{table}" drop constraint "{name}"')
        again.setdefault(table, []).append(f'alter table "{schema}"."{table}" add constraint "{name}" {definition}')
    for name, table, definition in await connection.fetch(INDEXES, f'"{schema}"', tables):
        await connection.execute(f'drop index "{schema}"."{name}"')
        again.setdefault(table, []).append(definition)
    return [";".join(statements) for statements in again.values()]


def migration_names() -> list[str]:
    """Every migration of this build, in order."""
    files = resources.files("projector").joinpath("migrations").iterdir()
    return sorted(file.name for file in files if file.name.endswith(".sql"))


async def _apply(connection: "asyncpg.Connection[asyncpg.Record]", name: str) -> None:
    sql = resources.files("projector").joinpath("migrations", name).read_text()
    async with connection.transaction():
        await connection.execute(sql)
        await connection.execute("insert into migrations (name) values ($1)", name)
