"""The metadata of the submissions that made the rows of a board."""

from collections.abc import Sequence
from typing import Any

from shared.boards import Board
from shared.postgres import DOWN, Pool
from shared.problems import unavailable
from shared.questions import Ranked

METADATA = """
select e.player_id, e.value, e.reached_at, s.metadata
from leaderboard_entries e join game_sessions s using (player_id, event_id)
where e.board_id = $1 and e.season = $2 and e.player_id = any($3::text[]) and e.value is not null
"""


async def read_metadata(pool: Pool, board: Board, season: str, rows: Sequence[Ranked]) -> dict[str, dict[str, Any]]:
    """Player → metadata, with the keys that the board declares. Raises Problem (503).

    It comes from Postgres, which may be ahead of the rows: a player whose row has moved meanwhile is left out.
    """
    known = {row.standing.player_id: (row.standing.value, row.standing.reached_at) for row in rows}
    try:
        found = await pool.fetch(METADATA, board.board_id, season, list(known))
    except DOWN as error:
        raise unavailable(f"metadata is in Postgres, which does not answer: {error!r}") from error
    return {
        each["player_id"]: _declared(board, each["metadata"] or {})
        for each in found
        if known[each["player_id"]] == (each["value"], each["reached_at"])
    }


def _declared(board: Board, metadata: dict[str, Any]) -> dict[str, Any]:
    keys = board.metadata_keys
    return {key: value for key, value in metadata.items() if keys is None or key in keys}
