"""What the profiles say of players, for the boards that ask for it."""

import asyncio
from collections.abc import Sequence

from shared.postgres import DOWN, Pool

ERASED = "select 1 from players where player_id = $1 and erased is not null"
ATTRIBUTES = "select player_id, attributes from profiles where player_id = any($1::text[])"


class ProfilesUnavailable(Exception):
    """Postgres does not answer, and without it nobody knows whether the command is admitted. Nothing was done."""


async def is_erased(pool: Pool, player_id: str, timeout: float) -> bool:
    """Whether a player was erased, and may not get a name again. `timeout` in seconds. Raises ProfilesUnavailable."""
    try:
        async with asyncio.timeout(timeout):
            return await pool.fetchval(ERASED, player_id) is not None
    except DOWN as error:
        raise ProfilesUnavailable(f"Postgres does not answer: {error!r}") from error


async def read_attributes(pool: Pool, player_ids: Sequence[str], timeout: float) -> dict[str, dict[str, str]]:
    """Player id → attributes, of those who have a profile. `timeout` in seconds. Raises ProfilesUnavailable."""
    try:
        async with asyncio.timeout(timeout):
            rows = await pool.fetch(ATTRIBUTES, player_ids)
    except DOWN as error:
        raise ProfilesUnavailable(f"Postgres does not answer: {error!r}") from error
    return {row["player_id"]: row["attributes"] or {} for row in rows}
