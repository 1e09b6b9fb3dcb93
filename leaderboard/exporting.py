"""`leaderboard players export`: all that is held about one player."""

import orjson

from shared.postgres import open_pool
from shared.settings import NamingSettings, PostgresSettings

TABLES = {
    "player": "select * from players where player_id = $1",
    "profile": "select * from profiles where player_id = $1",
    "submissions": 'select * from game_sessions where player_id = $1 order by "offset"',
    "rulings": 'select * from rulings where player_id = $1 order by "offset"',
    "entries": "select * from leaderboard_entries where player_id = $1 order by board_id, season",
    "entry_history": 'select * from entry_history where player_id = $1 order by "offset", board_id, season',
    "season_standings": "select * from season_standings where player_id = $1 order by board_id, season, kind",
}
"""What is asked for each part; no other table names a player."""
READ_TIMEOUT = 60.0
NAME = "players-export"


class UnknownPlayer(Exception):
    """Nothing is held about this player."""


async def export_player(postgres: PostgresSettings, naming: NamingSettings, player_id: str) -> str:
    """All rows about a player, of one instant, as JSON. Raises UnknownPlayer, and what Postgres raises."""
    async with (
        open_pool(postgres, naming, NAME, timeout=READ_TIMEOUT) as pool,
        pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        held = {part: [dict(row) for row in await connection.fetch(sql, player_id)] for part, sql in TABLES.items()}
    if not any(held.values()):
        raise UnknownPlayer(f"nothing is held about player {player_id}")
    return orjson.dumps({"player_id": player_id, **held}, default=_encode, option=orjson.OPT_INDENT_2).decode()


def _encode(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
